/* Sets of templates, from a directory and from JSON. */
#include "check.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "http/template.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena *arena;
static char error[400];
static const char *const known[] = { "user", "uses", "sessions", "handle", "text.sign_in", NULL };

/* A directory of its own with one or two files; gone with directory_free. */
struct directory {
	char path[64];
	const char *files[2];
};

static void file_write(const char *dir, const char *name, const char *text, size_t len)
{
	FILE *file = fopen(arena_printf(arena, "%s/%s", dir, name), "we");
	CHECK(file && fwrite(text, 1, len, file) == len);
	if (file)
		(void)fclose(file);
}

static void directory_make(struct directory *dir)
{
	const char *base = getenv("TMPDIR");
	struct buf path;
	buf_init_fixed(&path, dir->path, sizeof(dir->path));
	buf_printf(&path, "%s/templates-XXXXXX", base ? base : "/tmp");
	CHECK(buf_ok(&path) && mkdtemp(dir->path) != NULL);
	dir->files[0] = dir->files[1] = NULL;
}

static void directory_free(struct directory *dir)
{
	for (size_t i = 0; i < 2 && dir->files[i]; i++)
		CHECK(unlink(arena_printf(arena, "%s/%s", dir->path, dir->files[i])) == 0);
	CHECK(rmdir(dir->path) == 0);
}

/* What loading a directory with just this text in a.mustache says; "" when it is accepted. */
static const char *loading_bytes(const char *text, size_t len)
{
	struct directory dir;
	directory_make(&dir);
	dir.files[0] = "a.mustache";
	file_write(dir.path, "a.mustache", text, len);
	struct template_set *set = template_set_load(dir.path, known, error, sizeof(error));
	CHECK((set == NULL) == (error[0] != '\0'));
	template_set_free(set);
	directory_free(&dir);
	return error;
}

static const char *loading(const char *text)
{
	return loading_bytes(text, strlen(text));
}

static void known_names_in_any_place_are_accepted(void)
{
	CHECK_TEXT(loading("{{user}}{{#sessions}}{{.}}{{{handle}}}{{/sessions}}"
			   "{{^sessions.handle}}{{&user}}{{/sessions.handle}}{{!nobody}}{{>a}}"),
		"");
}

static void an_unknown_name_is_refused_with_file_line_and_the_nearest(void)
{
	CHECK_TEXT(loading("{{user}}\n{{usre}}"),
		"a.mustache:2: unknown name usre; did you mean user?");
	CHECK_TEXT(loading("{{userr}}"), "a.mustache:1: unknown name userr; did you mean user?");
	CHECK_TEXT(loading("{{#session}}{{/session}}"),
		"a.mustache:1: unknown name session; did you mean sessions?");
	CHECK_TEXT(loading("\n\n{{#sessions}}\n{{^hndle}}{{/hndle}}{{/sessions}}"),
		"a.mustache:4: unknown name hndle; did you mean handle?");
	CHECK_TEXT(loading("{{sessions.handles}}"),
		"a.mustache:1: unknown name handles; did you mean handle?");
	CHECK_TEXT(loading("{{text.sign_in}}{{{text.sign_inn}}}"),
		"a.mustache:1: unknown name text.sign_inn; did you mean text.sign_in?");
	CHECK_TEXT(loading("{{text.user}}"), "a.mustache:1: unknown name text.user");
	CHECK_TEXT(loading("{{{xyz}}}"), "a.mustache:1: unknown name xyz");
}

static void a_sentence_has_values_in_its_places_and_is_escaped(void)
{
	struct json *texts = json_set(json_object(), "a",
		json_text("{{#sessions}}<{{text.end}}>{{/sessions}}{{{text.raw}}}{{user}}"));
	struct json *data = json_set(json_object(), "user", json_text("<{handle}>"));
	struct json *sentences =
		json_set(json_object(), "end", json_text("End \"{handle}\", {user}{none}"));
	struct buf out;
	(void)json_set(sentences, "raw", json_text("<b>{user}</b>"));
	(void)json_set(data, "sessions",
		json_add(json_array(), json_set(json_object(), "handle", json_text("h&1"))));
	buf_init(&out, arena, 400);
	struct template_set *set = template_set_parse(texts, error, sizeof(error));
	CHECK(set && template_render(set, "a", data, sentences, &out));
	CHECK_TEXT(out.data, "<End &quot;h&amp;1&quot;, &lt;{handle}&gt;>"
			     "<b>&lt;{handle}&gt;</b>&lt;{handle}&gt;");
	template_set_free(set);
	json_free(texts);
	json_free(data);
	json_free(sentences);
}

