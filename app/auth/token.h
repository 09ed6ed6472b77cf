/* The access token: a JWT (RFC 7519) of our own making, verified strictly (RFC 8725).
 *
 * Issued with libjwt (the only file that includes it), verified by our own code, because libjwt
 * accepts algorithm confusion, expired tokens, duplicates and junk. Header exactly alg, kid, typ;
 * claims iss aud sub sid jti ver iat nbf exp auth_time use, each once and typed, and name, roles
 * with [token] claims = profile. */
#ifndef DOORWARD_AUTH_TOKEN_H
#define DOORWARD_AUTH_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "auth/reason.h"
#include "auth/user.h"

struct auth;
struct caller;
struct session;
struct keys;
struct settings;

enum {
	TOKEN_MAX_BYTES = 4096, /* longer is malformed without a look inside */
	TOKEN_LEEWAY_SEC = 5, /* for nbf and iat of another node's clock; exp has none */
	TOKEN_JTI_LEN = 22,
	TOKEN_HANDLE_LEN = 22,
};

struct token {
	struct user_id sub;
	char sid[TOKEN_HANDLE_LEN + 1]; /* the session's public handle */
	char jti[TOKEN_JTI_LEN + 1];
	int64_t ver, iat, nbf, exp, auth_time;
};

/* REASON_OK, or the first thing wrong: MALFORMED, UNKNOWN_KEY, BAD_SIGNATURE, WRONG_ISSUER,
 * WRONG_AUDIENCE, NOT_YET_VALID, EXPIRED. No I/O. With NOT_YET_VALID and EXPIRED out is filled all
 * the same. */
enum reason token_verify(const struct keys *keys, const struct settings *settings, const char *text,
	size_t len, struct token *out);

/* Its times alone, by the clock of now: OK, NOT_YET_VALID or EXPIRED. */
enum reason token_check_times(const struct token *token);

/* The access token of a session's current generation, in the arena: jti from sid and generation,
 * iat the time of that rotation, so that every node mints the same (with ES256 but for the
 * signature's bytes). exp is never past the session's absolute end, and is that end in a sliding
 * session. NULL when it cannot be made (logged). */
const char *token_mint(const struct auth *auth, const struct caller *caller,
	const struct session *session, const struct user *user);

#endif
