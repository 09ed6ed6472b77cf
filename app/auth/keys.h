/* The keys of [token] keys_dir: signing keys for access tokens, MAC keys for refresh tokens.
 *
 * Files: sign-<from>-<kid>.pem (private key, or public key alone once it only verifies) and
 * mac-<from>-<id>.key (32 bytes as hex), mode 0600; <from> is the UTC time YYYYMMDDTHHMMSSZ from
 * which the key is used for new tokens, so that a rotated key can reach every node before anyone
 * signs with it. The key for a moment is the newest whose <from> is not later (before the first,
 * the first): every node chooses the same. A struct keys is const once loaded. */
#ifndef DOORWARD_AUTH_KEYS_H
#define DOORWARD_AUTH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

struct json;
struct keys;

enum { KEYS_KID_LEN = 16 /* hex */, KEYS_MAC_ID_BYTES = 4, KEYS_MAC_BYTES = 32 };

/* NULL with a sentence in error: no directory, no signing or MAC key usable now ("run: doorwardctl
 * keys new"), a file with any permission for group or others, a directory that they may write to,
 * a name that is wrong in part, an id twice, not a key, RSA < 2048, wrong curve. */
struct keys *keys_load(const char *dir, char *error, size_t error_size);
void keys_free(struct keys *keys);

struct keys_sign {
	char kid[KEYS_KID_LEN + 1];
	int64_t from_sec;
	const struct crypto_key *key;
	const char *pem; /* of a private key, NUL at the end; NULL: only verifies */
	size_t pem_len;
};
struct keys_mac {
	uint8_t id[KEYS_MAC_ID_BYTES];
	int64_t from_sec;
	uint8_t secret[KEYS_MAC_BYTES];
};

/* NULL when unknown. kid is untrusted: compared, never used as a path. */
const struct keys_sign *keys_find(const struct keys *keys, const char *kid, size_t len);
/* The private key that signs what is issued at that moment; never NULL. */
const struct keys_sign *keys_signing_at(const struct keys *keys, int64_t at_sec);
const struct keys_mac *keys_find_mac(const struct keys *keys, const uint8_t id[KEYS_MAC_ID_BYTES]);
/* Never NULL. */
const struct keys_mac *keys_mac_at(const struct keys *keys, int64_t at_sec);
/* JWK Set (RFC 7517 section 5) of all signing keys. Yours. */
struct json *keys_jwks(const struct keys *keys);
/* The signing keys, oldest first. */
size_t keys_count(const struct keys *keys);
const struct keys_sign *keys_at(const struct keys *keys, size_t index);

/* doorwardctl keys: makes a signing key and a MAC key in dir (made 0700 if absent), usable from
 * from_sec on. Run by root, the files belong to the owner of dir. kid_out may be NULL. False with a
 * sentence in error. */
bool keys_make(const char *dir, enum crypto_alg alg, int64_t from_sec,
	char kid_out[KEYS_KID_LEN + 1], char *error, size_t error_size);
/* Removes a signing key: its tokens are refused after the next reload. Refuses the one that signs
 * now. */
bool keys_retire(const char *dir, const char *kid, char *error, size_t error_size);

#endif
