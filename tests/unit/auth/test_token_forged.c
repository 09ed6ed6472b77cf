/* Tokens that attackers make: each line of RFC 8725, and what libraries have let through. */
#include "forge.h"

/* ---- J1: anything changed ---- */

static void check_every_flip(const struct ring *ring)
{
	const char *text = good(ring);
	size_t len = strlen(text);
	int accepted = 0;
	CHECK_TEXT(verify_bytes(ring, text, len), "ok");
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			token_text[i] ^= (char)(1 << bit);
			accepted += token_verify(ring->keys, &settings, token_text, len, &out) ==
				    REASON_OK;
			token_text[i] ^= (char)(1 << bit);
		}
	}
	CHECK_INT(accepted, 0);
	CHECK_TEXT(verify_bytes(ring, text, len), "ok");
}

static void a_token_with_any_bit_flipped_is_refused(void)
{
	check_every_flip(&rsa);
	check_every_flip(&ec);
}

static void a_token_with_any_character_replaced_is_refused(void)
{
	static const char replacements[] = "AB_-z9=.+/ ";
	int accepted = 0;
	size_t len = strlen(good(&rsa));
	for (size_t i = 0; i < len; i++) {
		char was = token_text[i];
		for (size_t j = 0; j < sizeof(replacements); j++) {
			token_text[i] = replacements[j]; /* the last one is NUL */
			if (token_text[i] != was)
				accepted += token_verify(rsa.keys, &settings, token_text, len,
						    &out) == REASON_OK;
		}
		token_text[i] = was;
	}
	CHECK_INT(accepted, 0);
	CHECK_TEXT(verify_bytes(&rsa, token_text, len), "ok");
}

static void every_truncation_and_every_dropped_character_is_refused(void)
{
	char text[2000];
	int accepted = 0;
	snprintf(text, sizeof(text), "%s", good(&rsa));
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		accepted += token_verify(rsa.keys, &settings, text, i, &out) == REASON_OK;
		snprintf(token_text, sizeof(token_text), "%.*s%s", (int)i, text, text + i + 1);
		accepted +=
			token_verify(rsa.keys, &settings, token_text, len - 1, &out) == REASON_OK;
	}
	CHECK_INT(accepted, 0);
}

static void the_parts_of_two_tokens_do_not_mix(void)
{
	char first[2000];
	snprintf(first, sizeof(first), "%s", good(&rsa));
	const char *second = with("sub", "\"" JTI "\"");
	CHECK_TEXT(verify(second), "ok");
	char *tail = strrchr(first, '.');
	snprintf(tail, sizeof(first) - (size_t)(tail - first), "%s", strrchr(second, '.'));
	CHECK_TEXT(verify(first), "bad_signature");
}

/* ---- J2: algorithms ---- */

static void no_algorithm_but_the_keys_own_is_accepted(void)
{
	static const char *const algs[] = { "none", "None", "nOnE", "NONE", "", "HS256", "HS512",
		"ES256", "ES384", "RS384", "RS512", "PS256", "EdDSA", "rs256", "Rs256", "RS256 ",
		" RS256", "RS2567" };
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		CHECK_TEXT(verify_header("{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", algs[i],
				   rsa.kid),
			"bad_signature");
	CHECK_TEXT(verify_header("{\"kid\":\"%s\",\"typ\":\"JWT\"}", rsa.kid), "malformed");
	static const char *const raw[] = { "null", "1", "[]", "[\"RS256\"]", "{}", "true" };
	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		CHECK_TEXT(verify_header(
				   "{\"alg\":%s,\"kid\":\"%s\",\"typ\":\"JWT\"}", raw[i], rsa.kid),
			"malformed");
}

static void a_token_without_signature_is_refused(void)
{
	static const char *const algs[] = { "none", "None", "nOnE", "", "RS256" };
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		char header[200];
		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
			algs[i], rsa.kid);
		const char *payload = payload_with(NULL, NULL);
		set_input(header, payload, strlen(payload));
		CHECK_TEXT(verify(token_text), "malformed");
		append_text(".");
		CHECK_TEXT(verify(token_text), "malformed");
		append_text("AA");
		CHECK_TEXT(verify(token_text), "bad_signature");
	}
}

static void try_hmac(const struct ring *ring, const char *alg, const void *key, size_t key_len)
{
	char header[200];
	uint8_t mac[CRYPTO_SHA256_BYTES];
	snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", alg,
		ring->kid);
	const char *payload = payload_with(NULL, NULL);
	set_input(header, payload, strlen(payload));
	crypto_hmac_sha256(mac, key, key_len, token_text, strlen(token_text));
	append_text(".");
	append(mac, sizeof(mac));
	CHECK_TEXT(verify_bytes(ring, token_text, strlen(token_text)), "bad_signature");
}

