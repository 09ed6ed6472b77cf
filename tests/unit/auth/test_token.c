/* What a token must say, what a minted one says, and which key it takes. */
#include "forge.h"

#include "auth/claims.h"

static void a_good_token_is_accepted_and_read(void)
{
	int64_t now = clock_now_sec();
	CHECK_TEXT(verify(good(&rsa)), "ok");
	CHECK_TEXT(out.sub.text, SUB);
	CHECK_TEXT(out.sid, SID);
	CHECK_TEXT(out.jti, JTI);
	CHECK_INT(out.ver, 3);
	CHECK(out.iat >= now && out.iat <= now + 1 && out.nbf == out.iat);
	CHECK_INT(out.exp - out.iat, 600);
	CHECK_INT(out.iat - out.auth_time, 600);
	CHECK_TEXT(verify_ec(good(&ec)), "ok");
}

static void white_space_and_another_order_are_still_one_token(void)
{
	char header[200];
	snprintf(header, sizeof(header),
		" {\"typ\": \"JWT\",\n \"kid\": \"%s\", \"alg\": \"RS256\"} ", rsa.kid);
	CHECK_TEXT(verify(forge(&rsa, header, payload_with(NULL, NULL))), "ok");
}

static void name_and_roles_may_be_there_as_text_and_nothing_else(void)
{
	CHECK_TEXT(verify(with("name", "\"Zo\xc3\xab \\\"x\\\" \\\\\"")), "ok");
	CHECK_TEXT(verify(with("roles", "\"admin,staff\"")), "ok");
	CHECK_TEXT(verify(with("roles", "[\"admin\"]")), "malformed");
	CHECK_TEXT(verify(with("roles", "1")), "malformed");
	CHECK_TEXT(verify(with("name", "null")), "malformed");
	CHECK_TEXT(verify(with("admin", "1")), "malformed");
	CHECK_TEXT(verify(with("scope", "\"all\"")), "malformed");
}

/* ---- J4: times ---- */

static void times_must_be_there_and_be_plain_integers(void)
{
	static const char *const names[] = { "exp", "nbf", "iat", "auth_time", "ver" };
	static const char *const values[] = { NULL, "\"\"", "\"1893456000\"", "1893456000.0",
		"1893456000.5", "1.893456e9", "-1", "-1893456000", "null", "true", "[]",
		"[1893456000]", "{}", "01893456000", "9223372036854775807", "9223372036854775808",
		"18446744073709551615", "1e400" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++)
			CHECK_TEXT(verify(with(names[i], values[j])), "malformed");
	}
}

static void an_exp_far_away_is_refused(void)
{
	int64_t now = clock_now_sec();
	CHECK_TEXT(verify(with("exp", "4294967296")), "malformed");
	CHECK_TEXT(verify(with("exp", "9007199254740992")), "malformed");
	CHECK_TEXT(verify(with_number("exp", now + 401 * 86400)), "malformed");
	CHECK_TEXT(verify(with_number("exp", now + 399 * 86400)), "ok");
	CHECK_TEXT(verify(with("exp", "0")), "malformed");
}

/* What happens at the second; repeated should the clock have moved on meanwhile. */
static const char *verify_at(const char *name, int64_t offset)
{
	for (;;) {
		int64_t now = clock_now_sec();
		const char *code = verify(with_number(name, now + offset));
		if (clock_now_sec() == now)
			return code;
	}
}

static const char *verify_exp_at(int64_t offset)
{
	char text[80];
	for (;;) {
		int64_t now = clock_now_sec();
		/* iat must lie before exp. */
		snprintf(text, sizeof(text), "%lld,\"exp\":%lld", (long long)now - 100,
			(long long)(now + offset));
		char payload[4000];
		snprintf(payload, sizeof(payload), "%s", payload_with("exp", NULL));
		char *iat = strstr(payload, "\"iat\":") + 6;
		char rest[4000];
		snprintf(rest, sizeof(rest), "%s", iat + strspn(iat, "0123456789"));
		snprintf(iat, sizeof(payload) - (size_t)(iat - payload), "%s%s", text, rest);
		const char *code = verify(forge(&rsa, header_of(&rsa), payload));
		if (clock_now_sec() == now)
			return code;
	}
}

