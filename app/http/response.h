/* The answer, built in memory and written once, "Status:" first, exactly one.
 *
 * A response begins as 503: only a decision replaces it, since to most web servers an empty answer
 * or a missing status means "let the request in". */
#ifndef DOORWARD_HTTP_RESPONSE_H
#define DOORWARD_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct arena;

enum { RESPONSE_HEADERS_MAX_BYTES = 16 * 1024, RESPONSE_BODY_MAX_BYTES = 64 * 1024 };

struct response {
	int status;
	struct buf headers; /* whole lines, each with CRLF */
	struct buf body;
	bool broken; /* a header could not be written: becomes a plain 503 */
};

void response_init(struct response *response, struct arena *arena);
/* Back to a bare 503, nothing kept. */
void response_reset(struct response *response);
void response_status(struct response *response, int status);
/* name and value must be visible ASCII (value: and spaces); CR, LF, NUL or other control bytes
 * (a bare LF would start a new header line) make the response broken. */
void response_header(struct response *response, const char *name, const char *value);
/* "Variable-NAME: value" of an authorizer's 200. Bytes above 0x7e and '%' and control bytes in the
 * value are percent-encoded, so no text of a user can become a header. */
void response_variable(struct response *response, const char *name, const char *value);
/* The one text of the answer: Status, headers, blank line, body. False when it cannot be built
 * (out is then the plain 503). */
bool response_render(const struct response *response, struct buf *out);
/* "Not Found" and so on; "" for a status we never send. */
const char *response_status_text(int status);

#endif
