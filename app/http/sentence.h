/* A sentence of a language file: text with {places} for values, in one form or, where it counts
 * something, in several ({ "1": "{count} day", "other": "{count} days" }). */
#ifndef DOORWARD_HTTP_SENTENCE_H
#define DOORWARD_HTTP_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

enum { SENTENCE_PLACE_MAX = 31 };

/* Text as it is, or the place of a value. A brace that does not enclose a name of a-z and _ is
 * text. */
struct sentence_piece {
	const char *text; /* no NUL at the end */
	size_t len;
	char place[SENTENCE_PLACE_MAX + 1]; /* the name; "" when it is text */
};
/* The piece that starts at *at, which moves on; false at the end. */
bool sentence_next(const char **at, struct sentence_piece *out);

/* What selects a form: "other", or a list of numbers and ranges such as "2-4,22-24". */
bool sentence_is_selector(const char *selector);
/* The form for a count: the first whose selector names it, else "other", else "". A sentence of one
 * form is that. Borrowed. */
const char *sentence_form(const struct json *sentence, int64_t count);

/* The first place of `sentence`, in any of its forms, that no form of `model` has, copied to place.
 * False when there is none. */
bool sentence_has_other_place(
	const struct json *sentence, const struct json *model, char place[SENTENCE_PLACE_MAX + 1]);

#endif