static void exp_is_strict_to_the_second(void)
{
	CHECK_TEXT(verify_exp_at(1), "ok");
	CHECK_TEXT(verify_exp_at(0), "expired");
	CHECK_TEXT(verify_exp_at(-1), "expired");
	CHECK_TEXT(out.sub.text, SUB); /* filled all the same */
	CHECK_TEXT(verify_exp_at(-99), "expired");
	CHECK_TEXT(verify_exp_at(-100), "malformed"); /* exp = iat */
}

static void nbf_and_iat_have_five_seconds_of_leeway(void)
{
	CHECK_INT(TOKEN_LEEWAY_SEC, 5);
	CHECK_TEXT(verify_at("nbf", TOKEN_LEEWAY_SEC), "ok");
	CHECK_TEXT(verify_at("nbf", TOKEN_LEEWAY_SEC + 1), "not_yet_valid");
	CHECK_TEXT(verify_at("iat", TOKEN_LEEWAY_SEC), "ok");
	CHECK_TEXT(verify_at("iat", TOKEN_LEEWAY_SEC + 1), "not_yet_valid");
	CHECK_TEXT(verify_at("iat", 500), "not_yet_valid");
	CHECK_TEXT(verify(with("nbf", "9007199254740992")), "not_yet_valid");
}

static void a_clock_that_jumps_only_makes_tokens_invalid(void)
{
	char text[2000];
	snprintf(text, sizeof(text), "%s", good(&rsa));
	clock_shift_sec(-3 * 86400);
	CHECK_TEXT(verify(text), "not_yet_valid");
	clock_shift_sec(3600);
	CHECK_TEXT(verify(text), "expired");
	clock_shift_sec(10 * 365 * 86400);
	CHECK_TEXT(verify(text), "expired");
	clock_shift_sec(0);
	CHECK_TEXT(verify(text), "ok");
}

/* ---- J5: tokens for something else ---- */

static void a_token_for_another_use_is_refused(void)
{
	static const char *const uses[] = { NULL, "\"refresh\"", "\"csrf\"", "\"Access\"", "\"\"",
		"\"access \"", "1", "null", "[\"access\"]" };
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		CHECK_TEXT(verify(with("use", uses[i])), "malformed");
}

static void an_opaque_token_is_refused(void)
{
	char text[99];
	uint8_t bytes[73] = { 1 };
	CHECK_TEXT(verify(""), "malformed");
	CHECK_TEXT(verify("."), "malformed");
	CHECK_TEXT(verify(".."), "malformed");
	CHECK_TEXT(verify("..."), "malformed");
	CHECK_TEXT(verify("a.b.c"), "malformed");
	encode_base64url(text, bytes, sizeof(bytes));
	CHECK_TEXT(verify(text), "malformed");
	encode_base64url(text, bytes, 56);
	CHECK_TEXT(verify(text), "malformed");
}

/* ---- J6: of whom, for whom ---- */

static void another_issuer_or_audience_is_refused(void)
{
	CHECK_TEXT(verify(with("iss", "\"https://other.example/\"")), "wrong_issuer");
	CHECK_TEXT(verify(with("iss", "\"https://auth.example\"")), "wrong_issuer");
	CHECK_TEXT(verify(with("iss", "\"HTTPS://auth.example/\"")), "wrong_issuer");
	CHECK_TEXT(verify(with("iss", "\"\"")), "wrong_issuer");
	CHECK_TEXT(verify(with("aud", "\"https://other.example/\"")), "wrong_audience");
	CHECK_TEXT(verify(with("aud", "\"https://app.example/x\"")), "wrong_audience");
	CHECK_TEXT(verify(with("aud", "\"\"")), "wrong_audience");
	CHECK_TEXT(verify(with("iss", NULL)), "malformed");
	CHECK_TEXT(verify(with("aud", NULL)), "malformed");
	CHECK_TEXT(verify(with("aud", "[\"" AUD "\"]")), "malformed");
	CHECK_TEXT(verify(with("iss", "1")), "malformed");
	CHECK_TEXT(out.sub.text, "");
}

