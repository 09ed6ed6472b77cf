#include "http/form.h"

#include "base/arena.h"
#include "base/buf.h"
#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct arena *arena;

static enum form_result read_text(const char *text, struct form_field *fields, size_t count)
{
	return form_read(arena, text, strlen(text), fields, count);
}

/* The value of `name` in a form, "(absent)" without one. */
static const char *value_in(const char *text, const char *name)
{
	struct form_field field = { .name = name, .max_bytes = 100 };
	enum form_result result = read_text(text, &field, 1);
	if (result != FORM_OK)
		return "(refused)";
	if (field.value && strlen(field.value) != field.len)
		return "(length)";
	return field.value ? field.value : "(absent)";
}

/* The inputs of url/resources/urlencoded-parser-data.json of the Web Platform Tests. Two things
 * differ on purpose: a name that occurs twice and a value that is not UTF-8 are refused. */
static void a_form_is_read_as_the_url_standard_says(void)
{
	static const struct {
		const char *text, *name, *value;
	} cases[] = {
		{ "test", "test", "" },
		{ "\xef\xbb\xbftest=\xef\xbb\xbf", "\xef\xbb\xbftest", "\xef\xbb\xbf" },
		{ "\xef\xbb\xbftest=\xef\xbb\xbf", "test", "(absent)" },
		{ "%EF%BB%BFtest=%EF%BB%BF", "\xef\xbb\xbftest", "\xef\xbb\xbf" },
		{ "%EF%BF%BF=%EF%BF%BF", "\xef\xbf\xbf", "\xef\xbf\xbf" },
		{ "%FE%FF", "\xef\xbf\xbd\xef\xbf\xbd", "(absent)" },
		{ "%FF%FE", "\xef\xbf\xbd\xef\xbf\xbd", "(absent)" },
		{ "\xe2\x80\xa0&\xe2\x80\xa0=x", "\xe2\x80\xa0", "(refused)" },
		{ "%C2", "x", "(absent)" },
		{ "%C2x", "x", "(absent)" },
		{ "_charset_=windows-1252&test=%C2x", "test", "(refused)" },
		{ "_charset_=windows-1252&test=%C2x", "_charset_", "windows-1252" },
		{ "", "", "(absent)" },
		{ "", "a", "(absent)" },
		{ "a", "a", "" },
		{ "a=b", "a", "b" },
		{ "a=", "a", "" },
		{ "=b", "", "b" },
		{ "&", "", "(absent)" },
		{ "&a", "a", "" },
		{ "a&", "a", "" },
		{ "a&a", "a", "(refused)" },
		{ "a&b&c", "b", "" },
		{ "a=b&c=d", "c", "d" },
		{ "a=b&c=d&", "c", "d" },
		{ "&&&a=b&&&&c=d&", "a", "b" },
		{ "&&&a=b&&&&c=d&", "", "(absent)" },
		{ "a=a&a=b&a=c", "a", "(refused)" },
		{ "a==a", "a", "=a" },
		{ "a=a+b+c+d", "a", "a b c d" },
		{ "%=a", "%", "a" },
		{ "%a=a", "%a", "a" },
		{ "%a_=a", "%a_", "a" },
		{ "%61=a", "a", "a" },
		{ "%61+%4d%4D=", "a MM", "" },
		{ "id=0&value=%", "value", "%" },
		{ "b=%2sf%2a", "b", "%2sf*" },
		{ "b=%2%2af%2a", "b", "%2*f*" },
		{ "b=%%2a", "b", "%*" },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_TEXT(value_in(cases[i].text, cases[i].name), cases[i].value);
}

static void odd_escapes_stay_and_nothing_is_decoded_twice(void)
{
	CHECK_TEXT(value_in("a=%", "a"), "%");
	CHECK_TEXT(value_in("a=%2", "a"), "%2");
	CHECK_TEXT(value_in("a=%zz", "a"), "%zz");
	CHECK_TEXT(value_in("a=%2&b=0", "a"), "%2");
	CHECK_TEXT(value_in("a=%2541", "a"), "%41");
	CHECK_TEXT(value_in("a=%2B+%2b", "a"), "+ +");
	CHECK_TEXT(value_in("a=1%262&b=3", "a"), "1&2");
	CHECK_TEXT(value_in("a%3Db=c", "a"), "(absent)");
	CHECK_TEXT(value_in("a%3Db=c", "a=b"), "c");
	CHECK_TEXT(value_in("a=1;b=2", "a"), "1;b=2");
	CHECK_TEXT(value_in("A=1", "a"), "(absent)");
	CHECK_TEXT(value_in("a%00=1", "a"), "(absent)");
	CHECK_TEXT(value_in("a\r\n=1", "a"), "(absent)");
}

static void the_fields_of_the_table_are_filled_and_others_skipped(void)
{
	struct form_field fields[] = { { .name = "username", .max_bytes = 64 },
		{ .name = "password", .max_bytes = 256 }, { .name = "remember", .max_bytes = 8 } };
	CHECK_INT(read_text("x=1&password=p%C3%BC+&y=%ff&username=alice&z", fields, COUNT(fields)),
		FORM_OK);
	CHECK_TEXT(fields[0].value, "alice");
	CHECK_INT(fields[0].len, 5);
	CHECK_TEXT(fields[1].value, "p\xc3\xbc ");
	CHECK_INT(fields[1].len, 4);
	CHECK(fields[2].value == NULL);
	CHECK_INT(fields[2].len, 0);
}

static void what_an_earlier_reading_left_in_the_table_is_forgotten(void)
{
	struct form_field field = { .name = "a", .max_bytes = 8, .value = "old", .len = 3 };
	CHECK_INT(read_text("b=1", &field, 1), FORM_OK);
	CHECK(field.value == NULL);
	CHECK_INT(field.len, 0);
}

static void a_known_field_twice_is_refused_even_with_the_same_value(void)
{
	CHECK_TEXT(value_in("user=a&user=b", "user"), "(refused)");
	CHECK_TEXT(value_in("user=a&user=a", "user"), "(refused)");
	CHECK_TEXT(value_in("user=a&use%72=b", "user"), "(refused)");
	CHECK_TEXT(value_in("user&user", "user"), "(refused)");
	struct form_field field = { .name = "user", .max_bytes = 8 };
	CHECK_INT(read_text("user=&user=a", &field, 1), FORM_DUPLICATE);
	CHECK_INT(read_text("other=a&other=b&user=c", &field, 1), FORM_OK);
}

static void the_longest_value_is_counted_decoded(void)
{
	struct form_field field = { .name = "a", .max_bytes = 4 };
	CHECK_INT(read_text("a=1234", &field, 1), FORM_OK);
	CHECK_INT(read_text("a=%31%32%33%34", &field, 1), FORM_OK);
	CHECK_INT(field.len, 4);
	CHECK_INT(read_text("a=12345", &field, 1), FORM_TOO_LONG);
	CHECK(field.value == NULL);
	CHECK_INT(read_text("b=12345&a=1", &field, 1), FORM_OK);
}

static void a_value_that_is_not_utf8_is_refused(void)
{
	struct form_field field = { .name = "a", .max_bytes = 16 };
	static const char *const bad[] = { "a=%ff", "a=\xff", "a=%c0%af", "a=%ed%a0%80", "a=%e2%82",
		"a=x%80", "a=%f4%90%80%80" };
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_INT(read_text(bad[i], &field, 1), FORM_MALFORMED);
	CHECK_INT(read_text("b=%ff&a=%f0%9f%94%91", &field, 1), FORM_OK);
}

static void a_value_keeps_its_nul_bytes(void)
{
	struct form_field field = { .name = "a", .max_bytes = 16 };
	CHECK_INT(read_text("a=x%00y", &field, 1), FORM_OK);
	CHECK_INT(field.len, 3);
	CHECK(field.value && memcmp(field.value, "x\0y", 4) == 0);
	CHECK_INT(form_read(arena, "a=p\0q&b", 7, &field, 1), FORM_OK);
	CHECK_INT(field.len, 3);
}

static void a_body_of_pairs_only_takes_no_more_memory_than_itself(void)
{
	struct form_field field = { .name = "a", .max_bytes = 16 };
	struct buf body;
	buf_init(&body, arena, 16384);
	while (body.len < 16384)
		buf_add_text(&body, "b&");
	size_t before = arena_used_bytes(arena);
	CHECK_INT(form_read(arena, body.data, body.len, &field, 1), FORM_OK);
	CHECK(arena_used_bytes(arena) - before < 20000);
}

static void only_the_content_type_of_a_form_is_one(void)
{
	CHECK(form_is_content_type("application/x-www-form-urlencoded"));
	CHECK(form_is_content_type("Application/X-WWW-Form-URLEncoded"));
	CHECK(form_is_content_type("application/x-www-form-urlencoded;charset=UTF-8"));
	CHECK(form_is_content_type("application/x-www-form-urlencoded ; charset=utf-8"));
	CHECK(!form_is_content_type(NULL));
	CHECK(!form_is_content_type(""));
	CHECK(!form_is_content_type("text/plain"));
	CHECK(!form_is_content_type("multipart/form-data; boundary=x"));
	CHECK(!form_is_content_type("application/x-www-form-urlencodedx"));
	CHECK(!form_is_content_type("application/x-www-form-urlencoded, text/plain"));
	CHECK(!form_is_content_type("application/x-www-form-urlencode"));
	CHECK(!form_is_content_type("text/plain; application/x-www-form-urlencoded"));
}

int main(void)
{
	arena = arena_new(1 << 20);
	RUN(a_form_is_read_as_the_url_standard_says);
	RUN(odd_escapes_stay_and_nothing_is_decoded_twice);
	RUN(the_fields_of_the_table_are_filled_and_others_skipped);
	RUN(what_an_earlier_reading_left_in_the_table_is_forgotten);
	RUN(a_known_field_twice_is_refused_even_with_the_same_value);
	RUN(the_longest_value_is_counted_decoded);
	RUN(a_value_that_is_not_utf8_is_refused);
	RUN(a_value_keeps_its_nul_bytes);
	RUN(a_body_of_pairs_only_takes_no_more_memory_than_itself);
	RUN(only_the_content_type_of_a_form_is_one);
	arena_free(arena);
	return check_result();
}
