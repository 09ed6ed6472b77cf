#include "http/form.h"

#include "base/arena.h"
#include "base/encode.h"
#include "http/url.h"

#include <string.h>
#include <strings.h>

/* out needs len bytes. Returns the length of the decoded text. */
static size_t decode(char *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		out[i] = text[i];
		if (text[i] == '+')
			out[i] = ' ';
	}
	return url_decode(out, out, len);
}

static struct form_field *find_field(
	struct form_field *fields, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
			return &fields[i];
	}
	return NULL;
}

static enum form_result take_value(
	struct arena *arena, struct form_field *field, const char *decoded, size_t len)
{
	if (field->value)
		return FORM_DUPLICATE;
	if (len > field->max_bytes)
		return FORM_TOO_LONG;
	if (!encode_is_utf8(decoded, len))
		return FORM_MALFORMED;
	char *value = arena_alloc(arena, len + 1);
	memcpy(value, decoded, len);
	field->value = value;
	field->len = len;
	return FORM_OK;
}

enum form_result form_read(
	struct arena *arena, const char *text, size_t len, struct form_field *fields, size_t count)
{
	char *scratch = arena_alloc(arena, len + 1);
	const char *end = text + len;
	for (size_t i = 0; i < count; i++) {
		fields[i].value = NULL;
		fields[i].len = 0;
	}
	while (text < end) {
		const char *pair = text;
		const char *pair_end = memchr(pair, '&', (size_t)(end - pair));
		pair_end = pair_end ? pair_end : end;
		text = pair_end + 1;
		const char *equals = memchr(pair, '=', (size_t)(pair_end - pair));
		const char *name_end = equals ? equals : pair_end;
		size_t name_len = decode(scratch, pair, (size_t)(name_end - pair));
		struct form_field *field = find_field(fields, count, scratch, name_len);
		if (!field || pair == pair_end)
			continue;
		const char *value = equals ? equals + 1 : pair_end;
		size_t value_len = decode(scratch, value, (size_t)(pair_end - value));
		enum form_result result = take_value(arena, field, scratch, value_len);
		if (result != FORM_OK)
			return result;
	}
	return FORM_OK;
}

bool form_is_content_type(const char *content_type)
{
	static const char type[] = "application/x-www-form-urlencoded";
	size_t len = sizeof(type) - 1;
	if (!content_type || strncasecmp(content_type, type, len) != 0)
		return false;
	content_type += len;
	content_type += strspn(content_type, " \t");
	return *content_type == '\0' || *content_type == ';';
}