/* The key of the MAC is what everybody can get from jwks.json. */
static void hmac_with_the_public_key_or_none_is_refused(void)
{
	static const char *const algs[] = { "HS256", "RS256", "ES256" };
	const struct ring *const rings[] = { &rsa, &ec };
	for (size_t i = 0; i < 6; i++) {
		const struct ring *ring = rings[i / 3];
		BIO *pem_out = BIO_new(BIO_s_mem());
		char *pem;
		unsigned char *der = NULL;
		PEM_write_bio_PUBKEY(pem_out, ring->pkey);
		size_t pem_len = (size_t)BIO_get_mem_data(pem_out, &pem);
		int der_len = i2d_PUBKEY(ring->pkey, &der);
		try_hmac(ring, algs[i % 3], pem, pem_len);
		try_hmac(ring, algs[i % 3], pem, pem_len - 1);
		try_hmac(ring, algs[i % 3], der, (size_t)der_len);
		try_hmac(ring, algs[i % 3], "", 0);
		BIO_free(pem_out);
		OPENSSL_free(der);
	}
}

static void a_signature_of_another_kind_by_the_right_key_is_refused(void)
{
	unsigned char signature[1024];
	const char *payload = payload_with(NULL, NULL);
	set_input(header_of(&rsa), payload, strlen(payload));
	size_t len = sign_with(rsa.pkey, EVP_sha512(), token_text, signature);
	append_text(".");
	append(signature, len);
	CHECK_TEXT(verify(token_text), "bad_signature");
}

static void a_signature_by_another_key_is_refused(void)
{
	struct ring other = rsa;
	other.pkey = EVP_RSA_gen(2048);
	CHECK_TEXT(
		verify(forge(&other, header_of(&rsa), payload_with(NULL, NULL))), "bad_signature");
	EVP_PKEY_free(other.pkey);
	other.pkey = EVP_EC_gen("P-256");
	CHECK_TEXT(verify_ec(forge(&other, header_of(&ec), payload_with(NULL, NULL))),
		"bad_signature");
	EVP_PKEY_free(other.pkey);
	CHECK_TEXT(verify(forge(&ec, header_of(&rsa), payload_with(NULL, NULL))), "bad_signature");
	CHECK_TEXT(
		verify_ec(forge(&rsa, header_of(&ec), payload_with(NULL, NULL))), "bad_signature");
	CHECK_TEXT(verify(good(&ec)), "unknown_key");
}

/* ---- J3, J9: the header ---- */

static void a_header_with_any_other_member_is_refused(void)
{
	static const char *const members[] = { "\"jwk\":{}", "\"jwk\":\"x\"",
		"\"jku\":\"https://evil.test/jwks\"", "\"x5u\":\"https://evil.test/c\"",
		"\"x5c\":[\"x\"]", "\"x5c\":\"x\"", "\"x5t\":\"x\"", "\"crit\":[\"exp\"]",
		"\"crit\":[]", "\"crit\":\"exp\"", "\"crit\":1", "\"b64\":false", "\"zip\":\"DEF\"",
		"\"cty\":\"JWT\"", "\"enc\":\"x\"", "\"\":\"\"" };
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\",%s}",
				   rsa.kid, members[i]),
			"malformed");
}

static void the_typ_is_jwt_and_there(void)
{
	static const char *const types[] = { "\"at+jwt\"", "\"refresh+jwt\"", "\"jwt\"", "\"\"",
		"\"JWE\"", "\"JOSE\"", "null", "1", "[\"JWT\"]" };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":%s}", rsa.kid,
				   types[i]),
			"malformed");
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\"}", rsa.kid), "malformed");
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\",\"use\":\"JWT\"}", rsa.kid),
		"malformed");
}

static void a_kid_that_is_none_of_ours_is_refused(void)
{
	static const char *const unknown[] = { "", "0123456789abcdef", "../../../../etc/passwd",
		"/dev/null", "' OR 1=1 --", "x'; DROP TABLE keys; --", "*", "%s%n",
		"{\\\"kty\\\":\\\"oct\\\"}", "http:\\/\\/evil.test" };
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
				   unknown[i]),
			"unknown_key");
	CHECK_TEXT(
		verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\\u0000\",\"typ\":\"JWT\"}", rsa.kid),
		"malformed");
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s0\",\"typ\":\"JWT\"}", rsa.kid),
		"unknown_key");
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":1,\"typ\":\"JWT\"}"), "malformed");
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":null,\"typ\":\"JWT\"}"), "malformed");
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), "malformed");
	CHECK_TEXT(
		verify_header("{\"alg\":\"none\",\"kid\":\"x\",\"typ\":\"JWT\"}"), "unknown_key");
}

