/* The sign-in decision: throttle, user, password or decoy, audit. Unknown name, wrong password and
 * disabled user are alike in answer and in work. */
#ifndef DOORWARD_AUTH_CREDENTIALS_H
#define DOORWARD_AUTH_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

#include "auth/user.h"

struct auth;
struct caller;

enum credentials_result {
	CREDENTIALS_OK,
	CREDENTIALS_REFUSED,
	CREDENTIALS_THROTTLED, /* *retry_after_sec is set */
	CREDENTIALS_BUSY, /* too many password hashes at once: 503 and try again */
	CREDENTIALS_FAULT, /* the store or the memory cannot say: not a failed attempt */
};

struct credentials {
	const char *username; /* as typed */
	const char *password; /* may hold any byte */
	size_t password_len;
};

/* Writes the audit line. Stores a better hash when the one in Redis is outdated. out is filled only
 * with CREDENTIALS_OK. */
enum credentials_result credentials_check(const struct auth *auth, const struct caller *caller,
	const struct credentials *given, struct user *out, int64_t *retry_after_sec);

#endif
