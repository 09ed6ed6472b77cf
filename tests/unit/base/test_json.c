#include "base/buf.h"
#include "base/json.h"
#include "check.h"

static bool parses(const char *text, size_t len)
{
	struct json *json = json_parse(text, len);
	json_free(json);
	return json != NULL;
}

static const char *written(const struct json *json)
{
	static char storage[4096];
	static struct buf out;
	buf_init_fixed(&out, storage, sizeof(storage));
	json_write(&out, json);
	return buf_ok(&out) ? out.data : "(overflowed)";
}

static void check_parsed(const char *text, const char *expected)
{
	struct json *json = json_parse(text, strlen(text));
	if (!json) {
		CHECK_TEXT("(refused)", text);
		return;
	}
	CHECK_TEXT(json_format(json), expected);
	CHECK_TEXT(written(json), expected);
	json_free(json);
}

static void values_of_every_type_are_parsed(void)
{
	check_parsed("{}", "{}");
	check_parsed(" { } \r\n\t", "{}");
	check_parsed("[1,-2,true,false,null,\"x\",{\"a\":[]}]",
		"[1,-2,true,false,null,\"x\",{\"a\":[]}]");
	check_parsed("123", "123");
	check_parsed("\"\\u0041\\n\\\"\\\\\\/\"", "\"A\\n\\\"\\\\/\"");
	check_parsed("\"\\ud83d\\udd11\"", "\"\xf0\x9f\x94\x91\"");
	check_parsed("[0,10,-10,1e10,1.01,100]", "[0,10,-10,1e10,1.01,100]");
	check_parsed("{\"0\":\"N\",\"a\":\"I.'00\"}", "{\"0\":\"N\",\"a\":\"I.'00\"}");
}

static void text_that_is_not_json_is_refused(void)
{
	static const char *const texts[] = { "", " ", "{", "}", "{]", "[1,]", "{\"a\":1,}", "[1 2]",
		"{a:1}", "{'a':1}", "['a']", "{\"a\"}", "{\"a\":}", "[,1]", "tru", "True", "NULL",
		"NaN", "[NaN]", "nan", "Infinity", "[-Infinity]", "01", "-01", "[00]", "{\"a\":01}",
		"1.", "[1.]", "[1.e5]", ".5", "[-.5]", "+1", "-", "1e", "0x10", "\"", "\"\\x\"",
		"\"\\u12\"", "/* */1", "// x\n1", "\xef\xbb\xbf{}", "\f1" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (parses(texts[i], strlen(texts[i])))
			CHECK_TEXT("(accepted)", texts[i]);
	}
}

static void anything_after_the_value_is_refused(void)
{
	CHECK(!parses("{}x", 3));
	CHECK(!parses("{}{}", 4));
	CHECK(!parses("1 2", 3));
	CHECK(!parses("{}\0", 3));
	CHECK(!parses("1\0", 2));
	CHECK(parses("{}x", 2));
	CHECK(parses("12", 1));
}

static void control_characters_and_nul_in_strings_are_refused(void)
{
	CHECK(!parses("\"a\nb\"", 5));
	CHECK(!parses("\"a\tb\"", 5));
	CHECK(!parses("\"a\0b\"", 5));
	CHECK(!parses("\"a\\u0000b\"", 10));
	CHECK(!parses("{\"sub\\u0000x\":1}", 16));
	CHECK(parses("\"a\\\\u0000b\"", 11));
	CHECK(parses("\"a\\u0001b\"", 10));
}

static void characters_beyond_ascii_are_read_as_they_are(void)
{
	static const char text[] =
		"{\"n\xc3\xa4me\": \"\xe4\xb8\xad \\\\\xf0\x9f\x98\x80\\\"\xc3\xa9\"}";
	struct json *json = json_parse(text, sizeof text - 1);
	size_t wrong_at = 0;

	CHECK_TEXT(json_as_text(json_get(json, "n\xc3\xa4me")),
		"\xe4\xb8\xad \\\xf0\x9f\x98\x80\"\xc3\xa9");
	json_free(json);
	CHECK(!parses("\"\\\xc3\xa9\"", 5));
	CHECK(!parses("\xc3\xa9", 2));
	CHECK(!json_parse_at("[\"\xc3\xa9\",\n x]", 10, &wrong_at));
	CHECK_INT(wrong_at, 8);
}