static void a_kid_with_a_nul_or_of_64_kib_is_refused(void)
{
	char header[200];
	snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%s?\",\"typ\":\"JWT\"}",
		rsa.kid);
	size_t len = strlen(header);
	*strchr(header, '?') = '\0';
	token_text[0] = '\0';
	append(header, len);
	append_text(".");
	append(payload_with(NULL, NULL), strlen(payload_with(NULL, NULL)));
	sign_input(&rsa);
	CHECK_TEXT(verify(token_text), "malformed");

	static char long_kid[65537];
	memset(long_kid, 'a', sizeof(long_kid) - 1);
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", long_kid),
		"malformed");
	long_kid[300] = '\0';
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", long_kid),
		"malformed");
}

/* ---- J7: JSON ---- */

static void duplicate_members_are_refused(void)
{
	static const char *const names[] = { "sub", "exp", "iss", "use", "ver" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char payload[4200];
		bool is_number = strcmp(names[i], "exp") == 0 || strcmp(names[i], "ver") == 0;
		snprintf(payload, sizeof(payload), "%s", payload_with(NULL, NULL));
		snprintf(payload + strlen(payload) - 1, 100, ",\"%s\":%s}", names[i],
			is_number ? "4000000000" : "\"" SUB "\"");
		CHECK_TEXT(verify(forge(&rsa, header_of(&rsa), payload)), "malformed");
	}
	CHECK_TEXT(verify_header("{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"%s\"}", rsa.kid),
		"malformed");
	CHECK_TEXT(
		verify_header("{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
			rsa.kid),
		"malformed");
}

static void text_that_is_no_clean_json_is_refused(void)
{
	CHECK_TEXT(verify(with("name", "\"\xff\"")), "malformed");
	CHECK_TEXT(verify(with("name", "\"\xc0\xae\"")), "malformed");
	CHECK_TEXT(verify(with("name", "\"\xed\xa0\x80\"")), "malformed");
	CHECK_TEXT(verify(with("name", "\"a\nb\"")), "malformed");
	CHECK_TEXT(verify(with("name", "\"\\u0000\"")), "malformed");
	CHECK_TEXT(verify(with("name", "\"x")), "malformed");
	static const char *const documents[] = { "", "null", "[]", "\"x\"", "{", "{}",
		"{\"a\":1}" };
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		CHECK_TEXT(verify(forge(&rsa, header_of(&rsa), documents[i])), "malformed");
}

static const char *verify_payload(const char *before, const char *after, size_t after_len)
{
	char payload[4200];
	snprintf(payload, sizeof(payload), "%s%s", before, payload_with(NULL, NULL));
	size_t len = strlen(payload);
	memcpy(payload + len, after, after_len);
	return verify(forge_bytes(&rsa, header_of(&rsa), payload, len + after_len));
}

static void bytes_before_or_behind_the_object_are_refused(void)
{
	CHECK_TEXT(verify_payload("", "", 0), "ok");
	CHECK_TEXT(verify_payload("", "\n", 1), "ok");
	CHECK_TEXT(verify_payload("\xef\xbb\xbf", "", 0), "malformed");
	CHECK_TEXT(verify_payload("", "\0", 1), "malformed");
	CHECK_TEXT(verify_payload("", "\0{\"sub\":\"x\"}", 12), "malformed");
	CHECK_TEXT(verify_payload("", "x", 1), "malformed");
	CHECK_TEXT(verify_payload("", "{}", 2), "malformed");
	CHECK_TEXT(verify_payload("", "}", 1), "malformed");
	CHECK_TEXT(verify_payload("x", "", 0), "malformed");
	CHECK_TEXT(verify_payload("[", "]", 1), "malformed");
}

static void deep_and_long_tokens_are_refused_at_once(void)
{
	static char deep[200000];
	int64_t start_ms = clock_mono_ms();
	memset(deep, '[', 2900);
	CHECK_TEXT(verify(forge(&rsa, header_of(&rsa), deep)), "malformed");
	snprintf(deep, sizeof(deep), "{\"name\":\"");
	memset(deep + 9, 'a', sizeof(deep) - 12);
	memcpy(deep + sizeof(deep) - 3, "\"}", 3);
	CHECK_TEXT(verify(forge(&rsa, header_of(&rsa), deep)), "malformed");
	memset(deep, '.', sizeof(deep) - 1);
	CHECK_TEXT(verify(deep), "malformed");
	CHECK(clock_mono_ms() - start_ms < 10000);
}

