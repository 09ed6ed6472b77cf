/* What a command is told besides its arguments: passwords and tokens, which must not stand in
 * arguments (every user of the machine can read those), and yes or no. */
#ifndef DOORWARD_CTL_CTL_INPUT_H
#define DOORWARD_CTL_CTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { CTL_INPUT_PASSWORD_SIZE = 1026 /* one more than may be used, and a NUL */ };

/* On a terminal asked for twice without echo, otherwise one line of standard input, without its
 * line feed. A longer one is cut at a length that is refused as too long. False, and said, when
 * there is none or the two differ. The caller wipes it. */
bool ctl_input_password(const char *user_name, char out[CTL_INPUT_PASSWORD_SIZE], size_t *len);
/* Standard input, without white space around it; in the arena, which wipes it. NULL, and said,
 * when it is larger than max_bytes or holds a NUL. */
const char *ctl_input_text(struct arena *arena, size_t max_bytes, size_t *len);
/* Asks on a terminal. True without asking where there is none: then a program is calling. */
bool ctl_input_confirm(const char *question);

#endif
