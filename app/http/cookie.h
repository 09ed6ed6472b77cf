/* Cookies in and out (RFC 6265bis). */
#ifndef DOORWARD_HTTP_COOKIE_H
#define DOORWARD_HTTP_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct response;

enum cookie_result {
	COOKIE_FOUND,
	COOKIE_ABSENT,
	COOKIE_DUPLICATE, /* the name occurs twice, wherever: refused, never "the first" */
	COOKIE_MALFORMED, /* the value is over 4096 long; what its bytes are is for who reads it */
};

/* Looks through every HTTP_COOKIE parameter (nginx before 1.23 sends one per header line); pairs
 * are separated by ";"; one after a "," (as Apache and Caddy join two header lines, and as a value
 * of another cookie can pretend) is never found, but DUPLICATE. Names are compared case
 * sensitively. *value points into the parameter and is not NUL-terminated. */
enum cookie_result cookie_find(
	const struct request *request, const char *name, const char **value, size_t *len);

struct cookie_attributes {
	const char *path; /* "/" or the prefix */
	const char *same_site; /* "Strict" or "Lax" */
	int64_t max_age_sec; /* < 0: none, ends with the browser; 0: expires now */
};
/* Adds a Set-Cookie header: always Secure and HttpOnly, never Domain. */
void cookie_set(struct response *response, const char *name, const char *value,
	const struct cookie_attributes *attributes);

#endif