static void the_length_limit_is_exact(void)
{
	/* A profile as long as fits: the token is good up to 4096 characters and not beyond. */
	char roles[3000];
	size_t accepted = 0, longest = 0;
	for (size_t count = 2500; count < 2800; count++) {
		memset(roles, 'r', sizeof(roles));
		roles[0] = roles[count] = '"';
		roles[count + 1] = '\0';
		const char *code =
			verify_ec(forge(&ec, header_of(&ec), payload_with("roles", roles)));
		bool fits = strlen(token_text) <= TOKEN_MAX_BYTES;
		CHECK_TEXT(code, fits ? "ok" : "malformed");
		accepted += fits;
		if (fits)
			longest = strlen(token_text);
	}
	CHECK(accepted > 0 && accepted < 300);
	CHECK(longest > TOKEN_MAX_BYTES - 4);
}

/* ---- J8: base64url ---- */

static void another_spelling_of_the_same_bytes_is_refused(void)
{
	char text[2000], changed[2100];
	static const char *const tails[] = { "=", "==", "!!", " ", "\n", ".", ".x", ".e30", "A",
		"AAAA" };
	snprintf(text, sizeof(text), "%s", good(&ec));
	CHECK_TEXT(verify_ec(text), "ok");
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(changed, sizeof(changed), "%s%s", text, tails[i]);
		CHECK(strcmp(verify_ec(changed), "ok") != 0);
	}
	snprintf(changed, sizeof(changed), " %s", text);
	CHECK_TEXT(verify_ec(changed), "malformed");
	snprintf(changed, sizeof(changed), "Bearer %s", text);
	CHECK_TEXT(verify_ec(changed), "malformed");
	/* 86 characters for 64 bytes: the last one has four bits that no byte uses. */
	size_t last = strlen(text) - 1;
	int accepted = 0;
	for (const char *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; *c;
		c++) {
		char was = text[last];
		text[last] = *c;
		accepted += strcmp(verify_ec(text), "ok") == 0;
		text[last] = was;
	}
	CHECK_INT(accepted, 1);
}

static void padding_and_the_other_alphabet_are_refused_in_every_part(void)
{
	/* Until a signature has a character that the two alphabets write differently. */
	for (int tries = 0; tries < 50; tries++) {
		good(&ec);
		if (strpbrk(token_text, "-_"))
			break;
	}
	CHECK_TEXT(verify_ec(token_text), "ok");
	char *odd = strpbrk(token_text, "-_");
	CHECK(odd != NULL);
	if (odd)
		*odd = *odd == '-' ? '+' : '/';
	CHECK_TEXT(verify_ec(token_text), "malformed");

	char text[2000];
	snprintf(text, sizeof(text), "%s", good(&rsa));
	for (char *dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
		snprintf(token_text, sizeof(token_text), "%.*s=%s", (int)(dot - text), text, dot);
		CHECK_TEXT(verify(token_text), "malformed");
		snprintf(token_text, sizeof(token_text), "%.*s\n%s", (int)(dot - text), text, dot);
		CHECK_TEXT(verify(token_text), "malformed");
	}
}

static void the_json_serialization_is_refused(void)
{
	char text[2000], json[2200];
	snprintf(text, sizeof(text), "%s", good(&rsa));
	char *payload = strchr(text, '.'), *signature = strrchr(text, '.');
	*payload++ = *signature++ = '\0';
	snprintf(json, sizeof(json),
		"{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", text, payload,
		signature);
	CHECK_TEXT(verify(json), "malformed");
	snprintf(json, sizeof(json), "%s..%s", text, signature);
	CHECK_TEXT(verify(json), "malformed");
	snprintf(
		json, sizeof(json), "%s.%s.%s.%s.%s", text, payload, signature, payload, signature);
	CHECK_TEXT(verify(json), "malformed");
}

/* ---- J10: ES256 signatures ---- */

static const char *with_signature(const uint8_t *signature, size_t len)
{
	const char *payload = payload_with(NULL, NULL);
	set_input(header_of(&ec), payload, strlen(payload));
	append_text(".");
	append(signature, len);
	return verify_ec(token_text);
}

