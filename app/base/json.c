/* json-c's types json_object and json_bool share names with ours: its header comes first, with the
 * one renamed that ours declares as a function. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool

#include "base/json.h"

#include "base/encode.h"
#include "base/log.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

static struct json *of(struct json_object *object)
{
	return (struct json *)object;
}

static struct json_object *raw(struct json *json)
{
	return (struct json_object *)json;
}

static const struct json_object *raw_const(const struct json *json)
{
	return (const struct json_object *)json;
}

static struct json *made(struct json_object *object)
{
	if (!object)
		fatal("out of memory: a JSON value");
	return of(object);
}

struct json *json_new_object(void)
{
	return made(json_object_new_object());
}

struct json *json_new_array(void)
{
	return made(json_object_new_array());
}

struct json *json_text(const char *text)
{
	return json_text_len(text, strlen(text));
}

struct json *json_text_len(const char *text, size_t len)
{
	if (len > INT_MAX)
		fatal("a JSON text of %zu bytes", len);
	return made(json_object_new_string_len(text, (int)len));
}

struct json *json_int(int64_t number)
{
	return made(json_object_new_int64(number));
}

struct json *json_bool(bool value)
{
	return made(json_object_new_boolean(value));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of what stands outside strings json-c takes, even when strict: NaN, Infinity, names in single
 * quotes, a point without digits around it, zeros in front of a number. */
static bool is_bare_char_allowed(const char *text, size_t len, size_t at)
{
	char next = at + 1 < len ? text[at + 1] : '\0';
	if (text[at] == 'N' || text[at] == 'I' || text[at] == '\'')
		return false;
	if (text[at] == '.')
		return is_digit(next) && at > 0 && is_digit(text[at - 1]);
	if (text[at] != '0' || !is_digit(next))
		return true;
	size_t start = at > 0 && text[at - 1] == '-' ? at - 1 : at;
	return start > 0 && !strchr("[:, \t\r\n", text[start - 1]);
}

static bool is_ascii(const char *text, size_t len)
{
	size_t i = 0;
	while (i < len && (unsigned char)text[i] <= 0x7f)
		i++;
	return i == len;
}

/* In strings it takes bare control characters (RFC 8259 section 7), and \u0000, which in C would
 * cut a name short. */
static bool is_text_clean(const char *text, size_t len, size_t *wrong_at)
{
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		*wrong_at = i;
		if (text[i] == '\0' || (in_string && (unsigned char)text[i] < ' '))
			return false;
		if (!in_string && !is_bare_char_allowed(text, len, i))
			return false;
		if (text[i] == '"')
			in_string = !in_string;
		if (text[i] != '\\')
			continue;
		if (i + 1 < len && !is_ascii(text + i + 1, 1))
			return false;
		if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
			return false;
		i++;
	}
	return true;
}

static char *new_copy(size_t len)
{
	char *copy = malloc(len + 1);
	if (!copy)
		fatal("out of memory: JSON of %zu bytes", len);
	return copy;
}

/* The half of a surrogate pair that stands escaped at text (a \u and four digits), one of the 1024
 * from first on (0xd800 or 0xdc00); 0 if there is none. */
static unsigned surrogate_at(const char *text, const char *end, unsigned first)
{
	unsigned unit = 0;
	if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
		return 0;
	for (size_t i = 2; i < 6; i++) {
		int digit = encode_hex_value(text[i]);
		if (digit < 0)
			return 0;
		unit = unit << 4 | (unsigned)digit;
	}
	return (unit & 0xfc00) == first ? unit : 0;
}

/* Four bytes of UTF-8 for a character beyond the first 65536 (RFC 3629 section 3). */
static char *put_char(char *out, unsigned codepoint)
{
	*out++ = (char)(0xf0 | codepoint >> 18);
	for (int shift = 12; shift >= 0; shift -= 6)
		*out++ = (char)(0x80 | (codepoint >> shift & 0x3f));
	return out;
}

/* A copy in which each escaped surrogate pair (RFC 8259 section 7) is the character it means:
 * json-c takes a pair of U+1D800 to U+1DFFF, and of the same in each plane, for halves without a
 * partner. */
