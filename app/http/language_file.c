#include "http/language_file.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/nearest.h"
#include "http/sentence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char own_prefix[] = "own_";

/* Of a name in an error; a longer one would leave no room for what is wrong with it. */
enum { KEY_SHOWN_MAX_BYTES = 80 };

struct checking {
	const struct json *model;
	const char *file;
	const char *key; /* of the forms being looked at */
	bool own_keys; /* may it add some? */
	bool has_other;
	bool ok;
	struct arena *arena;
	struct buf *error;
};

struct nearest {
	const char *key; /* which is unknown */
	const char *name;
	size_t distance;
};

static void key_compare(const char *key, struct json *value, void *context)
{
	struct nearest *nearest = context;
	size_t distance = nearest_distance(nearest->key, key);
	(void)value;
	if (distance < nearest->distance) {
		nearest->name = key;
		nearest->distance = distance;
	}
}

static void refuse(struct checking *checking, const char *what)
{
	buf_printf(checking->error, "%s: %.*s: %s", checking->file, KEY_SHOWN_MAX_BYTES,
		checking->key, what);
	checking->ok = false;
}

static void refuse_key(struct checking *checking)
{
	struct nearest nearest = { checking->key, NULL, nearest_too_far(checking->key) };

	json_each(checking->model, key_compare, &nearest);
	buf_printf(checking->error, "%s: unknown key %.*s", checking->file, KEY_SHOWN_MAX_BYTES,
		checking->key);
	if (nearest.name)
		buf_printf(checking->error, "; did you mean %s?", nearest.name);
	checking->ok = false;
}

static void form_check(const char *selector, struct json *form, void *context)
{
	struct checking *checking = context;
	if (!checking->ok)
		return;
	checking->has_other |= strcmp(selector, "other") == 0;
	if (!sentence_is_selector(selector))
		refuse(checking, "a form is chosen by other, or by numbers such as 1 or 2-4,22-24");
	else if (!json_is_text(form))
		refuse(checking, "a form must be a sentence");
}

static void value_check(struct checking *checking, struct json *value, const struct json *model)
{
	char place[SENTENCE_PLACE_MAX + 1];

	if (json_is_object(value) && json_is_object(model)) {
		checking->has_other = false;
		json_each(value, form_check, checking);
		if (checking->ok && !checking->has_other)
			refuse(checking, "the form other is missing");
	} else if (!json_is_text(value)) {
		refuse(checking, "must be a sentence");
	} else if (strcmp(checking->key, "direction") == 0 &&
		   strcmp(json_as_text(value), "ltr") != 0 &&
		   strcmp(json_as_text(value), "rtl") != 0) {
		refuse(checking, "must be ltr or rtl");
	}
	if (checking->ok && sentence_has_other_place(value, model, place))
		refuse(checking,
			arena_printf(checking->arena, "there is no {%s} in this sentence", place));
}

static void member_check(const char *key, struct json *value, void *context)
{
	struct checking *checking = context;
	const struct json *model = json_get(checking->model, key);

	if (!checking->ok)
		return;
	checking->key = key;
	if (!model && checking->own_keys && strncmp(key, own_prefix, strlen(own_prefix)) == 0)
		model = value;
	if (model)
		value_check(checking, value, model);
	else
		refuse_key(checking);
}

static int line_of(const char *text, size_t position)
{
	int line = 1;
	for (size_t i = 0; i < position; i++)
		line += text[i] == '\n';
	return line;
}

static struct json *text_parse(const char *file, const char *text, size_t len, struct buf *error)
{
	size_t wrong_at = 0;
	if (!encode_is_utf8(text, len)) {
		buf_printf(error, "%s: not UTF-8", file);
		return NULL;
	}
	struct json *json = json_parse_at(text, len, &wrong_at);
	if (json_is_object(json))
		return json;
	if (json)
		buf_printf(error, "%s: must be an object of keys and sentences", file);
	else
		buf_printf(error, "%s:%d: not JSON", file, line_of(text, wrong_at));
	json_free(json);
	return NULL;
}

struct json *language_file_load(
	const struct language_file *file, struct arena *arena, struct buf *error)
{
	char *text = arena_alloc(arena, LANGUAGE_FILE_MAX_BYTES + 1);
	FILE *stream = fopen(arena_printf(arena, "%s/%s", file->dir, file->name), "re");
	size_t len = stream ? fread(text, 1, LANGUAGE_FILE_MAX_BYTES + 1, stream) : 0;
	struct json *json = NULL;
	struct checking checking = { .model = file->model,
		.file = file->name,
		.own_keys = file->own_keys,
		.ok = true,
		.arena = arena,
		.error = error };

	if (!stream || ferror(stream))
		buf_printf(error, "%s: %s", file->name, strerror(errno));
	else if (len > LANGUAGE_FILE_MAX_BYTES)
		buf_printf(error, "%s: longer than %d bytes", file->name, LANGUAGE_FILE_MAX_BYTES);
	else
		json = text_parse(file->name, text, len, error);
	if (stream)
		(void)fclose(stream);
	if (json)
		json_each(json, member_check, &checking);
	if (checking.ok)
		return json;
	json_free(json);
	return NULL;
}
