/* json-c's own writer loses parts when memory is short, and says nothing. */
#include "base/json.h"

#include "base/buf.h"

#include <string.h>

struct members {
	struct buf *out;
	bool any;
};

static void write_escape(struct buf *out, unsigned char c)
{
	static const char plain[] = "\"\\\b\t\n\f\r", letter[] = "\"\\btnfr";
	const char *found = c ? strchr(plain, c) : NULL;
	if (found)
		buf_printf(out, "\\%c", letter[found - plain]);
	else
		buf_printf(out, "\\u%04x", c);
}

/* Whole stretches at a time. */
static void write_text(struct buf *out, const char *text)
{
	const char *from = text, *at = text;
	buf_add_char(out, '"');
	for (; *at; at++) {
		if ((unsigned char)*at >= ' ' && *at != '"' && *at != '\\')
			continue;
		buf_add(out, from, (size_t)(at - from));
		write_escape(out, (unsigned char)*at);
		from = at + 1;
	}
	buf_add(out, from, (size_t)(at - from));
	buf_add_char(out, '"');
}

static void write_member(const char *name, struct json *value, void *context)
{
	struct members *members = context;
	if (members->any)
		buf_add_char(members->out, ',');
	members->any = true;
	write_text(members->out, name);
	buf_add_char(members->out, ':');
	json_write(members->out, value);
}

static void write_object(struct buf *out, const struct json *json)
{
	struct members members = { .out = out };
	buf_add_char(out, '{');
	json_each(json, write_member, &members);
	buf_add_char(out, '}');
}

static void write_array(struct buf *out, const struct json *json)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < json_count(json); i++) {
		if (i > 0)
			buf_add_char(out, ',');
		json_write(out, json_at(json, i));
	}
	buf_add_char(out, ']');
}

void json_write(struct buf *out, const struct json *json)
{
	const char *text = NULL;
	if (json_is_object(json))
		write_object(out, json);
	else if (json_is_array(json))
		write_array(out, json);
	else if (json_is_null(json))
		buf_add_text(out, "null");
	else if (!(text = json_as_text(json)))
		out->overflowed = true; /* no memory for the text of a number */
	else if (json_is_text(json))
		write_text(out, text);
	else
		buf_add_text(out, text);
}