static char *without_pairs(const char *text, size_t len)
{
	const char *end = text + len;
	char *copy = new_copy(len), *out = copy;

	while (text < end) {
		unsigned high = surrogate_at(text, end, 0xd800);
		unsigned low = high ? surrogate_at(text + 6, end, 0xdc00) : 0;
		if (low) {
			out = put_char(out, 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
			text += 12;
			continue;
		}
		if (*text == '\\' && end - text > 1)
			*out++ = *text++;
		*out++ = *text++;
	}
	*out = '\0';
	return copy;
}

/* A copy with an x for each byte beyond ASCII: what is JSON in one is JSON in the other. json-c
 * 0.18, when strict, takes such bytes in a string for control characters. */
static char *ascii_copy(const char *text, size_t len)
{
	char *copy = new_copy(len);

	for (size_t i = 0; i < len; i++)
		copy[i] = is_ascii(text + i, 1) ? text[i] : 'x';
	copy[len] = '\0';
	return copy;
}

/* Takes over and frees the text. */
static struct json_object *read_whole(char *text, size_t len, int flags, size_t *end)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!tokener)
		fatal("out of memory: a JSON parser");
	json_tokener_set_flags(tokener, flags);
	struct json_object *object = json_tokener_parse_ex(tokener, text, (int)len);
	*end = json_tokener_get_parse_end(tokener);
	/* A number has no end of its own: the NUL tells json-c that nothing follows. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		object = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	free(text);
	return object;
}

struct json *json_parse(const char *text, size_t len)
{
	size_t wrong_at = 0;
	return json_parse_at(text, len, &wrong_at);
}

/* Read twice: a strict reading judges what is JSON, another one reads what it says. */
struct json *json_parse_at(const char *text, size_t len, size_t *wrong_at)
{
	/* json-c's own check of UTF-8 lets overlong forms and surrogates through. */
	*wrong_at = 0;
	if (len > INT_MAX || !encode_is_utf8(text, len) || !is_text_clean(text, len, wrong_at))
		return NULL;
	struct json_object *judged =
		read_whole(ascii_copy(text, len), len, JSON_TOKENER_STRICT, wrong_at);
	/* "null" is an object of NULL to json-c, and refused. */
	if (!judged)
		return NULL;
	json_object_put(judged);
	char *readable = without_pairs(text, len);
	return of(read_whole(readable, strlen(readable), 0, wrong_at));
}

void json_free(struct json *json)
{
	json_object_put(raw(json));
}

struct json *json_set(struct json *object, const char *name, struct json *value)
{
	if (json_object_object_add(raw(object), name, raw(value)) != 0)
		fatal("out of memory: the JSON member %s", name);
	return object;
}

struct json *json_add(struct json *array, struct json *value)
{
	if (json_object_array_add(raw(array), raw(value)) != 0)
		fatal("out of memory: a JSON array");
	return array;
}

static bool is_type(const struct json *json, enum json_type type)
{
	return json && json_object_is_type(raw_const(json), type);
}

struct json *json_get(const struct json *object, const char *name)
{
	struct json_object *value = NULL;
	if (is_type(object, json_type_object))
		json_object_object_get_ex(raw_const(object), name, &value);
	return of(value);
}

struct json *json_at(const struct json *array, size_t index)
{
	if (!is_type(array, json_type_array))
		return NULL;
	return of(json_object_array_get_idx(raw_const(array), index));
}

size_t json_count(const struct json *array)
{
	return is_type(array, json_type_array) ? json_object_array_length(raw_const(array)) : 0;
}

bool json_is_object(const struct json *json)
{
	return is_type(json, json_type_object);
}

bool json_is_array(const struct json *json)
{
	return is_type(json, json_type_array);
}

bool json_is_text(const struct json *json)
{
	return is_type(json, json_type_string);
}

bool json_is_null(const struct json *json)
{
	return !json || json_object_is_type(raw_const(json), json_type_null);
}

bool json_is_true(const struct json *json)
{
	switch (json_object_get_type(raw_const(json))) {
	case json_type_null:
		return false;
	case json_type_boolean:
		return json_object_get_boolean(raw_const(json));
	case json_type_double:
		return json_object_get_double(raw_const(json)) != 0;
	case json_type_int:
		return json_object_get_int64(raw_const(json)) != 0;
	case json_type_object:
		return true;
	case json_type_array:
		return json_count(json) > 0;
	case json_type_string:
		return json_object_get_string_len(raw_const(json)) > 0;
	}
	return false;
}

const char *json_as_text(const struct json *json)
{
	if (json_is_null(json) || json_is_object(json) || json_is_array(json))
		return NULL;
	/* json-c wants it writable: it keeps the text of a number in the object. */
	const char *text = json_object_get_string((struct json_object *)(uintptr_t)json);
	/* A NUL inside would make one name look like another. */
	if (json_is_text(json) &&
		strlen(text) != (size_t)json_object_get_string_len(raw_const(json)))
		return NULL;
	return text;
}

int64_t json_as_int(const struct json *json, int64_t otherwise)
{
	if (!is_type(json, json_type_int))
		return otherwise;
	/* json-c keeps what is past INT64_MAX as unsigned and would hand out INT64_MAX; INT64_MIN
	 * stands for all that is below it. */
	int64_t number = json_object_get_int64(raw_const(json));
	if (number == INT64_MIN ||
		(number > 0 && json_object_get_uint64(raw_const(json)) > INT64_MAX))
		return otherwise;
	return number;
}

static const char *format(struct json *json, int flags)
{
	const char *text = json_object_to_json_string_ext(raw(json), flags);
	if (!text)
		fatal("out of memory: JSON as text");
	return text;
}

const char *json_format(struct json *json)
{
	return format(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

const char *json_format_pretty(struct json *json)
{
	return format(json,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
}

void json_each(const struct json *object, json_visitor *visit, void *context)
{
	if (!is_type(object, json_type_object))
		return;
	const struct lh_table *members = json_object_get_object(raw_const(object));
	for (const struct lh_entry *entry = members->head; entry; entry = entry->next)
		visit(entry->k, (struct json *)(uintptr_t)entry->v, context);
}

struct json *json_text_list(const char *comma_list)
{
	struct json *list = json_array();

	while (*comma_list) {
		size_t len = strcspn(comma_list, ",");

		if (len > 0)
			json_add(list, json_text_len(comma_list, len));
		comma_list += len + (comma_list[len] == ',');
	}
	return list;
}