static void the_numbers_of_an_es256_signature_are_in_range(void)
{
	static const char *const numbers[] = { "0", "1",
		"FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", /* n */
		"FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632552", /* n + 1 */
		"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" };
	for (size_t i = 0; i < 25; i++) {
		uint8_t signature[64];
		BIGNUM *number = NULL;
		for (size_t half = 0; half < 2; half++) {
			BN_hex2bn(&number, numbers[half ? i % 5 : i / 5]);
			BN_bn2binpad(number, signature + 32 * half, 32);
		}
		BN_free(number);
		CHECK_TEXT(with_signature(signature, sizeof(signature)), "bad_signature");
	}
}

static void an_es256_signature_has_64_bytes_and_no_der(void)
{
	unsigned char der[100], raw[100] = { 0 };
	const char *payload = payload_with(NULL, NULL);
	set_input(header_of(&ec), payload, strlen(payload));
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t der_len = sizeof(der);
	EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, ec.pkey);
	CHECK_INT(EVP_DigestSign(
			  context, der, &der_len, (unsigned char *)token_text, strlen(token_text)),
		1);
	EVP_MD_CTX_free(context);
	char input[2000];
	snprintf(input, sizeof(input), "%.1900s.", token_text);
	memcpy(raw, der, der_len);
	to_raw(raw, der_len);
	const struct {
		const unsigned char *bytes;
		size_t len;
		const char *expected;
	} cases[] = { { raw, 64, "ok" }, { der, der_len, "bad_signature" },
		{ raw, 63, "bad_signature" }, { raw, 65, "bad_signature" },
		{ raw, 32, "bad_signature" }, { raw, 1, "bad_signature" },
		{ raw + 1, 64, "bad_signature" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(token_text, sizeof(token_text), "%s", input);
		append(cases[i].bytes, cases[i].len);
		CHECK_TEXT(verify_ec(token_text), cases[i].expected);
	}
}

/* Anyone can make it: another text, the same token. So what is revoked is the jti and the session,
 * which it cannot change. */
static void the_twin_of_a_signature_keeps_jti_and_session(void)
{
	char text[2000];
	uint8_t signature[64];
	size_t len = 0;
	BIGNUM *n = NULL, *s = BN_new();
	snprintf(text, sizeof(text), "%s", good(&ec));
	char *tail = strrchr(text, '.') + 1;
	CHECK(encode_base64url_decode(signature, 64, &len, tail, strlen(tail)));
	BN_hex2bn(&n, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
	BN_bin2bn(signature + 32, 32, s);
	BN_sub(s, n, s);
	BN_bn2binpad(s, signature + 32, 32);
	encode_base64url(tail, signature, 64);
	CHECK(strcmp(text, token_text) != 0);
	CHECK_TEXT(verify_ec(text), "ok");
	CHECK_TEXT(out.jti, JTI);
	CHECK_TEXT(out.sid, SID);
	BN_free(n);
	BN_free(s);
}

int main(void)
{
	set_up();
	RUN(a_token_with_any_bit_flipped_is_refused);
	RUN(a_token_with_any_character_replaced_is_refused);
	RUN(every_truncation_and_every_dropped_character_is_refused);
	RUN(the_parts_of_two_tokens_do_not_mix);
	RUN(no_algorithm_but_the_keys_own_is_accepted);
	RUN(a_token_without_signature_is_refused);
	RUN(hmac_with_the_public_key_or_none_is_refused);
	RUN(a_signature_of_another_kind_by_the_right_key_is_refused);
	RUN(a_signature_by_another_key_is_refused);
	RUN(a_header_with_any_other_member_is_refused);
	RUN(the_typ_is_jwt_and_there);
	RUN(a_kid_that_is_none_of_ours_is_refused);
	RUN(a_kid_with_a_nul_or_of_64_kib_is_refused);
	RUN(duplicate_members_are_refused);
	RUN(text_that_is_no_clean_json_is_refused);
	RUN(bytes_before_or_behind_the_object_are_refused);
	RUN(deep_and_long_tokens_are_refused_at_once);
	RUN(the_length_limit_is_exact);
	RUN(another_spelling_of_the_same_bytes_is_refused);
	RUN(padding_and_the_other_alphabet_are_refused_in_every_part);
	RUN(the_json_serialization_is_refused);
	RUN(the_numbers_of_an_es256_signature_are_in_range);
	RUN(an_es256_signature_has_64_bytes_and_no_der);
	RUN(the_twin_of_a_signature_keeps_jti_and_session);
	tear_down();
	return check_result();
}