static void an_unknown_partial_is_refused(void)
{
	CHECK_TEXT(loading("\n{{>aa}}"), "a.mustache:2: unknown partial aa; did you mean a?");
	CHECK_TEXT(loading("{{>head}}"), "a.mustache:1: unknown partial head");
}

static void a_text_that_does_not_compile_is_refused(void)
{
	CHECK_TEXT(loading("{{#user}}"), "a.mustache:1: section without an end: \"user\"");
}

static void a_text_that_is_not_utf8_is_refused(void)
{
	CHECK_TEXT(loading("caf\xe9"), "a.mustache: not UTF-8");
	CHECK_TEXT(loading_bytes("a\0b", 3), "a.mustache: cannot be read whole, or holds a NUL");
	CHECK_TEXT(loading("caf\xc3\xa9"), "");
}

static void too_much_text_is_refused(void)
{
	char *text = arena_alloc(arena, TEMPLATE_MAX_BYTES + 2);
	memset(text, 'x', TEMPLATE_MAX_BYTES + 1);
	CHECK_TEXT(loading(text), "a.mustache: too many templates, or too long");
	text[TEMPLATE_MAX_BYTES] = '\0';
	CHECK_TEXT(loading(text), "");
	/* The tree of the worst text fits the arena. */
	for (size_t i = 0; i + 6 < TEMPLATE_MAX_BYTES; i += 6)
		memcpy(text + i, "{{.}}x", 6);
	CHECK_TEXT(loading(text), "");
	for (size_t i = 0; i + 8 < TEMPLATE_MAX_BYTES; i += 8)
		memcpy(text + i, "{{user}}", 8);
	CHECK_TEXT(loading(text), "");
}

static void too_many_texts_are_refused(void)
{
	struct json *texts = json_object();
	for (int i = 0; i < TEMPLATE_MAX_FILES; i++)
		(void)json_set(texts, arena_printf(arena, "t%d", i), json_text("x"));
	struct template_set *set = template_set_parse(texts, error, sizeof(error));
	CHECK(set != NULL);
	template_set_free(set);
	(void)json_set(texts, "more", json_text("x"));
	CHECK(template_set_parse(texts, error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "more.mustache: too many templates, or too long");
	json_free(texts);
}

static void a_directory_that_is_not_there_is_refused(void)
{
	CHECK(template_set_load("/nowhere/at/all", known, error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "templates in /nowhere/at/all: No such file or directory");
}

static void other_files_and_hidden_ones_are_not_read(void)
{
	struct directory dir;
	directory_make(&dir);
	dir.files[0] = ".a.mustache";
	dir.files[1] = "b.mustache~";
	file_write(dir.path, dir.files[0], "{{", 2);
	file_write(dir.path, dir.files[1], "{{", 2);
	struct template_set *set = template_set_load(dir.path, known, error, sizeof(error));
	CHECK(set && !template_set_has(set, "a") && !template_set_has(set, "b"));
	template_set_free(set);
	directory_free(&dir);
}

static void a_page_that_is_not_there_is_not_rendered(void)
{
	char storage[64];
	struct buf out;
	struct json *texts = json_object();
	struct template_set *set = template_set_parse(texts, error, sizeof(error));
	buf_init_fixed(&out, storage, sizeof(storage));
	CHECK(!template_render(set, "login", texts, NULL, &out));
	CHECK_TEXT(out.data, "");
	template_set_free(set);
	json_free(texts);
}

int main(void)
{
	arena = arena_new(64UL * 1024 * 1024);
	RUN(known_names_in_any_place_are_accepted);
	RUN(an_unknown_name_is_refused_with_file_line_and_the_nearest);
	RUN(a_sentence_has_values_in_its_places_and_is_escaped);
	RUN(an_unknown_partial_is_refused);
	RUN(a_text_that_does_not_compile_is_refused);
	RUN(a_text_that_is_not_utf8_is_refused);
	RUN(too_much_text_is_refused);
	RUN(too_many_texts_are_refused);
	RUN(a_directory_that_is_not_there_is_refused);
	RUN(other_files_and_hidden_ones_are_not_read);
	RUN(a_page_that_is_not_there_is_not_rendered);
	arena_free(arena);
	return check_result();
}
