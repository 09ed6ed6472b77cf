#include "check.h"

#include "base/json.h"
#include "http/sentence.h"

#include <stdbool.h>

static struct json *parsed(const char *text)
{
	struct json *json = json_parse(text, strlen(text));
	CHECK(json != NULL);
	return json;
}

static void a_sentence_is_text_and_places(void)
{
	const char *at = "By {device} at {{x} {A} {}{wait}.";
	static const char *const pieces[] = { "By ", "device", " at ", "{", "x", " ", "{A} ", "{}",
		"wait", "." };
	struct sentence_piece piece;
	size_t n = 0;
	for (; sentence_next(&at, &piece); n++) {
		size_t len = strlen(pieces[n < 10 ? n : 9]);
		const char *got = piece.place[0] ? piece.place : piece.text;
		CHECK(n < 10 && strncmp(got, pieces[n], len) == 0);
		CHECK(piece.place[0] || piece.len == len);
	}
	CHECK_INT(n, 10);
	at = "";
	CHECK(!sentence_next(&at, &piece));
	at = "{a_place_whose_name_is_far_too_long_for_one}";
	CHECK(sentence_next(&at, &piece) && !piece.place[0]);
}

static void a_form_is_chosen_by_numbers_and_ranges(void)
{
	struct json *days = parsed("{\"1,21\":\"den\",\"2-4,22-24\":\"dni\",\"other\":\"dnei\"}");
	static const struct {
		int64_t count;
		const char *form;
	} cases[] = { { 1, "den" }, { 2, "dni" }, { 4, "dni" }, { 5, "dnei" }, { 21, "den" },
		{ 24, "dni" }, { 0, "dnei" }, { -1, "dnei" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_TEXT(sentence_form(days, cases[i].count), cases[i].form);
	json_free(days);
	struct json *one = json_text("{count} fen");
	CHECK_TEXT(sentence_form(one, 7), "{count} fen");
	json_free(one);
	CHECK_TEXT(sentence_form(NULL, 1), "");
}

static void other_selectors_are_none(void)
{
	static const char *const good[] = { "other", "0", "1,2", "2-4", "2-4,22-24,9" };
	static const char *const bad[] = { "", "one", "1,", ",1", "4-2", "2-", "-2", "1 2", "1, 2",
		"12345678901" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(sentence_is_selector(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!sentence_is_selector(bad[i]));
}

static void a_place_that_the_model_does_not_have_is_found(void)
{
	char place[SENTENCE_PLACE_MAX + 1] = "";
	struct json *model = parsed("{\"1\":\"a day\",\"other\":\"{count} days\"}");
	struct json *good = json_text("{count} Tage");
	struct json *bad = parsed("{\"1\":\"ein Tag\",\"other\":\"{zahl} Tage\"}");
	CHECK(!sentence_has_other_place(good, model, place));
	CHECK(sentence_has_other_place(bad, model, place));
	CHECK_TEXT(place, "zahl");
	json_free(model);
	json_free(good);
	json_free(bad);
}

int main(void)
{
	RUN(a_sentence_is_text_and_places);
	RUN(a_form_is_chosen_by_numbers_and_ranges);
	RUN(other_selectors_are_none);
	RUN(a_place_that_the_model_does_not_have_is_found);
	return check_result();
}
