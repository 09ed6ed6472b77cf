/* Sets of languages, and which of them a browser gets. Run from the root of the project. */
#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "http/language.h"

#include <stdlib.h>
#include <unistd.h>

static struct arena *arena;
static char error[400];

struct language_file_text {
	const char *name, *text;
};

/* A set from a directory of its own with these files (NULL at the end). */
static struct language_set *loaded(const struct language_file_text *files)
{
	const char *base = getenv("TMPDIR");
	char *dir = arena_printf(arena, "%s/languages-XXXXXX", base ? base : "/tmp");
	CHECK(mkdtemp(dir) != NULL);
	for (size_t i = 0; files[i].name; i++) {
		FILE *file = fopen(arena_printf(arena, "%s/%s", dir, files[i].name), "we");
		CHECK(file && fputs(files[i].text, file) >= 0);
		if (file)
			(void)fclose(file);
	}
	error[0] = '\0';
	struct language_set *set = language_set_load(dir, error, sizeof error);
	CHECK((set == NULL) == (error[0] != '\0'));
	for (size_t i = 0; files[i].name; i++)
		CHECK(unlink(arena_printf(arena, "%s/%s", dir, files[i].name)) == 0);
	CHECK(rmdir(dir) == 0);
	return set;
}

/* What loading just this file says; "" when it is accepted. */
static const char *loading(const char *name, const char *text)
{
	struct language_file_text files[] = { { name, text }, { NULL, NULL } };
	language_set_free(loaded(files));
	return error;
}

static const char *chosen(const struct language_set *set, const char *accept)
{
	return language_tag(language_choose(set, accept));
}

static void the_language_is_chosen_by_weight_then_order_then_beginning(void)
{
	static const struct language_file_text files[] = { { "de.json", "{}" }, { "fr.json", "{}" },
		{ "zh-Hans.json", "{}" }, { "pt-BR.json", "{}" }, { NULL, NULL } };
	static const struct {
		const char *accept, *tag;
	} cases[] = {
		{ "", "en" },
		{ "de", "de" },
		{ "de-AT,de;q=0.9,en;q=0.8", "de" },
		{ "de-Latn-AT-x-alpine", "de" },
		{ "DE-at", "de" },
		{ "en-GB,de;q=0.9", "en" },
		{ "nl,de;q=0.9,fr;q=0.9", "de" },
		{ "nl, fr;q=0.9, de;q=0.8", "fr" },
		{ "de;q=0.1,fr;q=0.2", "fr" },
		{ "de;q=0.001", "de" },
		{ "de;q=0", "en" },
		{ "de;q=0, fr", "fr" },
		{ "*", "en" },
		{ "nl,*;q=0.5", "en" },
		{ "zh-Hans-CN", "zh-Hans" },
		{ "zh,en;q=0.5", "zh-Hans" },
		{ "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans" },
		{ "pt", "pt-BR" },
		{ "pt-br", "pt-BR" },
		{ "d", "en" },
		{ "deutsch", "en" },
		{ "-de, ,;;,", "en" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-de", "en" },
	};
	struct language_set *set = loaded(files);
	CHECK_TEXT(chosen(set, NULL), "en");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_TEXT(chosen(set, cases[i].accept), cases[i].tag);
		if (strcmp(chosen(set, cases[i].accept), cases[i].tag) != 0)
			fprintf(stderr, "  for %s\n", cases[i].accept);
	}
	language_set_free(set);
}

static void what_a_language_does_not_say_is_said_in_english(void)
{
	static const struct language_file_text files[] = { { "en.json",
								   "{\"sign_in\":\"Log in\"}" },
		{ "nl.json", "{\"sign_out\":\"Uitloggen\"}" }, { NULL, NULL } };
	struct language_set *set = loaded(files);
	const struct language *dutch = language_choose(set, "nl"),
			      *english = language_choose(set, "en");
	CHECK_TEXT(language_say(dutch, arena, "sign_out", NULL), "Uitloggen");
	CHECK_TEXT(language_say(dutch, arena, "sign_in", NULL), "Log in");
	CHECK_TEXT(language_say(english, arena, "sign_out", NULL), "Sign out");
	CHECK_TEXT(language_say(english, arena, "sign_uot", NULL), "");
	language_set_free(set);
}

static void sentences_take_values_and_counts(void)
{
	struct language_set *set = language_set_load("", error, sizeof error);
	const struct language *english = language_choose(set, "de");
	CHECK_TEXT(language_say(english, arena, "device", "browser", "Firefox", "system",
			   "{browser}", NULL),
		"Firefox on {browser}");
	CHECK_TEXT(language_say(english, arena, "device", "system", "Linux", NULL),
		"{browser} on Linux");
	CHECK_TEXT(language_count(english, arena, "wait_minutes", 1), "1 minute");
	CHECK_TEXT(language_count(english, arena, "wait_minutes", 15), "15 minutes");
	language_set_free(set);
}

