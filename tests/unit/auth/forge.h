/* What the tests of access tokens share: two key directories, tokens signed with our own keys
 * whatever they say, and the verdict on them as a reason code. */
#ifndef DOORWARD_TESTS_FORGE_H
#define DOORWARD_TESTS_FORGE_H

#include "check.h"

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/keys.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/settings.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* Ids of our form: base64url of 16 bytes. */
#define SUB "c3ViLXN1Yi1zdWItc3ViLQ"
#define SID "c2lkLXNpZC1zaWQtc2lkLQ"
#define JTI "anRpLWp0aS1qdGktanRpLQ"
#define ISS "https://auth.example/"
#define AUD "https://app.example/"

/* Keys in a directory of their own, each with one signing key. */
struct ring {
	char dir[40];
	char kid[KEYS_KID_LEN + 1];
	struct keys *keys;
	EVP_PKEY *pkey; /* the signing key, to forge with */
};

static struct ring rsa, ec;
static struct arena *arena;
static struct settings settings;
static struct auth auth;
static struct caller caller;
static char token_text[300000];
static struct token out;

static inline EVP_PKEY *pkey_of(const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	BIO_free(in);
	return pkey;
}

static inline void ring_load(struct ring *ring)
{
	char error[400] = "";
	keys_free(ring->keys);
	ring->keys = keys_load(ring->dir, error, sizeof(error));
	CHECK_TEXT(error, "");
}

static inline void ring_make(struct ring *ring, enum crypto_alg alg)
{
	char error[400] = "";
	snprintf(ring->dir, sizeof(ring->dir), "/tmp/doorward-token-XXXXXX");
	CHECK(mkdtemp(ring->dir) != NULL);
	CHECK(keys_make(ring->dir, alg, 1000, ring->kid, error, sizeof(error)));
	ring_load(ring);
	ring->pkey = pkey_of(keys_at(ring->keys, 0)->pem);
}

static inline void ring_free(struct ring *ring)
{
	DIR *stream = opendir(ring->dir);
	for (struct dirent *entry; stream && (entry = readdir(stream));)
		unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
	rmdir(ring->dir);
	keys_free(ring->keys);
	EVP_PKEY_free(ring->pkey);
}

/* ---- forging ---- */

/* DER to r || s where the key is an EC key. */
static inline size_t to_raw(unsigned char *signature, size_t len)
{
	const unsigned char *next = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &next, (long)len);
	CHECK_INT(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32), 32);
	CHECK_INT(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32), 32);
	ECDSA_SIG_free(pair);
	return 64;
}

static inline size_t sign_with(
	EVP_PKEY *pkey, const EVP_MD *md, const char *input, unsigned char *signature)
{
	size_t len = 1024;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	CHECK_INT(EVP_DigestSignInit(context, NULL, md, NULL, pkey), 1);
	CHECK_INT(EVP_DigestSign(
			  context, signature, &len, (const unsigned char *)input, strlen(input)),
		1);
	EVP_MD_CTX_free(context);
	return EVP_PKEY_is_a(pkey, "EC") && md == EVP_sha256() ? to_raw(signature, len) : len;
}

static inline void append(const void *bytes, size_t len)
{
	encode_base64url(token_text + strlen(token_text), bytes, len);
}

static inline void append_text(const char *text)
{
	size_t len = strlen(token_text);
	snprintf(token_text + len, sizeof(token_text) - len, "%s", text);
}

static inline void set_input(const char *header, const void *payload, size_t payload_len)
{
	token_text[0] = '\0';
	append(header, strlen(header));
	append_text(".");
	append(payload, payload_len);
}

static inline void sign_input(const struct ring *ring)
{
	unsigned char signature[1024];
	size_t len = sign_with(ring->pkey, EVP_sha256(), token_text, signature);
	append_text(".");
	append(signature, len);
}

static inline const char *forge_bytes(
	const struct ring *ring, const char *header, const void *payload, size_t payload_len)
{
	set_input(header, payload, payload_len);
	sign_input(ring);
	return token_text;
}

static inline const char *forge(const struct ring *ring, const char *header, const char *payload)
{
	return forge_bytes(ring, header, payload, strlen(payload));
}

static inline const char *header_of(const struct ring *ring)
{
	static char text[2][200];
	char *header = text[ring == &ec];
	snprintf(header, sizeof(text[0]), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		ring == &ec ? "ES256" : "RS256", ring->kid);
	return header;
}

/* The members of a good payload; `name` gets the raw JSON `value`, or is left out for NULL. */
static inline const char *payload_with(const char *name, const char *value)
{
	static char text[4000];
	char times[3][32];
	int64_t now = clock_now_sec();
	for (int i = 0; i < 3; i++)
		snprintf(times[i], sizeof(times[i]), "%lld", (long long)now + (i - 1) * 600);
	const char *members[][2] = { { "iss", "\"" ISS "\"" }, { "aud", "\"" AUD "\"" },
		{ "sub", "\"" SUB "\"" }, { "sid", "\"" SID "\"" }, { "jti", "\"" JTI "\"" },
		{ "ver", "3" }, { "iat", times[1] }, { "nbf", times[1] }, { "exp", times[2] },
		{ "auth_time", times[0] }, { "use", "\"access\"" } };
	bool is_new = name != NULL;
	size_t len = 0;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		bool is_this = name && strcmp(name, members[i][0]) == 0;
		const char *raw = is_this ? value : members[i][1];
		is_new = is_new && !is_this;
		if (raw)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%s\":%s",
				len > 0 ? "," : "{", members[i][0], raw);
	}
	if (is_new)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"%s\":%s", name, value);
	snprintf(text + len, sizeof(text) - len, "}");
	return text;
}

static inline const char *with(const char *name, const char *value)
{
	return forge(&rsa, header_of(&rsa), payload_with(name, value));
}

static inline const char *with_number(const char *name, int64_t value)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	return with(name, text);
}

static inline const char *good(const struct ring *ring)
{
	return forge(ring, header_of(ring), payload_with(NULL, NULL));
}

/* ---- verifying ---- */

static inline const char *verify_bytes(const struct ring *ring, const char *text, size_t len)
{
	/* Exactly as long as the text: AddressSanitizer sees a byte too many. */
	char *copy = malloc(len > 0 ? len : 1);
	memcpy(copy, text, len);
	enum reason reason = token_verify(ring->keys, &settings, copy, len, &out);
	free(copy);
	return reason_code(reason);
}

static inline const char *verify(const char *text)
{
	return verify_bytes(&rsa, text, strlen(text));
}

static inline const char *verify_ec(const char *text)
{
	return verify_bytes(&ec, text, strlen(text));
}

static inline const char *verify_header(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static inline const char *verify_header(const char *format, ...)
{
	static char header[210000];
	va_list args;
	va_start(args, format);
	vsnprintf(header, sizeof(header), format, args);
	va_end(args);
	return verify(forge(&rsa, header, payload_with(NULL, NULL)));
}

static inline void set_up(void)
{
	arena = arena_new(8 << 20);
	settings.token.issuer = ISS;
	settings.token.audience = AUD;
	settings.session.access_lifetime = 900;
	auth.settings = &settings;
	caller = (struct caller){ .arena = arena, .address = "", .agent = "" };
	ring_make(&rsa, CRYPTO_RS256);
	ring_make(&ec, CRYPTO_ES256);
}

static inline void tear_down(void)
{
	ring_free(&rsa);
	ring_free(&ec);
	arena_free(arena);
}

#endif