static void a_second_instance_with_the_same_key_refuses_our_token(void)
{
	char text[2000];
	snprintf(text, sizeof(text), "%s", good(&rsa));
	settings.token.audience = "https://second.example/";
	CHECK_TEXT(verify(text), "wrong_audience");
	settings.token.audience = AUD;
	settings.token.issuer = "https://second.example/";
	CHECK_TEXT(verify(text), "wrong_issuer");
	settings.token.issuer = ISS;
	CHECK_TEXT(verify(text), "ok");
}

static void ids_are_sixteen_bytes_in_their_one_spelling(void)
{
	static const char *const names[] = { "sub", "sid", "jti" };
	static const char *const values[] = { NULL, "\"\"", "1", "null", "[]", "\"alice\"",
		"\"c3ViLXN1Yi1zdWItc3ViL\"", "\"c3ViLXN1Yi1zdWItc3ViLQA\"",
		"\"c3ViLXN1Yi1zdWItc3ViLQ==\"", "\"c3ViLXN1Yi1zdWItc3ViLR\"",
		"\"c3ViLXN1Yi1zdWItc3ViL/\"", "\"c3ViLXN1Yi1zdWItc3Vi Q\"",
		"\"c3ViLXN1Yi1zdWItc3ViL\xc3\xa9\"", "\"c3ViLXN1Yi1zdWItc3ViLQ\\u0000\"" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++)
			CHECK_TEXT(verify(with(names[i], values[j])), "malformed");
	}
}

/* ---- minting ---- */

static struct session session_now(void)
{
	struct session session = { .uid = { SUB }, .handle = SID, .generation = 7, .ver = 4 };
	memset(session.sid, 0xa5, sizeof(session.sid));
	session.now_sec = session.rotated_at_sec = clock_now_sec();
	session.auth_time = session.rotated_at_sec - 50;
	session.absolute_end = session.rotated_at_sec + 100000;
	return session;
}

static const char *mint(
	const struct ring *ring, const struct session *session, const char *name, const char *roles)
{
	const struct user user = { .id = { SUB }, .name = name, .roles = roles, .ver = 9 };
	auth.keys = ring->keys;
	return token_mint(&auth, &caller, session, &user);
}

/* The decoded part of a token: 0 the header, 1 the payload. */
static const char *decoded(const char *token, int part)
{
	static char text[TOKEN_MAX_BYTES];
	size_t len = 0;
	const char *start = token;
	if (part == 1)
		start = strchr(token, '.') + 1;
	CHECK(encode_base64url_decode(text, sizeof(text) - 1, &len, start, strcspn(start, ".")));
	text[len] = '\0';
	return text;
}

static void a_minted_token_is_accepted_and_says_what_the_session_says(void)
{
	const struct ring *const rings[] = { &rsa, &ec };
	for (size_t i = 0; i < 2; i++) {
		struct session session = session_now();
		const char *text = mint(rings[i], &session, "alice", "admin");
		CHECK(text != NULL);
		if (!text)
			continue;
		CHECK_TEXT(verify_bytes(rings[i], text, strlen(text)), "ok");
		CHECK_TEXT(out.sub.text, session.uid.text);
		CHECK_TEXT(out.sid, session.handle);
		CHECK_INT(out.ver, session.ver);
		CHECK_INT(out.iat, session.rotated_at_sec);
		CHECK_INT(out.nbf, session.rotated_at_sec);
		CHECK_INT(out.exp, session.rotated_at_sec + 900);
		CHECK_INT(out.auth_time, session.auth_time);
		CHECK_TEXT(decoded(text, 0), header_of(rings[i]));
	}
}