/* Of as many bytes as an error shows of a key. */
#define LONG_KEY "x234567890x234567890x234567890x234567890x234567890x234567890x234567890x234567890"

static void a_file_that_cannot_be_right_is_refused_with_what_to_do(void)
{
	static const struct {
		const char *name, *text, *error;
	} cases[] = {
		{ "de.json", "{\"sign_inn\":\"Anmelden\"}",
			"de.json: unknown key sign_inn; did you mean sign_in?" },
		{ "de.json", "{\"xyzzy\":\"\"}", "de.json: unknown key xyzzy" },
		{ "de.json", "{\"own_help\":\"\"}", "de.json: unknown key own_help" },
		/* Not so long that the error has no room. */
		{ "de.json", "{\"" LONG_KEY LONG_KEY "\":\"\"}", "de.json: unknown key " LONG_KEY },
		{ "de.json", "{\"denied_role\":\"{rolle}\"}",
			"de.json: denied_role: there is no {rolle} in this sentence" },
		{ "de.json", "{\"sign_in\":5}", "de.json: sign_in: must be a sentence" },
		{ "de.json", "{\"sign_in\":{\"other\":\"x\"}}",
			"de.json: sign_in: must be a sentence" },
		{ "de.json", "{\"ago_days\":{\"1\":\"x\"}}",
			"de.json: ago_days: the form other is missing" },
		{ "de.json", "{\"ago_days\":{\"one\":\"x\",\"other\":\"y\"}}",
			"de.json: ago_days: a form is chosen by other, or by numbers such as 1 or "
			"2-4,22-24" },
		{ "ar.json", "{\"direction\":\"right\"}",
			"ar.json: direction: must be ltr or rtl" },
		{ "de.json", "{\n\"sign_in\": \"a\"\n\"sign_out\": \"b\"\n}",
			"de.json:3: not JSON" },
		{ "de.json", "{\n\"sign_in\": \"a,\n}", "de.json:2: not JSON" },
		{ "de.json", "[]", "de.json: must be an object of keys and sentences" },
		{ "de.json", "{\"sign_in\":\"\xff\"}", "de.json: not UTF-8" },
		{ "Deutsch.json", "{}",
			"Deutsch.json: must be named as a language: de.json, pt-BR.json" },
		{ "de_AT.json", "{}",
			"de_AT.json: must be named as a language: de.json, pt-BR.json" },
		{ "de-.json", "{}", "de-.json: must be named as a language: de.json, pt-BR.json" },
		{ "es-419.json", "{\"ago_days\":\"hace {count} d\",\"direction\":\"ltr\"}", "" },
		{ "frm-1606nict.json", "{}", "" },
		{ "notes.txt", "not a language", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_TEXT(loading(cases[i].name, cases[i].text), cases[i].error);
	CHECK(!language_set_load("/nowhere/at/all", error, sizeof error));
	CHECK_TEXT(error, "languages in /nowhere/at/all: No such file or directory");
}

static void a_site_adds_keys_of_its_own_to_the_english_file_first(void)
{
	static const struct language_file_text files[] = { { "de.json",
								   "{\"own_help\":\"Hilfe\"}" },
		{ "en.json", "{\"own_help\":\"Help\"}" }, { "fr.json", "{}" }, { NULL, NULL } };
	static const char *const others[] = { "user", NULL };
	struct language_set *set = loaded(files);
	CHECK_TEXT(language_say(language_choose(set, "de"), arena, "own_help", NULL), "Hilfe");
	CHECK_TEXT(language_say(language_choose(set, "fr"), arena, "own_help", NULL), "Help");
	const char *const *names = language_set_names(set, others);
	size_t count = 0;
	CHECK_TEXT(names[0], "user");
	CHECK_TEXT(names[1], "text.direction");
	while (names[count + 1])
		count++;
	CHECK_TEXT(names[count], "text.own_help");
	language_set_free(set);
}

static void the_languages_that_come_with_it_load(void)
{
	struct language_set *set = language_set_load("languages", error, sizeof error);
	CHECK(set != NULL);
	if (!set)
		return;
	CHECK_TEXT(language_say(language_choose(set, "de-CH"), arena, "sign_in", NULL), "Anmelden");
	CHECK_TEXT(language_say(language_choose(set, "zh-TW"), arena, "sign_in", NULL), "登录");
	CHECK_TEXT(language_count(language_choose(set, "de"), arena, "ago_days", 1), "vor 1 Tag");
	language_set_free(set);
}

int main(void)
{
	arena = arena_new(8UL * 1024 * 1024);
	RUN(the_language_is_chosen_by_weight_then_order_then_beginning);
	RUN(what_a_language_does_not_say_is_said_in_english);
	RUN(sentences_take_values_and_counts);
	RUN(a_file_that_cannot_be_right_is_refused_with_what_to_do);
	RUN(a_site_adds_keys_of_its_own_to_the_english_file_first);
	RUN(the_languages_that_come_with_it_load);
	arena_free(arena);
	return check_result();
}
