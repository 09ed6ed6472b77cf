/* FastCGI's records (FastCGI Specification, section 3.3), only to see what has arrived: reading
 * them is libfcgi's. */
#ifndef DOORWARD_HTTP_RECORD_H
#define DOORWARD_HTTP_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/* Do the bytes hold one request whole, as a web server sends it: BEGIN_REQUEST, PARAMS to their
 * end, and for a responder STDIN to its end (an authorizer is often sent none)? Then reading it
 * waits for nobody. */
bool record_is_whole(const unsigned char *bytes, size_t len);

#endif