static void minting_twice_gives_the_same_bytes(void)
{
	struct session session = session_now();
	char first[2000];
	snprintf(first, sizeof(first), "%s", mint(&rsa, &session, "alice", "admin"));
	CHECK_TEXT(mint(&rsa, &session, "alice", "admin"), first);
	/* What does not belong to the generation does not show. */
	session.now_sec += 5;
	session.idle_end += 5;
	CHECK_TEXT(mint(&rsa, &session, "alice", "admin"), first);
	/* With ES256 all but the signature. */
	snprintf(first, sizeof(first), "%s", mint(&ec, &session, "alice", "admin"));
	const char *second = mint(&ec, &session, "alice", "admin");
	*strrchr(first, '.') = '\0';
	CHECK_INT(strncmp(first, second, strlen(first)), 0);
	CHECK_TEXT(verify_ec(second), "ok");
}

static void the_jti_is_that_of_session_and_generation(void)
{
	char jti[23];
	uint8_t input[23] = "jti", digest[CRYPTO_SHA256_BYTES];
	struct session session = session_now();
	session.generation = 0x01020304;
	memcpy(input + 3, session.sid, 16);
	memcpy(input + 19, "\x01\x02\x03\x04", 4);
	crypto_sha256(digest, input, sizeof(input));
	encode_base64url(jti, digest, 16);
	CHECK_TEXT(verify(mint(&rsa, &session, "", "")), "ok");
	CHECK_TEXT(out.jti, jti);
	session.generation++;
	CHECK_TEXT(verify(mint(&rsa, &session, "", "")), "ok");
	CHECK(strcmp(out.jti, jti) != 0);
	session.generation--;
	session.sid[15] ^= 1;
	CHECK_TEXT(verify(mint(&rsa, &session, "", "")), "ok");
	CHECK(strcmp(out.jti, jti) != 0);
}

static void the_life_of_a_token_ends_with_its_session(void)
{
	struct session session = session_now();
	session.absolute_end = session.rotated_at_sec + 899;
	CHECK_TEXT(verify(mint(&rsa, &session, "", "")), "ok");
	CHECK_INT(out.exp, session.absolute_end);
	session.absolute_end = session.rotated_at_sec;
	CHECK(!mint(&rsa, &session, "", ""));
	session.absolute_end = session.rotated_at_sec - 1;
	CHECK(!mint(&rsa, &session, "", ""));
}

static void in_a_sliding_session_it_lives_as_long_as_the_session_may(void)
{
	struct session session = session_now();
	session.sliding = true;
	CHECK_TEXT(verify(mint(&rsa, &session, "", "")), "ok");
	CHECK_INT(out.exp, session.absolute_end);
	session.absolute_end = session.rotated_at_sec + 500 * 86400;
	CHECK_TEXT(verify(mint(&rsa, &session, "", "")), "ok");
	CHECK_INT(out.exp, session.rotated_at_sec + 400 * 86400);
}

/* J13, J14, C7: ids that mean nothing to others, no name, no secret. */
static void a_minimal_token_holds_nothing_but_its_eleven_members(void)
{
	struct session session = session_now();
	char secret[23], payload[TOKEN_MAX_BYTES];
	snprintf(
		payload, sizeof(payload), "%s", decoded(mint(&rsa, &session, "alice", "admin"), 1));
	encode_base64url(secret, session.sid, sizeof(session.sid));
	CHECK(!strstr(payload, "alice") && !strstr(payload, "admin") && !strstr(payload, secret));
	char expected[TOKEN_MAX_BYTES];
	struct claims claims;
	snprintf(expected, sizeof(expected), "%s", payload);
	CHECK(claims_parse(&claims, expected, strlen(expected)));
	CHECK_INT(claims.count, 11);
	CHECK(!strchr(payload, ' '));
}

static void a_profile_names_the_user_as_the_record_does(void)
{
	static const char *const names[] = { "alice", "zo\xc3\xab \xf0\x9f\x98\x80", "a/b\\c\"d",
		"" };
	struct session session = session_now();
	settings.token.claims = SETTINGS_CLAIMS_PROFILE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = mint(&rsa, &session, names[i], "admin,staff");
		CHECK_TEXT(verify(text), "ok");
		char payload[TOKEN_MAX_BYTES];
		struct claims claims;
		snprintf(payload, sizeof(payload), "%s", decoded(text, 1));
		CHECK(claims_parse(&claims, payload, strlen(payload)));
		CHECK_TEXT(claims_text(&claims, "name"), names[i]);
		CHECK_TEXT(claims_text(&claims, "roles"), "admin,staff");
		CHECK_INT(claims.count, 13);
	}
	settings.token.claims = SETTINGS_CLAIMS_MINIMAL;
}