/* json-c alone makes U+FFFD of these: a rare Chinese character and a letter of SignWriting. */
static void characters_whose_last_16_bits_look_like_half_a_pair_are_read(void)
{
	check_parsed("{\"\xf0\xad\xa3\xb0\":\"\xf0\x9d\xaf\x98\"}",
		"{\"\xf0\xad\xa3\xb0\":\"\xf0\x9d\xaf\x98\"}");
	check_parsed("\"\\uD876\\uDCF0\\ud836\\udfd8\"", "\"\xf0\xad\xa3\xb0\xf0\x9d\xaf\x98\"");
}

static void a_backslash_before_what_looks_like_a_pair_stays_one(void)
{
	check_parsed("\"\\\\ud83d\\\\ude00\"", "\"\\\\ud83d\\\\ude00\"");
	check_parsed("\"\\\\\\ud83d\\ude00\"", "\"\\\\\xf0\x9f\x98\x80\"");
}

static void text_that_is_not_utf8_is_refused(void)
{
	CHECK(parses("\"\xc3\xa9\"", 4));
	CHECK(!parses("\"\xe9\"", 3));
	CHECK(!parses("\"\xc0\xaf\"", 4));
	CHECK(!parses("\"\xed\xa0\x80\"", 5));
	CHECK(!parses("{\"\xff\":1}", 7));
}

static void arrays_nest_32_deep_and_no_deeper(void)
{
	char text[66];
	memset(text, '[', 33);
	memset(text + 33, ']', 33);
	CHECK(parses(text + 1, 64));
	CHECK(!parses(text, 66));
}

static void values_are_built_in_one_expression(void)
{
	struct json *json =
		json_set(json_set(json_set(json_object(), "user", json_text("alice")), "roles",
				 json_add(json_add(json_array(), json_text("admin")),
					 json_text_len("staff!", 5))),
			"active", json_bool(true));
	json_set(json_set(json, "exp", json_int(INT64_MAX)), "none", NULL);
	CHECK_TEXT(json_format(json),
		"{\"user\":\"alice\",\"roles\":[\"admin\",\"staff\"],\"active\":true,"
		"\"exp\":9223372036854775807,\"none\":null}");
	json_free(json);
}

static void setting_a_name_again_replaces_it(void)
{
	struct json *json = json_set(json_object(), "a", json_text("old"));
	json_set(json, "a", json_text("new"));
	CHECK_TEXT(json_format(json), "{\"a\":\"new\"}");
	json_free(json);
}

static void formatted_text_is_escaped(void)
{
	struct json *json = json_text("a/b\"\\\x01\x1b\n\xc3\xa9");
	CHECK_TEXT(json_format(json), "\"a/b\\\"\\\\\\u0001\\u001b\\n\xc3\xa9\"");
	CHECK_TEXT(written(json), json_format(json));
	json_free(json);
}

static void members_and_elements_are_found(void)
{
	static const char text[] = "{\"a\":[10,20],\"n\":null,\"s\":\"x\"}";
	struct json *json = json_parse(text, strlen(text));
	const struct json *array = json_get(json, "a");
	CHECK(json_is_object(json) && json_is_array(array));
	CHECK_INT(json_count(array), 2);
	CHECK_INT(json_as_int(json_at(array, 1), -1), 20);
	CHECK(json_at(array, 2) == NULL);
	CHECK(json_get(json, "b") == NULL);
	CHECK(json_is_null(json_get(json, "n")));
	CHECK(json_is_text(json_get(json, "s")));
	json_free(json);
}

static void asking_the_wrong_type_gives_nothing(void)
{
	struct json *text = json_text("x"), *object = json_object(), *array = json_array();
	CHECK(json_get(text, "x") == NULL);
	CHECK(json_get(array, "x") == NULL);
	CHECK(json_get(NULL, "x") == NULL);
	CHECK(json_at(object, 0) == NULL);
	CHECK(json_at(NULL, 0) == NULL);
	CHECK_INT(json_count(object), 0);
	CHECK_INT(json_count(NULL), 0);
	CHECK(!json_is_object(NULL) && !json_is_array(NULL) && !json_is_text(NULL));
	CHECK(json_is_null(NULL) && !json_is_null(text));
	CHECK(json_as_text(object) == NULL && json_as_text(array) == NULL);
	CHECK(json_as_text(NULL) == NULL);
	CHECK_INT(json_as_int(text, -1), -1);
	CHECK_INT(json_as_int(NULL, -1), -1);
	json_free(text);
	json_free(object);
	json_free(array);
	json_free(NULL);
}

static void check_as_text(const char *json_text, const char *expected)
{
	struct json *json = json_parse(json_text, strlen(json_text));
	CHECK_TEXT(json_as_text(json_at(json, 0)), expected);
	json_free(json);
}

