/* Web origins (RFC 6454, WHATWG HTML): scheme, host and port. */
#ifndef DOORWARD_HTTP_ORIGIN_H
#define DOORWARD_HTTP_ORIGIN_H

#include <stdbool.h>

/* True when both are the same http or https origin: exactly, apart from upper case, the scheme's
 * own port, and one '/' at the end. "null", user names, paths and lists equal nothing. */
bool origin_is_same(const char *a, const char *b);

#endif
