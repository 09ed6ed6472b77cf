/* The pages of templates/ themselves. Run from the root of the project. */
#include "check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "http/language.h"
#include "http/template.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 64 * 1024, PAGE_MAX_BYTES = 15 * 1024, NAMES_MAX = 64, TAGS_MAX = 64 };

static struct arena *arena;
static char error[400];
static struct language_set *languages;

static const char *file_text(const char *path)
{
	char *text = arena_alloc(arena, FILE_MAX_BYTES);
	FILE *file = fopen(path, "re");
	CHECK(file != NULL);
	if (file) {
		CHECK(fread(text, 1, FILE_MAX_BYTES - 1, file) > 0);
		(void)fclose(file);
	}
	return text;
}

/* The names that templates/README.md promises: the rows "| `name` | what | used in |". */
static const char *const *documented_names(void)
{
	const char **names = arena_alloc(arena, NAMES_MAX * sizeof(*names));
	const char *row = strstr(file_text("templates/README.md"), "\n| name | what |");
	CHECK(row != NULL);
	for (size_t n = 0; row && n + 1 < NAMES_MAX; n++) {
		row = strstr(row, "\n| `");
		if (!row)
			break;
		row += strlen("\n| `");
		names[n] = arena_strndup(arena, row, strcspn(row, "`"));
	}
	return names;
}

static const char hostile[] = "<script>'\"&</title></style>";

static struct json *one_session(bool current)
{
	struct json *session = json_object();
	(void)json_set(session, "handle", json_text(hostile));
	(void)json_set(session, "device", json_text(hostile));
	(void)json_set(session, "address", json_text("2001:db8::7"));
	(void)json_set(session, "since", json_text("today, 08:12"));
	(void)json_set(session, "seen", json_text("just now"));
	return json_set(session, "current", json_bool(current));
}

/* Every documented name with a text that would break a page which does not escape it. */
static struct json *full_data(const char *css)
{
	struct json *data = json_object();
	for (const char *const *name = documented_names(); *name; name++)
		(void)json_set(data, *name, json_text(hostile));
	(void)json_set(data, "sessions",
		json_add(json_add(json_array(), one_session(true)), one_session(false)));
	(void)json_set(data, "prefix", json_text("/auth"));
	(void)json_set(data, "lang", json_text("de"));
	return json_set(data, "css", json_text(css));
}

static struct json *least_data(const char *css)
{
	return json_set(
		json_set(json_object(), "prefix", json_text("/auth")), "css", json_text(css));
}

