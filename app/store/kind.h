/* What kind of answer a command has. A peer that answers with another is out of step, or is no
 * Redis: read as "0" or "nothing", its answer would be a "no", or "not denied". */
#ifndef DOORWARD_STORE_KIND_H
#define DOORWARD_STORE_KIND_H

#include <stdbool.h>

struct store_command;
struct store_value;

/* True for commands that it does not know, too. */
bool kind_fits(const struct store_command *command, const struct store_value *answer);

#endif
