/* A language file. A refused one is refused with a sentence that names it; in one that is taken
 * every key is known, every sentence has a form for every count, and every {place} is English's. */
#include "base/buf.h"
#include "base/json.h"
#include "english.h"
#include "fuzz/fuzz.h"
#include "http/language_file.h"
#include "http/sentence.h"

static struct json *model;

static void pieces(const char *text)
{
	struct sentence_piece piece;
	size_t len = 0;
	for (const char *at = text; sentence_next(&at, &piece);) {
		HOLDS(piece.text == text + len);
		HOLDS(strlen(piece.place) <= SENTENCE_PLACE_MAX);
		len += piece.len;
	}
	HOLDS(text[len] == '\0');
}

static void judge(const char *key, struct json *sentence, void *context)
{
	static const int64_t counts[] = { 0, 1, 2, 5, 11, 21, 102, INT64_MAX, -1 };
	char place[SENTENCE_PLACE_MAX + 1];
	const struct json *english_one = json_get(model, key);

	(void)context;
	HOLDS(english_one || strncmp(key, "own_", 4) == 0);
	HOLDS(!english_one || !sentence_has_other_place(sentence, english_one, place));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		pieces(sentence_form(sentence, counts[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file file;
	char storage[1024];
	struct buf error;

	fuzz_begin();
	if (!model)
		model = json_parse(english, strlen(english));
	fuzz_file_write(&file, data, size);
	buf_init_fixed(&error, storage, sizeof storage);
	struct language_file wanted = { .dir = "/proc/self/fd",
		.name = strrchr(file.path, '/') + 1,
		.model = model,
		.own_keys = true };
	struct json *json = language_file_load(&wanted, fuzz_arena, &error);
	HOLDS(json || strncmp(storage, wanted.name, strlen(wanted.name)) == 0);
	HOLDS(!json || error.len == 0);
	if (json)
		json_each(json, judge, NULL);
	json_free(json);
	return 0;
}
