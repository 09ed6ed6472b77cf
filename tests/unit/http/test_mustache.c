/* The language: the cases of the official specification (from ../shared/vectors or $VECTORS), and
 * what it leaves open. */
#include "check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "http/template.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 256 * 1024, PAGE_MAX_BYTES = 16 * 1024 };

static struct arena *arena;

/* The text of "page" within a set given as JSON; the error of compiling it; or why not. */
static const char *rendered(const struct json *texts, const struct json *data)
{
	static char error[256];
	struct buf out;
	buf_init(&out, arena, PAGE_MAX_BYTES);
	struct template_set *set = template_set_parse(texts, error, sizeof(error));
	if (!set)
		return error;
	bool done = template_render(set, "page", data, NULL, &out);
	template_set_free(set);
	return done ? out.data : "(not rendered)";
}

static struct json *parsed(const char *text)
{
	struct json *json = json_parse(text, strlen(text));
	CHECK(json != NULL);
	return json;
}

static const char *page(const char *template, const char *data)
{
	struct json *texts = json_set(json_object(), "page", json_text(template));
	struct json *values = parsed(data);
	const char *result = rendered(texts, values);
	json_free(texts);
	json_free(values);
	return result;
}

static const char *pages(const char *templates, const char *data)
{
	struct json *texts = parsed(templates);
	struct json *values = parsed(data);
	const char *result = rendered(texts, values);
	json_free(texts);
	json_free(values);
	return result;
}

static void a_value_cannot_leave_the_text_or_attribute_it_stands_in(void)
{
	CHECK_TEXT(page("<a title=\"{{x}}\" id='{{x}}'>{{x}}</a>", "{\"x\":\"\\\"'<&>\"}"),
		"<a title=\"&quot;&#39;&lt;&amp;&gt;\" id='&quot;&#39;&lt;&amp;&gt;'>"
		"&quot;&#39;&lt;&amp;&gt;</a>");
}

static void raw_values_are_inserted_as_they_are(void)
{
	CHECK_TEXT(page("{{{x}}}{{& x }}", "{\"x\":\"<&>\"}"), "<&><&>");
}

static void a_value_with_tags_is_not_a_template(void)
{
	CHECK_TEXT(page("{{{x}}}", "{\"x\":\"{{y}}\",\"y\":\"no\"}"), "{{y}}");
}

static void objects_lists_and_null_have_no_text(void)
{
	CHECK_TEXT(page("[{{a}}{{b}}{{c}}{{d}}]", "{\"a\":{\"x\":1},\"b\":[1],\"c\":null}"), "[]");
}

static void a_section_repeats_for_a_list_and_sees_what_is_around(void)
{
	CHECK_TEXT(page("{{#l}}{{a}}{{b.c}} {{/l}}{{^l}}none{{/l}}",
			   "{\"a\":0,\"b\":{\"c\":\"!\"},\"l\":[{\"a\":1},{\"a\":2},{}]}"),
		"1! 2! 0! ");
	CHECK_TEXT(page("{{#l}}x{{/l}}{{^l}}none{{/l}}", "{\"l\":[]}"), "none");
}

static void an_empty_text_is_false(void)
{
	CHECK_TEXT(page("{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":\"\"}"), "no");
}

static void a_line_with_only_a_section_tag_leaves_nothing(void)
{
	CHECK_TEXT(page("a\n  {{#x}}  \r\nb\n {{/x}}\nc\n", "{\"x\":true}"), "a\nb\nc\n");
}

static void lines_of_an_indented_partial_are_indented_but_not_its_values(void)
{
	CHECK_TEXT(pages("{\"page\":\"(\\n  {{>a}}\\n)\","
			 "\"a\":\"1\\n\\t{{>b}}\\n{{#x}}3{{/x}}\\n\",\"b\":\"{{{x}}}\\n2\"}",
			   "{\"x\":\"p\\nq\"}"),
		"(\n  1\n  \tp\nq\n  \t2  3\n)");
}

