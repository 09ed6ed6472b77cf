/* Access tokens. The first byte says what the rest is: 'e' edits of a valid token, 's' a header and
 * behind a line feed a payload, which are signed with the ring's key; otherwise a token as it came.
 * What verifies is byte for byte the ring's own token, or was signed here and says what we say. */
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "auth/token.h"
#include "base/encode.h"
#include "base/json.h"
#include "fuzz/ring.h"

enum { TEXT_MAX = 8192, HALF_BYTES = 32 };

static bool is_valid(enum reason reason)
{
	return reason == REASON_OK || reason == REASON_EXPIRED || reason == REASON_NOT_YET_VALID;
}

static bool is_known(enum reason reason)
{
	return is_valid(reason) || reason == REASON_MALFORMED || reason == REASON_UNKNOWN_KEY ||
	       reason == REASON_BAD_SIGNATURE || reason == REASON_WRONG_ISSUER ||
	       reason == REASON_WRONG_AUDIENCE;
}

static void judge_foreign(const char *text)
{
	struct token token;
	enum reason reason = token_verify(ring_keys(), &ring_settings, text, strlen(text), &token);
	HOLDS(is_known(reason));
	HOLDS((reason == REASON_OK) == (strcmp(text, ring_token) == 0));
	HOLDS(!is_valid(reason) || strcmp(text, ring_token) == 0);
}

/* ES256: r and s, 32 bytes each (RFC 7518 section 3.4). */
static void sign(const char *input, uint8_t out[2 * HALF_BYTES])
{
	static EVP_PKEY *key;
	unsigned char der[128];
	const unsigned char *next = der;
	size_t len = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (!key) {
		BIO *in = BIO_new_mem_buf(ring_pem, -1);
		key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
		BIO_free(in);
	}
	HOLDS(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1);
	HOLDS(EVP_DigestSign(context, der, &len, (const unsigned char *)input, strlen(input)) == 1);
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &next, (long)len);
	HOLDS(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, HALF_BYTES) == HALF_BYTES);
	HOLDS(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + HALF_BYTES, HALF_BYTES) == HALF_BYTES);
	ECDSA_SIG_free(pair);
	EVP_MD_CTX_free(context);
}

static bool says(const struct json *json, const char *name, const char *text)
{
	const char *got = json_as_text(json_get(json, name));
	return got && strcmp(got, text) == 0;
}

/* A member that we do not write could mean something to somebody. */
static void judge_member(const char *name, struct json *value, void *context)
{
	static const char known[] =
		" iss aud sub sid jti use ver iat nbf exp auth_time name roles ";
	char word[32];
	(void)value;
	(void)context;
	HOLDS(snprintf(word, sizeof word, " %s ", name) < (int)sizeof word && strstr(known, word));
}

/* Another reader of the payload must find there what we believed. */
static void judge_payload(const char *payload, size_t len, const struct token *token)
{
	struct json *json = json_parse(payload, len);
	HOLDS(json_is_object(json));
	json_each(json, judge_member, NULL);
	HOLDS(says(json, "use", "access") && says(json, "sub", token->sub.text) &&
		says(json, "sid", token->sid) && says(json, "jti", token->jti));
	HOLDS(says(json, "iss", ring_settings.token.issuer) &&
		says(json, "aud", ring_settings.token.audience));
	HOLDS(json_as_int(json_get(json, "exp"), -1) == token->exp);
	HOLDS(json_as_int(json_get(json, "iat"), -1) == token->iat);
	HOLDS(json_as_int(json_get(json, "ver"), -1) == token->ver);
	HOLDS(token->exp > token->iat);
	json_free(json);
}

static void judge_signed(const uint8_t *data, size_t size)
{
	uint8_t signature[2 * HALF_BYTES];
	char text[TEXT_MAX];
	struct token token;
	const uint8_t *mark = size ? memchr(data, '\n', size) : NULL;
	if (!mark || size > TEXT_MAX / 2)
		return;
	const char *payload = (const char *)mark + 1;
	size_t payload_len = size - (size_t)(mark - data) - 1;
	size_t len = encode_base64url(text, data, (size_t)(mark - data));
	text[len++] = '.';
	len += encode_base64url(text + len, payload, payload_len);
	sign(text, signature);
	text[len++] = '.';
	len += encode_base64url(text + len, signature, sizeof signature);
	enum reason reason = token_verify(ring_keys(), &ring_settings, text, len, &token);
	HOLDS(is_known(reason));
	if (is_valid(reason))
		judge_payload(payload, payload_len, &token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_begin();
	(void)ring_keys();
	if (size == 0)
		return 0;
	if (*data == 's') {
		judge_signed(data + 1, size - 1);
		return 0;
	}
	char *text =
		*data == 'e' ? ring_edit(ring_token, data + 1, size - 1) : fuzz_text(data, size);
	judge_foreign(text);
	free(text);
	return 0;
}
