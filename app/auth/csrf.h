/* The token of our own forms: a signed, short-lived cookie value and the form field that belongs to
 * it. The field is a MAC of the cookie value, so the HttpOnly cookie's value appears in no page;
 * both are bound to `binding` (the session's handle, or "" before sign-in), so that a token got
 * before signing in is useless afterwards. */
#ifndef DOORWARD_AUTH_CSRF_H
#define DOORWARD_AUTH_CSRF_H

#include <stdbool.h>
#include <stddef.h>

struct auth;

enum {
	CSRF_LEN = 75 /* 8 time + 16 random + 32 MAC, base64url */,
	CSRF_FIELD_LEN = 43,
	CSRF_LIFETIME_SEC = 3600
};

struct csrf {
	char cookie[CSRF_LEN + 1];
	char field[CSRF_FIELD_LEN + 1];
};

/* A new pair. */
void csrf_make(const struct auth *auth, const char *binding, struct csrf *out);
/* The field for a cookie that the browser already has; false when that is not valid any more. */
bool csrf_reuse(const struct auth *auth, const char *binding, const char *cookie, struct csrf *out);
/* cookie or field may be NULL: false. */
bool csrf_check(
	const struct auth *auth, const char *binding, const char *cookie, const char *field);

#endif