static void a_partial_within_a_line_is_not_indented(void)
{
	CHECK_TEXT(pages("{\"page\":\"  {{>o}}\\n\",\"o\":\"{{>a}}{{>a}};\\n\",\"a\":\"1\\n2\"}",
			   "{}"),
		"  1\n21\n2;\n");
}

static void a_partial_may_contain_itself_while_there_is_data(void)
{
	const char *tree = "{\"page\":\"{{n}}{{#kids}}({{>page}}){{/kids}}\"}";
	CHECK_TEXT(pages(tree, "{\"n\":1,\"kids\":[{\"n\":2,\"kids\":[]},{\"n\":3,\"kids\":"
			       "[{\"n\":4,\"kids\":false}]}]}"),
		"1(2)(3(4))");
}

static void a_partial_within_itself_without_an_end_is_not_rendered(void)
{
	CHECK_TEXT(pages("{\"page\":\"x{{>page}}{{>page}}\"}", "{}"), "(not rendered)");
	CHECK_TEXT(pages("{\"page\":\"{{#a}}{{>page}}{{/a}}\"}", "{\"a\":true}"), "(not rendered)");
}

static void a_page_larger_than_its_buffer_is_not_rendered(void)
{
	CHECK_TEXT(pages("{\"page\":\"{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}\","
			 "\"a\":\"{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}\","
			 "\"b\":\"{{>c}}{{>c}}{{>c}}{{>c}}{{>c}}{{>c}}{{>c}}{{>c}}\","
			 "\"c\":\"{{>d}}{{>d}}{{>d}}{{>d}}{{>d}}{{>d}}{{>d}}{{>d}}\","
			 "\"d\":\"0123456789\"}",
			   "{}"),
		"(not rendered)");
}

static void what_is_not_a_template_is_refused_with_its_line(void)
{
	CHECK_TEXT(page("a\n{{=<% %>=}}", "{}"),
		"page.mustache:2: other delimiters are not supported: \"<% %>=\"");
	CHECK_TEXT(page("a\n{{#x}}\nb", "{}"), "page.mustache:2: section without an end: \"x\"");
	CHECK_TEXT(page("{{#x}}{{#y}}\n\n{{/x}}{{/y}}", "{}"),
		"page.mustache:3: is not the open section: \"x\"");
	CHECK_TEXT(page("{{/x}}", "{}"), "page.mustache:1: is not the open section: \"x\"");
	CHECK_TEXT(page("\n\n\n{{ x }\nb", "{}"), "page.mustache:4: tag without an end: \"x }\"");
	CHECK_TEXT(page("{{{x}}", "{}"), "page.mustache:1: tag without an end: \"{x}}\"");
	CHECK_TEXT(page("{{ {x}}", "{}"), "page.mustache:1: is not a name: \"{x\"");
	CHECK_TEXT(page("{{", "{}"), "page.mustache:1: tag without an end: \"\"");
}

static void a_tag_without_a_proper_name_is_refused(void)
{
	static const char *const wrong[] = { "{{}}", "{{# }}{{/ }}", "{{a b}}", "{{a..b}}",
		"{{.a}}", "{{a.}}", "{{$a}}", "{{<a}}", "{{>../a}}", "{{>.}}", "{{>a.b}}",
		"{{a\"}}", NULL };
	for (size_t i = 0; wrong[i]; i++)
		CHECK(strstr(page(wrong[i], "{}"), "page.mustache:1: is not a name: ") != NULL);
}

/* Two items, thirty deep: a thousand million passes that write nothing. */
static void lists_within_lists_come_to_an_end(void)
{
	struct buf nested;
	buf_init(&nested, arena, PAGE_MAX_BYTES);
	for (int i = 0; i < 30; i++)
		buf_add_text(&nested, "{{#a}}");
	buf_add_text(&nested, "{{b}}");
	for (int i = 0; i < 30; i++)
		buf_add_text(&nested, "{{/a}}");
	CHECK_TEXT(page(nested.data, "{\"a\":[{},{}]}"), "(not rendered)");
}

