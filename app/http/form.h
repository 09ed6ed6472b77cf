/* application/x-www-form-urlencoded (WHATWG URL), read once by a table of the fields we know. */
#ifndef DOORWARD_HTTP_FORM_H
#define DOORWARD_HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct form_field {
	const char *name;
	size_t max_bytes; /* decoded */
	/* Filled by form_read: NULL when absent; NUL at the end, but a value may hold NUL bytes. */
	const char *value;
	size_t len;
};

enum form_result {
	FORM_OK,
	FORM_DUPLICATE, /* a known field twice: 400 */
	FORM_TOO_LONG, /* a value over its maximum: 413 */
	FORM_MALFORMED, /* decoded text is not UTF-8: 400 */
};

/* Decodes '+' and %XX once; a '%' not followed by two hex digits stays. Unknown fields are skipped.
 * fields has count rows. */
enum form_result form_read(
	struct arena *arena, const char *text, size_t len, struct form_field *fields, size_t count);
/* True for "application/x-www-form-urlencoded", with or without parameters, any case. */
bool form_is_content_type(const char *content_type);

#endif