static void a_record_that_somebody_else_spoilt_still_gives_a_good_token(void)
{
	static const char *const names[] = { "a\nb", "a\x7f", "\xff", "\xc0\xaf", NULL };
	struct session session = session_now();
	settings.token.claims = SETTINGS_CLAIMS_PROFILE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = mint(&rsa, &session, names[i], names[i]);
		CHECK_TEXT(text ? verify(text) : "none", "ok");
		CHECK(!strstr(decoded(text, 1), "\"name\"") && !strstr(decoded(text, 1), "roles"));
	}
	settings.token.claims = SETTINGS_CLAIMS_MINIMAL;
}

static void roles_that_do_not_fit_into_a_cookie_are_left_out(void)
{
	char roles[3000];
	struct session session = session_now();
	settings.token.claims = SETTINGS_CLAIMS_PROFILE;
	memset(roles, 'r', sizeof(roles));
	roles[sizeof(roles) - 1] = '\0';
	const char *text = mint(&rsa, &session, "alice", roles);
	CHECK_TEXT(verify(text), "ok");
	CHECK(strstr(decoded(text, 1), "alice") && !strstr(decoded(text, 1), "rrr"));
	text = mint(&rsa, &session, "alice", arena_printf(arena, "%0200000d", 1));
	CHECK_TEXT(verify(text), "ok");
	/* 32 roles of 40 characters fit. */
	roles[1300] = '\0';
	text = mint(&rsa, &session, "alice", roles);
	CHECK_TEXT(verify(text), "ok");
	CHECK(strstr(decoded(text, 1), "rrr") != NULL);
	CHECK(strlen(text) <= 3900);
	settings.token.claims = SETTINGS_CLAIMS_MINIMAL;
}

/* ---- J15: two keys overlap ---- */

static void tokens_of_two_keys_are_good_together_until_the_old_one_is_retired(void)
{
	struct ring ring = { .kid = "" };
	char new_kid[KEYS_KID_LEN + 1], error[400] = "", before[2000];
	ring_make(&ring, CRYPTO_RS256);
	struct session session = session_now();
	session.rotated_at_sec -= 100;
	snprintf(before, sizeof(before), "%s", mint(&ring, &session, "", ""));

	CHECK(keys_make(
		ring.dir, CRYPTO_ES256, clock_now_sec() - 50, new_kid, error, sizeof(error)));
	ring_load(&ring);
	CHECK_TEXT(verify_bytes(&ring, before, strlen(before)), "ok");
	/* Who repeats the refresh of then gets the same bytes still. */
	CHECK_TEXT(mint(&ring, &session, "", ""), before);
	session = session_now();
	const char *after = mint(&ring, &session, "", "");
	CHECK(strstr(decoded(after, 0), new_kid) && strstr(decoded(after, 0), "ES256"));
	CHECK_TEXT(verify_bytes(&ring, after, strlen(after)), "ok");

	CHECK(!keys_retire(ring.dir, new_kid, error, sizeof(error)));
	CHECK(keys_retire(ring.dir, ring.kid, error, sizeof(error)));
	ring_load(&ring);
	CHECK_TEXT(verify_bytes(&ring, before, strlen(before)), "unknown_key");
	CHECK_TEXT(verify_bytes(&ring, after, strlen(after)), "ok");
	ring_free(&ring);
}

