/* Return addresses and percent-encoding. */
#ifndef DOORWARD_HTTP_URL_H
#define DOORWARD_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

enum { URL_NEXT_MAX_BYTES = 2048 };

/* The return target if it is a path of this origin as every browser reads it (WHATWG URL): starts
 * with one '/', not followed by '/' or '\'; no backslash, control byte, space or non-ASCII byte;
 * no longer than URL_NEXT_MAX_BYTES; not under prefix (that would loop), except prefix/sessions
 * and prefix/signed-in.
 * Otherwise "/". The result may be borrowed from `next` (NULL allowed). */
const char *url_next(const char *next, const char *prefix);
/* Decodes %XX once; a '%' not followed by two hex digits stays. out needs len bytes, and may be
 * text itself. Returns the length of the decoded bytes (which may hold NUL); writes no NUL at the
 * end. */
size_t url_decode(char *out, const char *text, size_t len);
/* Appends text percent-encoded as a query value: unreserved and '/' stay (RFC 3986). */
void url_add_query_value(struct buf *buf, const char *text);
/* "PREFIX/refresh?next=..." and the like, in the arena. */
const char *url_with_next(
	struct arena *arena, const char *prefix, const char *page, const char *next);

#endif
