#include "check.h"

#include "auth/claims.h"

#include <stdlib.h>

static struct claims claims;
static char *text; /* what claims points into */

static bool parse_bytes(const void *json, size_t len)
{
	/* Exactly as long as the text, so that AddressSanitizer sees a byte too many. */
	free(text);
	text = malloc(len > 0 ? len : 1);
	memcpy(text, json, len);
	return claims_parse(&claims, text, len);
}

static bool parse(const char *json)
{
	return parse_bytes(json, strlen(json));
}

static void a_flat_object_is_read(void)
{
	int64_t number = 0;
	CHECK(parse("{\"a\":\"x\",\"b\":12,\"c\":\"\"}"));
	CHECK_INT(claims.count, 3);
	CHECK_TEXT(claims_text(&claims, "a"), "x");
	CHECK_TEXT(claims_text(&claims, "c"), "");
	CHECK(claims_int(&claims, "b", &number));
	CHECK_INT(number, 12);
	CHECK(parse("{}"));
	CHECK_INT(claims.count, 0);
}

static void a_member_of_the_other_type_is_not_found(void)
{
	int64_t number = 7;
	CHECK(parse("{\"a\":\"1\",\"b\":1}"));
	CHECK(!claims_int(&claims, "a", &number));
	CHECK(!claims_text(&claims, "b"));
	CHECK(!claims_int(&claims, "A", &number));
	CHECK(!claims_text(&claims, "c"));
	CHECK_INT(number, 7);
}

static void white_space_between_the_parts_is_allowed(void)
{
	CHECK(parse(" \t\r\n{ \"a\" : \"x y\" ,\n\"b\"\t: 1 } \n"));
	CHECK_TEXT(claims_text(&claims, "a"), "x y");
	CHECK(parse("{ }"));
	CHECK(!parse("{\v\"a\":1}"));
	CHECK(!parse("{\"a\":1}\xc2\xa0"));
}

static void the_three_escapes_are_undone_and_no_others_exist(void)
{
	CHECK(parse("{\"a\":\"\\\"\\\\\\/\"}"));
	CHECK_TEXT(claims_text(&claims, "a"), "\"\\/");
	static const char *const bad[] = { "{\"a\":\"\\u0000\"}", "{\"a\":\"\\u0041\"}",
		"{\"a\":\"\\n\"}", "{\"a\":\"\\b\"}", "{\"a\":\"\\x41\"}", "{\"a\":\"\\",
		"{\"a\":\"\\\"}", "{\"\\u0061\":1}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!parse(bad[i]));
}

static void a_member_twice_is_refused_however_it_is_spelled(void)
{
	CHECK(!parse("{\"a\":1,\"a\":1}"));
	CHECK(!parse("{\"a\":1,\"b\":2,\"a\":\"x\"}"));
	CHECK(!parse("{\"a/\":1,\"a\\/\":1}"));
	CHECK(parse("{\"a\":1,\"A\":1}"));
}

static void numbers_are_plain_integers_up_to_2_to_the_53(void)
{
	int64_t number = 0;
	CHECK(parse("{\"n\":9007199254740992}"));
	CHECK(claims_int(&claims, "n", &number) && number == CLAIMS_INT_MAX);
	CHECK(parse("{\"n\":0}"));
	CHECK(claims_int(&claims, "n", &number) && number == 0);
	static const char *const bad[] = { "9007199254740993", "9223372036854775808",
		"18446744073709551616", "99999999999999999999999999999999", "-1", "-0", "+1", "01",
		"00", "1.0", "1.", ".1", "1e3", "1E3", "0x10", "1 2", "NaN", "Infinity", "" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[80];
		snprintf(json, sizeof(json), "{\"n\":%s}", bad[i]);
		CHECK(!parse(json));
		snprintf(json, sizeof(json), "{\"n\":%s,\"m\":1}", bad[i]);
		CHECK(!parse(json));
	}
}

static void other_values_and_other_documents_are_refused(void)
{
	static const char *const bad[] = { "", " ", "{", "}", "[]", "\"a\"", "1", "null", "{\"a\"}",
		"{\"a\":}", "{a:1}", "{'a':1}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":1 \"b\":2}",
		"{\"a\":1;\"b\":2}", "{\"a\"=1}", "{\"a\":1", "{\"a\":\"x}", "{\"a", "{\"a\":1,",
		"{\"a\":true}", "{\"a\":false}", "{\"a\":null}", "{\"a\":[]}", "{\"a\":[1]}",
		"{\"a\":{}}", "{\"a\":{\"b\":1}}", "{\"a\":1}}", "{\"a\":1}{\"a\":1}", "{\"a\":1},",
		"{\"a\":1}x", "{\"a\":1}//", "/**/{\"a\":1}", "\xef\xbb\xbf{\"a\":1}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]))
			fprintf(stderr, "read: %s\n", bad[i]);
		CHECK(!parse(bad[i]));
	}
}

static void control_characters_and_nul_are_refused(void)
{
	for (char c = 0; c < ' '; c++) {
		char json[] = "{\"a\":\"x?y\"}";
		json[7] = c;
		CHECK(!parse_bytes(json, sizeof(json) - 1));
		json[7] = 'x';
		json[2] = c;
		CHECK(!parse_bytes(json, sizeof(json) - 1));
	}
	CHECK(!parse("{\"a\":\"\x7f\"}"));
	CHECK(!parse_bytes("{\"a\":1}\0", 8));
	CHECK(!parse_bytes("{\"a\":1}\0{\"a\":2}", 15));
}

static void text_is_strict_utf8(void)
{
	CHECK(parse("{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"));
	CHECK_TEXT(claims_text(&claims, "a"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	static const char *const bad[] = { "\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[40];
		snprintf(json, sizeof(json), "{\"a\":\"%s\"}", bad[i]);
		CHECK(!parse(json));
		snprintf(json, sizeof(json), "{\"%s\":\"a\"}", bad[i]);
		CHECK(!parse(json));
	}
}

static void more_members_than_the_table_holds_are_refused(void)
{
	char json[1000] = "{";
	for (int i = 0; i < CLAIMS_MAX; i++) {
		size_t len = strlen(json);
		snprintf(json + len, sizeof(json) - len, "%s\"m%d\":%d", i ? "," : "", i, i);
	}
	size_t len = strlen(json);
	snprintf(json + len, sizeof(json) - len, "}");
	CHECK(parse(json));
	CHECK_INT(claims.count, CLAIMS_MAX);
	snprintf(json + len, sizeof(json) - len, ",\"more\":1}");
	CHECK(!parse(json));
}

static void every_truncation_is_refused(void)
{
	static const char json[] = "{\"a\":\"x\\\"\",\"bc\":123,\"d\":\"\xc3\xa9\"}";
	CHECK(parse(json));
	for (size_t len = 0; len < sizeof(json) - 1; len++)
		CHECK(!parse_bytes(json, len));
}

int main(void)
{
	RUN(a_flat_object_is_read);
	RUN(a_member_of_the_other_type_is_not_found);
	RUN(white_space_between_the_parts_is_allowed);
	RUN(the_three_escapes_are_undone_and_no_others_exist);
	RUN(a_member_twice_is_refused_however_it_is_spelled);
	RUN(numbers_are_plain_integers_up_to_2_to_the_53);
	RUN(other_values_and_other_documents_are_refused);
	RUN(control_characters_and_nul_are_refused);
	RUN(text_is_strict_utf8);
	RUN(more_members_than_the_table_holds_are_refused);
	RUN(every_truncation_is_refused);
	free(text);
	return check_result();
}