static void a_key_for_later_verifies_already(void)
{
	struct ring ring = { .kid = "" };
	char kid[KEYS_KID_LEN + 1], error[400] = "";
	ring_make(&ring, CRYPTO_ES256);
	CHECK(keys_make(ring.dir, CRYPTO_ES256, clock_now_sec() + 60, kid, error, sizeof(error)));
	ring_load(&ring);
	struct session session = session_now();
	CHECK(strstr(decoded(mint(&ring, &session, "", ""), 0), ring.kid) != NULL);
	/* Of a node whose clock is ahead, within the leeway. */
	session.rotated_at_sec += 60;
	const char *text = mint(&ring, &session, "", "");
	CHECK(strstr(decoded(text, 0), kid) != NULL);
	clock_shift_sec(60);
	CHECK_TEXT(verify_bytes(&ring, text, strlen(text)), "ok");
	clock_shift_sec(0);
	ring_free(&ring);
}

/* ---- reasons ---- */

static void every_reason_has_its_code(void)
{
	CHECK_TEXT(reason_code(REASON_OK), "ok");
	CHECK_TEXT(reason_code(REASON_BAD_SIGNATURE), "bad_signature");
	CHECK_TEXT(reason_code(REASON_DUPLICATE_COOKIE), "duplicate_cookie");
	CHECK_TEXT(reason_code(REASON_COUNT), "unknown");
	for (int i = 0; i < REASON_COUNT; i++) {
		CHECK(reason_code((enum reason)i)[0] != '\0');
		for (int j = 0; j < i; j++)
			CHECK(strcmp(reason_code((enum reason)i), reason_code((enum reason)j)) !=
				0);
	}
}

static void only_what_leaves_the_session_alive_can_be_refreshed(void)
{
	CHECK(reason_is_refreshable(REASON_NO_TOKEN));
	CHECK(reason_is_refreshable(REASON_EXPIRED));
	CHECK(reason_is_refreshable(REASON_UNKNOWN_KEY));
	CHECK(reason_is_refreshable(REASON_TOKEN_REVOKED));
	CHECK(!reason_is_refreshable(REASON_OK));
	CHECK(!reason_is_refreshable(REASON_SESSION_ENDED));
	CHECK(!reason_is_refreshable(REASON_VERSION_SUPERSEDED));
	CHECK(!reason_is_refreshable(REASON_USER_DISABLED));
	CHECK(!reason_is_refreshable(REASON_CONTEXT_CHANGED));
	CHECK(!reason_is_refreshable(REASON_STORE_UNAVAILABLE));
	CHECK(!reason_is_refreshable(REASON_ROLE_MISSING));
	CHECK(!reason_is_refreshable(REASON_DUPLICATE_COOKIE));
}

int main(void)
{
	set_up();
	RUN(a_good_token_is_accepted_and_read);
	RUN(white_space_and_another_order_are_still_one_token);
	RUN(name_and_roles_may_be_there_as_text_and_nothing_else);
	RUN(times_must_be_there_and_be_plain_integers);
	RUN(an_exp_far_away_is_refused);
	RUN(exp_is_strict_to_the_second);
	RUN(nbf_and_iat_have_five_seconds_of_leeway);
	RUN(a_clock_that_jumps_only_makes_tokens_invalid);
	RUN(a_token_for_another_use_is_refused);
	RUN(an_opaque_token_is_refused);
	RUN(another_issuer_or_audience_is_refused);
	RUN(a_second_instance_with_the_same_key_refuses_our_token);
	RUN(ids_are_sixteen_bytes_in_their_one_spelling);
	RUN(a_minted_token_is_accepted_and_says_what_the_session_says);
	RUN(minting_twice_gives_the_same_bytes);
	RUN(the_jti_is_that_of_session_and_generation);
	RUN(the_life_of_a_token_ends_with_its_session);
	RUN(in_a_sliding_session_it_lives_as_long_as_the_session_may);
	RUN(a_minimal_token_holds_nothing_but_its_eleven_members);
	RUN(a_profile_names_the_user_as_the_record_does);
	RUN(a_record_that_somebody_else_spoilt_still_gives_a_good_token);
	RUN(roles_that_do_not_fit_into_a_cookie_are_left_out);
	RUN(tokens_of_two_keys_are_good_together_until_the_old_one_is_retired);
	RUN(a_key_for_later_verifies_already);
	RUN(every_reason_has_its_code);
	RUN(only_what_leaves_the_session_alive_can_be_refreshed);
	tear_down();
	return check_result();
}