static bool is_void_element(const char *name)
{
	static const char *const names[] = { "meta", "input", "img", "link", "br", NULL };
	for (size_t i = 0; names[i]; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

struct open_elements {
	const char *names[TAGS_MAX];
	size_t count;
};

/* Takes in the tag that starts at `at`; false when it does not fit what is open. */
static bool element_step(struct open_elements *open, const char *at)
{
	bool is_end = at[1] == '/';
	const char *start = at + 1 + is_end;
	const char *name = arena_strndup(arena, start, strcspn(start, " >\n"));
	if (name[0] == '!' || is_void_element(name))
		return true;
	if (is_end)
		return open->count > 0 && strcmp(open->names[--open->count], name) == 0;
	if (open->count < TAGS_MAX)
		open->names[open->count++] = name;
	return true;
}

static bool elements_are_balanced(const char *page)
{
	struct open_elements open = { .count = 0 };
	for (const char *at = page; (at = strchr(at, '<')); at++) {
		if (!element_step(&open, at)) {
			fprintf(stderr, "  does not fit: %.40s\n", at);
			return false;
		}
	}
	return open.count == 0;
}

static void check_page(const char *name, const char *page, const char *css)
{
	int failures = check_failures;
	const char *style = strstr(page, "<style>");
	const char *style_end = strstr(page, "</style>");
	CHECK(strncmp(page, "<!DOCTYPE html>\n<html lang=\"", 28) == 0);
	CHECK(style && style_end && (size_t)(style_end - style) == strlen("<style>") + strlen(css));
	CHECK(style && strncmp(style + strlen("<style>"), css, strlen(css)) == 0);
	CHECK(style_end && !strstr(style_end + 1, "</style>"));
	CHECK(!strstr(page, "<script") && !strstr(page, " style=") && !strstr(page, " onclick="));
	CHECK(!strstr(page, "'"));
	CHECK(strstr(page, "<title>") && strstr(page, "<h1>"));
	CHECK(elements_are_balanced(page));
	if (check_failures > failures)
		fprintf(stderr, "  in page %s\n", name);
}

static const char *const page_names[] = { "login", "signed_out", "logout", "denied", "sessions",
	"error", "loop", NULL };

static const char *page_text(
	const struct template_set *set, const char *name, const struct json *data)
{
	struct buf out;
	buf_init(&out, arena, PAGE_MAX_BYTES);
	CHECK(template_render(
		set, name, data, language_text(language_choose(languages, "de")), &out));
	return out.data;
}

static struct template_set *pages_load(void)
{
	struct template_set *set = template_set_load("templates",
		language_set_names(languages, documented_names()), error, sizeof(error));
	CHECK_TEXT(error, "");
	return set;
}

static void every_page_is_whole_small_and_safe_with_any_data(void)
{
	const char *css = file_text("templates/page.css");
	struct template_set *set = pages_load();
	struct json *full = full_data(css);
	struct json *least = least_data(css);
	for (size_t i = 0; set && page_names[i]; i++) {
		check_page(page_names[i], page_text(set, page_names[i], full), css);
		check_page(page_names[i], page_text(set, page_names[i], least), css);
	}
	template_set_free(set);
	json_free(full);
	json_free(least);
}

static void every_page_of_somebody_signed_in_offers_the_way_out(void)
{
	struct template_set *set = pages_load();
	struct json *data = full_data("");
	for (size_t i = 0; set && page_names[i]; i++) {
		const char *page = page_text(set, page_names[i], data);
		if (strcmp(page_names[i], "signed_out") != 0)
			CHECK(strstr(page, " method=\"post\" action=\"/auth/logout\">") != NULL);
	}
	template_set_free(set);
	json_free(data);
}

static void every_form_carries_the_csrf_token(void)
{
	struct template_set *set = pages_load();
	struct json *data = json_set(full_data(""), "csrf", json_text("token"));
	for (size_t i = 0; set && page_names[i]; i++) {
		const char *at = page_text(set, page_names[i], data);
		while ((at = strstr(at, "<form "))) {
			const char *end = strstr(at, "</form>");
			const char *csrf = strstr(at, "name=\"csrf\" value=\"token\"");
			CHECK(end && csrf && csrf < end);
			at++;
		}
	}
	template_set_free(set);
	json_free(data);
}

static void the_cursor_waits_where_the_user_goes_on(void)
{
	struct template_set *set = pages_load();
	struct json *data = least_data("");
	const char *page = set ? page_text(set, "login", data) : "";
	CHECK(strstr(page, " autocomplete=\"username\" ") != NULL);
	CHECK(strstr(page, " autocomplete=\"current-password\" required>") != NULL);
	CHECK(strstr(page, "spellcheck=\"false\" required autofocus>") != NULL);
	CHECK(!strstr(page, "maxlength") && !strstr(page, "name=\"remember\""));
	(void)json_set(data, "username", json_text("alice"));
	(void)json_set(data, "remember", json_bool(true));
	page = set ? page_text(set, "login", data) : "";
	CHECK(strstr(page, " value=\"alice\" ") && strstr(page, " name=\"remember\" "));
	CHECK(strstr(page, "spellcheck=\"false\" required>") != NULL);
	CHECK(strstr(page, " autocomplete=\"current-password\" required autofocus>") != NULL);
	template_set_free(set);
	json_free(data);
}

int main(void)
{
	arena = arena_new(64UL * 1024 * 1024);
	languages = language_set_load("languages", error, sizeof(error));
	if (!languages)
		return fprintf(stderr, "%s\n", error), 1;
	RUN(every_page_is_whole_small_and_safe_with_any_data);
	RUN(every_page_of_somebody_signed_in_offers_the_way_out);
	RUN(every_form_carries_the_csrf_token);
	RUN(the_cursor_waits_where_the_user_goes_on);
	language_set_free(languages);
	arena_free(arena);
	return check_result();
}
