#include "http/language.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "english.h"
#include "http/accept.h"
#include "http/language_file.h"
#include "http/sentence.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ARENA_MAX_BYTES = 2 * LANGUAGE_MAX_FILES * LANGUAGE_FILE_MAX_BYTES,
	TAG_MAX = 35, /* RFC 5646 section 4.4.1 */
	SUBTAG_MAX = 8,
	SENTENCE_MAX_BYTES = 8 * 1024
};

static const char suffix[] = ".json";
static const char english_tag[] = "en";

struct language {
	const char *tag;
	struct json *text;
};

struct language_set {
	struct arena *arena;
	struct json *model; /* every key, with its English sentence */
	size_t count;
	struct language languages[LANGUAGE_MAX_FILES + 1]; /* English first */
};

static struct json *copied(struct json *value)
{
	if (json_is_text(value))
		return json_text(json_as_text(value));
	const char *text = json_format(value);
	return json_parse(text, strlen(text));
}

static void member_copy(const char *key, struct json *value, void *into)
{
	(void)json_set(into, key, copied(value));
}

static void member_copy_new(const char *key, struct json *value, void *into)
{
	if (!json_get(into, key))
		(void)json_set(into, key, copied(value));
}

/* As far as matters here: subtags of letters and digits, the first of letters. */
static bool is_tag(const char *tag)
{
	size_t len = strlen(tag);
	if (len > TAG_MAX || strspn(tag, "abcdefghijklmnopqrstuvwxyz") < 2)
		return false;
	for (const char *at = tag;; at++) {
		size_t part = 0;
		while (((at[part] | 0x20) >= 'a' && (at[part] | 0x20) <= 'z') ||
			(at != tag && at[part] >= '0' && at[part] <= '9'))
			part++;
		if (part == 0 || part > SUBTAG_MAX)
			return false;
		at += part;
		if (*at != '-')
			return *at == '\0';
	}
}

static struct language *language_add(struct language_set *set, const char *tag)
{
	struct language *language = &set->languages[set->count++];
	language->tag = tag;
	language->text = json_object();
	json_each(
		set->count > 1 ? set->languages[0].text : set->model, member_copy, language->text);
	return language;
}

/* Takes the sentences of a file over into a language: English, or a new one. */
static bool file_add(struct language_set *set, const char *dir, const char *file, struct buf *error)
{
	const char *tag = arena_strndup(set->arena, file, strlen(file) - strlen(suffix));
	bool is_english = strcmp(tag, english_tag) == 0;
	struct language_file source = {
		.dir = dir, .name = file, .model = set->model, .own_keys = is_english
	};

	if (set->count > LANGUAGE_MAX_FILES || !is_tag(tag)) {
		buf_printf(error, "%s: %s", file,
			is_tag(tag) ? "too many languages"
				    : "must be named as a language: de.json, pt-BR.json");
		return false;
	}
	struct json *given = language_file_load(&source, set->arena, error);
	if (!given)
		return false;
	struct language *into = is_english ? set->languages : language_add(set, tag);
	json_each(given, member_copy, into->text);
	if (is_english)
		json_each(given, member_copy_new, set->model);
	json_free(given);
	return true;
}

static int is_language_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > strlen(suffix) &&
	       strcmp(entry->d_name + len - strlen(suffix), suffix) == 0;
}

/* The English file comes first, since the others may have the keys that it adds. */
static int english_first(const struct dirent **a, const struct dirent **b)
{
	bool a_is = strcmp((*a)->d_name, "en.json") == 0,
	     b_is = strcmp((*b)->d_name, "en.json") == 0;
	return a_is == b_is ? strcmp((*a)->d_name, (*b)->d_name) : (int)b_is - (int)a_is;
}

