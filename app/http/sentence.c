#include "http/sentence.h"

#include "base/json.h"

#include <string.h>

enum { COUNT_DIGITS_MAX = 9 };

static const char place_chars[] = "abcdefghijklmnopqrstuvwxyz_";

/* The length of "{name}" there; 0 when it is none. */
static size_t place_len(const char *text)
{
	size_t len = text[0] == '{' ? strspn(text + 1, place_chars) : 0;
	return len > 0 && len <= SENTENCE_PLACE_MAX && text[len + 1] == '}' ? len + 2 : 0;
}

bool sentence_next(const char **at, struct sentence_piece *out)
{
	const char *text = *at;
	size_t len = place_len(text);

	out->text = text;
	out->place[0] = '\0';
	if (len > 0) {
		memcpy(out->place, text + 1, len - 2);
		out->place[len - 2] = '\0';
	} else if (*text) {
		len = 1 + strcspn(text + 1, "{");
	}
	out->len = len;
	*at = text + len;
	return len > 0;
}

/* A number at *at, which moves behind it; -1 when there is none. */
static int64_t number_read(const char **at)
{
	int64_t number = 0;
	size_t digits = strspn(*at, "0123456789");
	if (digits == 0 || digits > COUNT_DIGITS_MAX)
		return -1;
	for (; digits > 0; digits--, (*at)++)
		number = number * 10 + (**at - '0');
	return number;
}

/* A number or a range at *at, which moves behind it and its comma. */
static bool range_read(const char **at, int64_t *from, int64_t *to)
{
	*from = *to = number_read(at);
	if (*from >= 0 && **at == '-') {
		(*at)++;
		*to = number_read(at);
	}
	if (*from < 0 || *to < *from || (**at && **at != ','))
		return false;
	if (**at == ',' && !*++(*at))
		return false;
	return true;
}

static bool is_other(const char *selector)
{
	return strcmp(selector, "other") == 0;
}

bool sentence_is_selector(const char *selector)
{
	int64_t from, to;

	if (is_other(selector))
		return true;
	if (!*selector)
		return false;
	while (*selector) {
		if (!range_read(&selector, &from, &to))
			return false;
	}
	return true;
}

struct choice {
	int64_t count;
	const char *named;
	const char *other;
};

static void form_consider(const char *selector, struct json *form, void *context)
{
	struct choice *choice = context;
	int64_t from, to;

	if (is_other(selector))
		choice->other = json_as_text(form);
	else
		while (!choice->named && *selector && range_read(&selector, &from, &to))
			if (choice->count >= from && choice->count <= to)
				choice->named = json_as_text(form);
}

const char *sentence_form(const struct json *sentence, int64_t count)
{
	struct choice choice = { .count = count };

	if (json_is_text(sentence))
		return json_as_text(sentence);
	if (json_is_object(sentence))
		json_each(sentence, form_consider, &choice);
	const char *found = choice.named ? choice.named : choice.other;
	return found ? found : "";
}

struct place_search {
	const char *place; /* sought; NULL: one that the model does not have */
	const struct json *model;
	bool found;
	char other[SENTENCE_PLACE_MAX + 1];
};

static void form_search(const char *selector, struct json *form, void *context);

static void sentence_search(const struct json *sentence, struct place_search *search)
{
	if (json_is_object(sentence))
		json_each(sentence, form_search, search);
	else
		form_search(NULL, (struct json *)(uintptr_t)sentence, search);
}

static bool model_has(const struct json *model, const char *place)
{
	struct place_search search = { .place = place };
	sentence_search(model, &search);
	return search.found;
}

static void form_search(const char *selector, struct json *form, void *context)
{
	struct place_search *search = context;
	const char *at = json_as_text(form);
	struct sentence_piece piece;

	(void)selector;
	while (at && !search->found && sentence_next(&at, &piece)) {
		if (!piece.place[0])
			continue;
		search->found = search->place ? strcmp(piece.place, search->place) == 0
					      : !model_has(search->model, piece.place);
		memcpy(search->other, piece.place, sizeof piece.place);
	}
}

bool sentence_has_other_place(
	const struct json *sentence, const struct json *model, char place[SENTENCE_PLACE_MAX + 1])
{
	struct place_search search = { .model = model };

	sentence_search(sentence, &search);
	if (search.found)
		memcpy(place, search.other, sizeof search.other);
	return search.found;
}