static void numbers_become_text_as_json_writes_them(void)
{
	check_as_text("[\"x\"]", "x");
	check_as_text("[\"\"]", "");
	check_as_text("[85]", "85");
	check_as_text("[-7]", "-7");
	check_as_text("[1.21]", "1.21");
	check_as_text("[true]", "true");
	check_as_text("[null]", NULL);
	check_as_text("[{}]", NULL);
}

static void a_string_with_a_nul_inside_is_not_handed_out_cut(void)
{
	struct json *json = json_text_len("alice\0x", 7);
	CHECK(json_as_text(json) == NULL);
	json_free(json);
}

static int64_t first_as_int(const char *text)
{
	struct json *json = json_parse(text, strlen(text));
	int64_t number = json_as_int(json_at(json, 0), -1);
	json_free(json);
	return number;
}

static void only_whole_numbers_in_range_are_numbers(void)
{
	CHECK_INT(first_as_int("[9223372036854775807]"), INT64_MAX);
	CHECK_INT(first_as_int("[0]"), 0);
	CHECK_INT(first_as_int("[-5]"), -5);
	CHECK_INT(first_as_int("[9223372036854775808]"), -1);
	CHECK_INT(first_as_int("[99999999999999999999999]"), -1);
	CHECK_INT(first_as_int("[-9223372036854775809]"), -1);
	CHECK_INT(first_as_int("[1.5]"), -1);
	CHECK_INT(first_as_int("[\"5\"]"), -1);
	CHECK_INT(first_as_int("[true]"), -1);
}

static bool first_is_true(const char *text)
{
	struct json *json = json_parse(text, strlen(text));
	bool result = json_is_true(json_at(json, 0));
	json_free(json);
	return result;
}

static void truth_is_that_of_mustache(void)
{
	CHECK(!first_is_true("[false]") && first_is_true("[true]"));
	CHECK(!first_is_true("[null]"));
	CHECK(!first_is_true("[\"\"]") && first_is_true("[\"0\"]"));
	CHECK(!first_is_true("[0]") && first_is_true("[-1]") && first_is_true("[4294967296]"));
	CHECK(!first_is_true("[0.0]") && first_is_true("[0.1]"));
	CHECK(!first_is_true("[[]]") && first_is_true("[[0]]"));
	CHECK(first_is_true("[{}]"));
	CHECK(!json_is_true(NULL));
}

static void note_member(const char *name, struct json *value, void *context)
{
	char *seen = context;
	size_t len = strlen(seen);
	(void)snprintf(seen + len, 100 - len, "%s=%s;", name, value ? json_as_text(value) : "null");
}

static void members_are_walked_in_order(void)
{
	static const char text[] = "{\"z\":1,\"a\":\"x\",\"m\":null}";
	char seen[100] = "";
	struct json *json = json_parse(text, strlen(text));
	json_each(json, note_member, seen);
	CHECK_TEXT(seen, "z=1;a=x;m=null;");
	json_each(json_get(json, "a"), note_member, seen);
	json_each(NULL, note_member, seen);
	CHECK_TEXT(seen, "z=1;a=x;m=null;");
	json_free(json);
}

static void the_form_for_people_is_indented(void)
{
	struct json *json = json_set(json_object(), "path", json_text("/x"));
	CHECK_TEXT(json_format_pretty(json), "{\n  \"path\": \"/x\"\n}");
	json_free(json);
}

int main(void)
{
	RUN(values_of_every_type_are_parsed);
	RUN(text_that_is_not_json_is_refused);
	RUN(anything_after_the_value_is_refused);
	RUN(control_characters_and_nul_in_strings_are_refused);
	RUN(characters_beyond_ascii_are_read_as_they_are);
	RUN(characters_whose_last_16_bits_look_like_half_a_pair_are_read);
	RUN(a_backslash_before_what_looks_like_a_pair_stays_one);
	RUN(text_that_is_not_utf8_is_refused);
	RUN(arrays_nest_32_deep_and_no_deeper);
	RUN(values_are_built_in_one_expression);
	RUN(setting_a_name_again_replaces_it);
	RUN(formatted_text_is_escaped);
	RUN(members_and_elements_are_found);
	RUN(asking_the_wrong_type_gives_nothing);
	RUN(numbers_become_text_as_json_writes_them);
	RUN(a_string_with_a_nul_inside_is_not_handed_out_cut);
	RUN(only_whole_numbers_in_range_are_numbers);
	RUN(truth_is_that_of_mustache);
	RUN(members_are_walked_in_order);
	RUN(the_form_for_people_is_indented);
	return check_result();
}
