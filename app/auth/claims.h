/* The members of a token's header or payload: a flat JSON object, read strictly.
 *
 * JSON parsers differ in what they make of duplicate members, of bytes after the end, of odd
 * escapes and numbers, and who signs and who verifies must not differ. So: exactly one object;
 * values are strings and integers only; no member twice; strict UTF-8; no control characters; of
 * the escapes only \" \\ and \/ (libjwt emits no others for text without control characters);
 * integers are plain decimals from 0 to CLAIMS_INT_MAX. White space between the parts is allowed,
 * since other JSON writers put some there. */
#ifndef DOORWARD_AUTH_CLAIMS_H
#define DOORWARD_AUTH_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLAIMS_MAX = 24 };

/* 2^53: the last one up to which every JSON reader is exact (RFC 8259 section 6). */
#define CLAIMS_INT_MAX INT64_C(9007199254740992)

struct claim {
	const char *name;
	const char *text; /* NULL: it is a number */
	int64_t number;
};

struct claims {
	struct claim list[CLAIMS_MAX];
	size_t count;
};

/* Reads json in place: unescapes, puts NULs, and claims points into it. No allocation. */
bool claims_parse(struct claims *claims, char *json, size_t len);
/* NULL when there is no such member. */
const struct claim *claims_find(const struct claims *claims, const char *name);
/* NULL when there is no such member or it is no string. */
const char *claims_text(const struct claims *claims, const char *name);
/* False when there is no such member or it is no integer. */
bool claims_int(const struct claims *claims, const char *name, int64_t *out);

#endif