static void sections_nested_too_deep_are_refused(void)
{
	struct buf deep;
	buf_init(&deep, arena, PAGE_MAX_BYTES);
	for (int i = 0; i < 32; i++)
		buf_add_text(&deep, "{{#a}}");
	for (int i = 0; i < 32; i++)
		buf_add_text(&deep, "{{/a}}");
	CHECK_TEXT(page(deep.data, "{\"a\":true}"), "");
	buf_clear(&deep);
	for (int i = 0; i < 33; i++)
		buf_add_text(&deep, "{{#a}}");
	CHECK_TEXT(page(deep.data, "{}"), "page.mustache:1: nested too deep: \"a\"");
}

static void copy_text(const char *name, struct json *text, void *texts)
{
	(void)json_set(texts, name, json_text(json_as_text(text)));
}

static void check_case(const char *file, const struct json *test)
{
	struct json *texts = json_object();
	json_each(json_get(test, "partials"), copy_text, texts);
	copy_text("page", json_get(test, "template"), texts);
	const char *expected = json_as_text(json_get(test, "expected"));
	const char *got = rendered(texts, json_get(test, "data"));
	CHECK_TEXT(got, expected);
	if (strcmp(got, expected) != 0)
		fprintf(stderr, "  in %s: %s\n", file, json_as_text(json_get(test, "name")));
	json_free(texts);
}

static struct json *vectors_read(const char *name)
{
	const char *dir = getenv("VECTORS");
	FILE *file = fopen(
		arena_printf(arena, "%s/mustache/%s.json", dir ? dir : "../shared/vectors", name),
		"re");
	if (!file)
		return NULL;
	char *text = arena_alloc(arena, FILE_MAX_BYTES);
	size_t len = fread(text, 1, FILE_MAX_BYTES, file);
	(void)fclose(file);
	struct json *json = json_parse(text, len);
	CHECK(json != NULL);
	return json;
}

static void the_cases_of_the_specification_pass(void)
{
	static const char *const files[] = { "interpolation", "sections", "inverted", "partials",
		"comments" };
	static const size_t expected_cases[] = { 42, 34, 22, 12, 12 };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct json *vectors = vectors_read(files[i]);
		const struct json *tests = json_get(vectors, "tests");
		if (!vectors) {
			printf("skipped: no mustache/%s.json in $VECTORS or ../shared/vectors\n",
				files[i]);
			continue;
		}
		CHECK(json_count(tests) >= expected_cases[i]);
		for (size_t j = 0; j < json_count(tests); j++)
			check_case(files[i], json_at(tests, j));
		json_free(vectors);
	}
}

int main(void)
{
	arena = arena_new(64UL * 1024 * 1024);
	RUN(a_value_cannot_leave_the_text_or_attribute_it_stands_in);
	RUN(raw_values_are_inserted_as_they_are);
	RUN(a_value_with_tags_is_not_a_template);
	RUN(objects_lists_and_null_have_no_text);
	RUN(a_section_repeats_for_a_list_and_sees_what_is_around);
	RUN(an_empty_text_is_false);
	RUN(a_line_with_only_a_section_tag_leaves_nothing);
	RUN(lines_of_an_indented_partial_are_indented_but_not_its_values);
	RUN(a_partial_within_a_line_is_not_indented);
	RUN(a_partial_may_contain_itself_while_there_is_data);
	RUN(a_partial_within_itself_without_an_end_is_not_rendered);
	RUN(a_page_larger_than_its_buffer_is_not_rendered);
	RUN(what_is_not_a_template_is_refused_with_its_line);
	RUN(a_tag_without_a_proper_name_is_refused);
	RUN(lists_within_lists_come_to_an_end);
	RUN(sections_nested_too_deep_are_refused);
	RUN(the_cases_of_the_specification_pass);
	arena_free(arena);
	return check_result();
}
