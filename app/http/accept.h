/* The Accept header (RFC 9110 section 12.5.1), as far as one question needs it. */
#ifndef DOORWARD_HTTP_ACCEPT_H
#define DOORWARD_HTTP_ACCEPT_H

#include <stdbool.h>

/* JSON is named, and with a higher weight than HTML if that is named too. Wildcards name neither:
 * scripts add one to be safe. */
bool accept_prefers_json(const char *accept);

#endif
