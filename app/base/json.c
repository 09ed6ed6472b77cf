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
 * quotes, a point without digits behind it, zeros in front of a number. */
static bool is_bare_char_allowed(const char *text, size_t len, size_t at)
{
	char next = at + 1 < len ? text[at + 1] : '\0';
	if (text[at] == 'N' || text[at] == 'I' || text[at] == '\'')
		return false;
	if (text[at] == '.')
		return is_digit(next);
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

static char *put_unit(char *out, unsigned unit)
{
	static const char digits[] = "0123456789abcdef";
	*out++ = '\\';
	*out++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*out++ = digits[unit >> shift & 15];
	return out;
}

/* A character beyond ASCII as JSON's escape: one or two UTF-16 units (RFC 8259 section 7). */
static char *put_escape(char *out, unsigned codepoint)
{
	if (codepoint <= 0xffff)
		return put_unit(out, codepoint);
	out = put_unit(out, 0xd800 + ((codepoint - 0x10000) >> 10));
	return put_unit(out, 0xdc00 + ((codepoint - 0x10000) & 0x3ff));
}

/* json-c 0.18, when strict, takes bytes above 0x7f in a string for control characters: it gets
 * every such character escaped. source[i]: where in the text the place i of the escaped one was. */
struct escaped {
	char *text;
	uint32_t *source;
	size_t len;
};

static struct escaped escape(const char *text, size_t len)
{
	/* Two bytes become six at most. */
	struct escaped out = { .text = malloc(3 * len + 1),
		.source = malloc((3 * len + 1) * sizeof(*out.source)) };
	if (!out.text || !out.source)
		fatal("out of memory: JSON of %zu bytes", len);
	for (size_t at = 0, step; at < len; at += step) {
		char *start = out.text + out.len, *end = start;
		step = encode_char_len(text + at, len - at);
		if (step > 1)
			end = put_escape(end, encode_codepoint(text + at, step));
		else
			*end++ = text[at];
		for (; start < end; start++)
			out.source[out.len++] = (uint32_t)at;
	}
	out.text[out.len] = '\0';
	out.source[out.len] = (uint32_t)len;
	return out;
}

struct json *json_parse(const char *text, size_t len)
{
	size_t wrong_at = 0;
	return json_parse_at(text, len, &wrong_at);
}

struct json *json_parse_at(const char *text, size_t len, size_t *wrong_at)
{
	struct json_tokener *tokener = NULL;
	struct json_object *object = NULL;
	struct escaped escaped = { NULL, NULL, 0 };

	/* json-c's own check of UTF-8 lets overlong forms and surrogates through. */
	*wrong_at = 0;
	if (len > INT_MAX / 3 || !encode_is_utf8(text, len) || !is_text_clean(text, len, wrong_at))
		return NULL;
	tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!tokener)
		fatal("out of memory: a JSON parser");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	if (!is_ascii(text, len))
		escaped = escape(text, len);
	object = escaped.text ? json_tokener_parse_ex(tokener, escaped.text, (int)escaped.len)
			      : json_tokener_parse_ex(tokener, text, (int)len);
	*wrong_at = json_tokener_get_parse_end(tokener);
	if (escaped.source)
		*wrong_at = escaped.source[*wrong_at];
	/* A number has no end of its own: the NUL tells json-c that nothing follows. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		object = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	free(escaped.text);
	free(escaped.source);
	return of(object);
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
	/* json-c keeps what is past INT64_MAX as unsigned and would hand out INT64_MAX. */
	if (json_object_get_int64(raw_const(json)) > 0 &&
		json_object_get_uint64(raw_const(json)) > INT64_MAX)
		return otherwise;
	return json_object_get_int64(raw_const(json));
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
