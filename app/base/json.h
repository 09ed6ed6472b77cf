/* JSON values (RFC 8259), by json-c. The only file that includes it.
 *
 * A struct json is counted by reference: what a function returns as "yours" ends with json_free;
 * json_set and json_add take over the value they are given. Numbers are integers. */
#ifndef DOORWARD_BASE_JSON_H
#define DOORWARD_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json;

struct json *json_new_object(void);
struct json *json_new_array(void);
/* Not functions of these names: libjansson (under libjwt) exports json_object and json_array, and
 * its callers would be bound to ours. */
#define json_object() json_new_object()
#define json_array() json_new_array()
struct json *json_text(const char *text);
struct json *json_text_len(const char *text, size_t len);
/* The parts of a comma list as an array of texts; empty parts are left out. */
struct json *json_text_list(const char *comma_list);
struct json *json_int(int64_t number);
struct json *json_bool(bool value);
/* Yours. NULL when the text is not exactly one JSON value, strict UTF-8, at most 32 deep;
 * nor when it contains \u0000, which would cut a name or a text short in C. */
struct json *json_parse(const char *text, size_t len);
/* The same; *wrong_at is, when NULL is returned, about where the text stops being JSON. */
struct json *json_parse_at(const char *text, size_t len, size_t *wrong_at);
void json_free(struct json *json);

/* Both take over value. Return the object or array, for building in one expression. */
struct json *json_set(struct json *object, const char *name, struct json *value);
struct json *json_add(struct json *array, struct json *value);

/* Borrowed; NULL when absent (or when json is no object / array). */
struct json *json_get(const struct json *object, const char *name);
struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array);
bool json_is_object(const struct json *json);
bool json_is_array(const struct json *json);
bool json_is_text(const struct json *json);
bool json_is_null(const struct json *json); /* also of a NULL pointer */
/* False, null, "", 0 and the empty array are false, as Mustache has it for sections. */
bool json_is_true(const struct json *json);
/* Text of a string, or of a number or bool as JSON writes it; NULL for others, and for a string
 * with a NUL inside. Borrowed. */
const char *json_as_text(const struct json *json);
int64_t json_as_int(const struct json *json, int64_t otherwise);

/* Compact text; '/' is not escaped. Whole, or the buffer has overflowed. */
void json_write(struct buf *out, const struct json *json);
/* The same text, borrowed from json and gone with it; where memory may be short, parts of it may be
 * missing. */
const char *json_format(struct json *json);
/* The same with indentation, for people. */
const char *json_format_pretty(struct json *json);

/* Walks the members of an object in order. */
typedef void json_visitor(const char *name, struct json *value, void *context);
void json_each(const struct json *object, json_visitor *visit, void *context);

#endif
