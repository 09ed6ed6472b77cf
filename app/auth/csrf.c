#include "auth/csrf.h"

#include "auth/auth.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/random.h"

#include <stdint.h>
#include <string.h>

enum {
	TIME_BYTES = 8,
	RANDOM_BYTES = 16,
	SIGNED_BYTES = TIME_BYTES + RANDOM_BYTES,
	COOKIE_BYTES = SIGNED_BYTES + CRYPTO_SHA256_BYTES,
};

/* The MAC key also makes refresh tokens: a key of its own keeps the two apart. */
static void derive_key(const struct keys *keys, int64_t at_sec, uint8_t out[CRYPTO_SHA256_BYTES])
{
	static const char label[] = "doorward csrf";
	const struct keys_mac *mac = keys_mac_at(keys, at_sec);
	crypto_hmac_sha256(out, mac->secret, sizeof(mac->secret), label, sizeof(label) - 1);
}

/* HMAC(key, prefix || SHA-256(binding)); the digest has one length, so no two pairs make the same
 * input. */
static void bind(uint8_t out[CRYPTO_SHA256_BYTES], const uint8_t key[CRYPTO_SHA256_BYTES],
	const void *prefix, size_t prefix_len, const char *binding)
{
	uint8_t input[5 + CSRF_LEN + CRYPTO_SHA256_BYTES];
	memcpy(input, prefix, prefix_len);
	crypto_sha256(input + prefix_len, binding, strlen(binding));
	crypto_hmac_sha256(out, key, CRYPTO_SHA256_BYTES, input, prefix_len + CRYPTO_SHA256_BYTES);
}

static void set_field(struct csrf *out, const uint8_t key[CRYPTO_SHA256_BYTES], const char *binding)
{
	char prefix[5 + CSRF_LEN] = { 'f', 'i', 'e', 'l', 'd' };
	uint8_t mac[CRYPTO_SHA256_BYTES];
	memcpy(prefix + 5, out->cookie, CSRF_LEN);
	bind(mac, key, prefix, sizeof(prefix), binding);
	encode_base64url(out->field, mac, sizeof(mac));
}

void csrf_make(const struct auth *auth, const char *binding, struct csrf *out)
{
	uint8_t key[CRYPTO_SHA256_BYTES], bytes[COOKIE_BYTES];
	int64_t now = clock_agreed_sec();
	for (int i = 0; i < TIME_BYTES; i++)
		bytes[i] = (uint8_t)((uint64_t)now >> (56 - 8 * i) & 0xff);
	random_bytes(bytes + TIME_BYTES, RANDOM_BYTES);
	derive_key(auth->keys, now, key);
	bind(bytes + SIGNED_BYTES, key, bytes, SIGNED_BYTES, binding);
	encode_base64url(out->cookie, bytes, sizeof(bytes));
	set_field(out, key, binding);
	crypto_wipe(key, sizeof(key));
}

/* Both ways: a cookie of a node whose clock is ahead is good as well. It has our MAC, so nobody
 * can choose its time. */
static bool is_recent(int64_t at_sec)
{
	int64_t now = clock_agreed_sec();
	return at_sec > now - CSRF_LIFETIME_SEC && at_sec < now + CSRF_LIFETIME_SEC;
}

bool csrf_reuse(const struct auth *auth, const char *binding, const char *cookie, struct csrf *out)
{
	uint8_t key[CRYPTO_SHA256_BYTES], bytes[COOKIE_BYTES], expected[CRYPTO_SHA256_BYTES];
	size_t len = 0;
	int64_t at_sec = 0;
	if (!cookie || strlen(cookie) != CSRF_LEN ||
		!encode_base64url_decode(bytes, sizeof(bytes), &len, cookie, CSRF_LEN) ||
		bytes[0] != 0)
		return false;
	for (int i = 0; i < TIME_BYTES; i++)
		at_sec = at_sec << 8 | bytes[i];
	derive_key(auth->keys, at_sec, key);
	bind(expected, key, bytes, SIGNED_BYTES, binding);
	bool ok =
		crypto_equal(expected, bytes + SIGNED_BYTES, sizeof(expected)) && is_recent(at_sec);
	if (ok) {
		memcpy(out->cookie, cookie, CSRF_LEN + 1);
		set_field(out, key, binding);
	}
	crypto_wipe(key, sizeof(key));
	return ok;
}

bool csrf_check(const struct auth *auth, const char *binding, const char *cookie, const char *field)
{
	struct csrf expected;
	return field && strlen(field) == CSRF_FIELD_LEN &&
	       csrf_reuse(auth, binding, cookie, &expected) &&
	       crypto_equal(field, expected.field, CSRF_FIELD_LEN);
}
