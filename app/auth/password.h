/* Password hashes: made with Argon2id (libsodium), verified in every form found in old files
 * ($argon2id$, bcrypt, SHA-crypt, md5crypt by libxcrypt; Apache's $apr1$ by auth/apr1.c).
 *
 * How many are computed at once is bounded ([password] max_parallel) because each takes
 * memlimit_mb of memory and a core; a few more may wait, the rest is PASSWORD_BUSY at once.
 *
 * What an old form would cut off never matches: a password with a NUL, one over 72 bytes with
 * bcrypt, one over 511 bytes with any of them. */
#ifndef DOORWARD_AUTH_PASSWORD_H
#define DOORWARD_AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

enum {
	PASSWORD_MAX_BYTES = 1024, /* longer is refused before any work, never cut */
	PASSWORD_MIN_CHARS = 15, /* NIST SP 800-63B-4: the only factor */
	PASSWORD_HASH_MAX = 256,
};

/* Process-wide; call at start and after a reload. Computes one hash (the decoy) when the cost is
 * new. False, logged, when libsodium cannot start or has not that much memory. */
bool password_init(const struct settings *settings);

enum password_result {
	PASSWORD_OK,
	PASSWORD_WRONG,
	PASSWORD_BUSY, /* too many at once; nothing was computed */
	PASSWORD_FAULT, /* out of memory, or a hash that looks like one of ours and cannot be read
			 */
};

/* hash NULL, or of a form nobody here can compute: a decoy of the same cost is verified, and the
 * answer is PASSWORD_WRONG if it could be computed. `like` is any hash of the user source in use
 * whose form and cost the decoy takes; NULL: Argon2id as set. */
enum password_result password_verify(
	const char *hash, const char *like, const char *password, size_t len);
/* Argon2id as set, random salt. PASSWORD_OK, PASSWORD_BUSY or PASSWORD_FAULT. */
enum password_result password_make(const char *password, size_t len, char out[PASSWORD_HASH_MAX]);
/* True when a hash verified by password_verify should be made anew (weaker, or an old form). */
bool password_is_outdated(const char *hash);
/* NULL when the new password may be used; else a sentence why not (static text): too short, too
 * long, contains the user's name, a well-known one, one character repeated. */
const char *password_weakness(const char *password, size_t len, const char *user_name);
/* True for a form of hash that password_verify knows. */
bool password_is_known_form(const char *hash);
/* How many hashes were computed since the start; one that gate_run began anew counts once. */
uint64_t password_computed(void);
/* "libsodium 1.0.18, libxcrypt 4.4.33" */
const char *password_version(void);

#endif