static bool dir_add(struct language_set *set, const char *dir, struct buf *error)
{
	struct dirent **entries = NULL;
	bool ok = true;
	int count = scandir(dir, &entries, is_language_file, english_first);
	if (count < 0) {
		buf_printf(error, "languages in %s: %s", dir, strerror(errno));
		return false;
	}
	for (int i = 0; i < count; i++) {
		ok = ok && file_add(set, dir, entries[i]->d_name, error);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

struct language_set *language_set_load(const char *dir, char *error, size_t error_size)
{
	struct arena *arena = arena_new(ARENA_MAX_BYTES);
	struct language_set *set = arena_alloc(arena, sizeof *set);
	struct buf why;

	buf_init_fixed(&why, error, error_size);
	set->arena = arena;
	set->model = json_parse(english, strlen(english));
	if (!set->model)
		fatal("the built-in English is broken");
	language_add(set, english_tag);
	if (!*dir || dir_add(set, dir, &why))
		return set;
	language_set_free(set);
	return NULL;
}

void language_set_free(struct language_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		json_free(set->languages[i].text);
	json_free(set->model);
	arena_free(set->arena);
}

struct name_list {
	const char **names;
	size_t count;
	struct arena *arena;
};

static void name_add(const char *key, struct json *value, void *context)
{
	struct name_list *list = context;
	(void)value;
	list->names[list->count++] = arena_printf(list->arena, "text.%s", key);
}

static void key_count(const char *key, struct json *value, void *context)
{
	(void)key;
	(void)value;
	++*(size_t *)context;
}

const char *const *language_set_names(struct language_set *set, const char *const others[])
{
	struct name_list list = { .arena = set->arena };
	size_t keys = 0;

	json_each(set->model, key_count, &keys);
	while (others[list.count])
		list.count++;
	list.names = arena_alloc(set->arena, (list.count + keys + 1) * sizeof *list.names);
	memcpy(list.names, others, list.count * sizeof *others);
	json_each(set->model, name_add, &list);
	return list.names;
}

/* ---- which language ---- */

static const struct language *language_find(
	const struct language_set *set, const char *tag, size_t len)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *known = set->languages[i].tag;
		if (strlen(known) == len && strncasecmp(known, tag, len) == 0)
			return &set->languages[i];
	}
	return NULL;
}

/* The length of a range without its last subtag; 0 when it has one only. A single letter in front
 * of that goes with it (RFC 4647 section 3.4). */
static size_t range_shorten(const char *range, size_t len)
{
	while (len > 0 && range[len - 1] != '-')
		len--;
	len -= len > 0;
	if (len > 2 && range[len - 2] == '-')
		len -= 2;
	return len;
}

static const struct language *language_match(
	const struct language_set *set, const char *range, size_t len)
{
	for (size_t part = len; part > 0; part = range_shorten(range, part)) {
		const struct language *found = language_find(set, range, part);
		if (found)
			return found;
	}
	for (size_t i = 0; i < set->count; i++) {
		const char *tag = set->languages[i].tag;
		if (strncasecmp(tag, range, len) == 0 && tag[len] == '-')
			return &set->languages[i];
	}
	return NULL;
}

struct choosing {
	const struct language_set *set;
	const struct language *best;
	int weight;
};

/* The first of the heaviest that we have. */
static void range_consider(const char *range, size_t len, int weight, void *context)
{
	struct choosing *choosing = context;
	const struct language *found = NULL;

	if (weight > choosing->weight && len <= TAG_MAX)
		found = language_match(choosing->set, range, len);
	if (found) {
		choosing->best = found;
		choosing->weight = weight;
	}
}

const struct language *language_choose(const struct language_set *set, const char *accept)
{
	struct choosing choosing = { .set = set, .best = set->languages };

	if (accept)
		accept_each(accept, range_consider, &choosing);
	return choosing.best;
}

const char *language_tag(const struct language *language)
{
	return language->tag;
}

const struct json *language_text(const struct language *language)
{
	return language->text;
}

/* ---- what it says ---- */

static const char *value_of(const char *place, va_list pairs)
{
	const char *name = NULL;

	while ((name = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);
		if (strcmp(name, place) == 0)
			return value;
	}
	return NULL;
}

const char *language_say(const struct language *language, struct arena *arena, const char *key, ...)
{
	const char *at = json_as_text(json_get(language->text, key));
	struct sentence_piece piece;
	struct buf out;

	buf_init(&out, arena, SENTENCE_MAX_BYTES);
	while (at && sentence_next(&at, &piece)) {
		va_list pairs;
		va_start(pairs, key);
		const char *value = piece.place[0] ? value_of(piece.place, pairs) : NULL;
		va_end(pairs);
		if (value)
			buf_add_text(&out, value);
		else
			buf_add(&out, piece.text, piece.len);
	}
	return out.data;
}

const char *language_count(
	const struct language *language, struct arena *arena, const char *key, int64_t count)
{
	const char *at = sentence_form(json_get(language->text, key), count);
	struct sentence_piece piece;
	struct buf out;

	buf_init(&out, arena, SENTENCE_MAX_BYTES);
	while (sentence_next(&at, &piece)) {
		if (strcmp(piece.place, "count") == 0)
			buf_printf(&out, "%" PRId64, count);
		else
			buf_add(&out, piece.text, piece.len);
	}
	return out.data;
}
