/* The optional white space of header fields (RFC 9110 section 5.6.3): spaces and tabs. */
#ifndef DOORWARD_HTTP_BLANK_H
#define DOORWARD_HTTP_BLANK_H

#include <stdbool.h>
#include <stddef.h>

bool blank_is(char c);
/* Takes it from both ends. */
void blank_trim(const char **text, size_t *len);

#endif
