/* All that we ask of OpenSSL: digests, MACs, constant-time comparison, wiping, signing keys.
 *
 * The only file that includes <openssl/...>. A digest or MAC that fails is fatal(): there is no
 * safe answer without it. A signature that does not verify is `false`, whatever the reason; want of
 * memory is none, after crypto_init. */
#ifndef DOORWARD_BASE_CRYPTO_H
#define DOORWARD_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRYPTO_SHA256_BYTES = 32, CRYPTO_MD5_BYTES = 16 };

/* Before anything else of OpenSSL is used: from then on it has memory, or the program ends. */
void crypto_init(void);

void crypto_sha256(uint8_t out[CRYPTO_SHA256_BYTES], const void *bytes, size_t len);
void crypto_hmac_sha256(uint8_t out[CRYPTO_SHA256_BYTES], const void *key, size_t key_len,
	const void *bytes, size_t len);
/* Only for old password hashes ($apr1$). */
void crypto_md5(uint8_t out[CRYPTO_MD5_BYTES], const void *bytes, size_t len);
/* In constant time for a given len. */
bool crypto_equal(const void *a, const void *b, size_t len);
/* Is not optimised away. */
void crypto_wipe(void *bytes, size_t len);
/* "OpenSSL 3.0.19 ..." of the library in use. */
const char *crypto_version(void);

/* A key that signs or verifies access tokens. Parsed once; may be used by any number of threads. */
struct crypto_key;

enum crypto_alg {
	CRYPTO_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3), modulus >= 2048 bits
		       */
	CRYPTO_ES256, /* ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4) */
};

/* Makes a private key (RSA of 3072 bits, or P-256). */
struct crypto_key *crypto_key_generate(enum crypto_alg alg);
/* Reads a PEM, private or public. NULL with a sentence in *why (static text) when it is not a key
 * we use: broken, RSA under 2048 bits, another curve or type. */
struct crypto_key *crypto_key_parse(const char *pem, size_t pem_len, const char **why);
void crypto_key_free(struct crypto_key *key);
enum crypto_alg crypto_key_alg(const struct crypto_key *key);
const char *crypto_alg_name(enum crypto_alg alg); /* "RS256" or "ES256" */
int crypto_key_bits(const struct crypto_key *key);
bool crypto_key_is_private(const struct crypto_key *key);

/* PEM of the key, heap memory: the caller wipes and frees it. */
char *crypto_key_to_pem(const struct crypto_key *key, size_t *len);

/* The public members of a JWK (RFC 7517, RFC 7518 section 6), base64url: RSA n and e, or EC x, y.
 */
struct crypto_jwk {
	const char *kty; /* "RSA" or "EC" */
	char n_or_x[1400];
	char e_or_y[64];
};
bool crypto_key_jwk(const struct crypto_key *key, struct crypto_jwk *out);

/* Verifies a JWS signature over signing input. ES256 signatures are the 64 bytes r || s, and
 * nothing else (no DER); r and s out of range are refused. */
bool crypto_verify(const struct crypto_key *key, const void *input, size_t input_len,
	const uint8_t *signature, size_t signature_len);

#endif
