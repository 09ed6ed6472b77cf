/* The languages of the pages: files of sentences, and which of them a browser asks for.
 *
 * TAG.json (de.json, pt-BR.json) in the directory of the setting is one object: key -> sentence
 * (sentence.h). English is built in, from languages/en.json: it is what all keys are compared with,
 * what stands in for a sentence that a language does not have, and there without any file. An
 * en.json of the directory changes its sentences, and may add keys of the site's own templates,
 * which begin with "own_". A set is const once made: any number of threads may read it. */
#ifndef DOORWARD_HTTP_LANGUAGE_H
#define DOORWARD_HTTP_LANGUAGE_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;
struct language;
struct language_set;

enum { LANGUAGE_MAX_FILES = 100 };

/* dir "": English alone. Yours. NULL, with a sentence in error, when a file cannot be read, is not
 * named as a language tag, is no such object, or has a key or a {place} that English does not have
 * ("de.json: unknown key sign_inn; did you mean sign_in?"). */
struct language_set *language_set_load(const char *dir, char *error, size_t error_size);
/* language_set_free(NULL) does nothing. */
void language_set_free(struct language_set *set);
/* `others` (NULL at the end) and "text.KEY" for each key, NULL at the end: for template_set_load.
 * The array belongs to the set. */
const char *const *language_set_names(struct language_set *set, const char *const others[]);

/* By Accept-Language (RFC 9110 section 12.5.4; NULL: none), each range looked up as RFC 4647
 * section 3.4 says (de-AT, then de), or else as the beginning of a tag (zh finds zh-Hans). English
 * when nothing fits. */
const struct language *language_choose(const struct language_set *set, const char *accept);

const char *language_tag(const struct language *language);
/* All sentences by key: what templates know as text. */
const struct json *language_text(const struct language *language);

/* The sentence of that key with values in its places: pairs of place and value, NULL at the end. In
 * the arena; "" when there is no such key. */
const char *language_say(const struct language *language, struct arena *arena, const char *key, ...)
	__attribute__((sentinel));
/* The same with its form for count, which stands at {count}. */
const char *language_count(
	const struct language *language, struct arena *arena, const char *key, int64_t count);

#endif
