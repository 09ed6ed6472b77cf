#include "store/mirror_bytes.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

enum { MIRROR_DEPTH = 2 };

struct mirror_writer {
	char *at;
	size_t left;
	bool failed;
};

static void mirror_write(struct mirror_writer *out, const void *bytes, size_t len)
{
	if (out->failed || len > out->left) {
		out->failed = true;
		return;
	}
	memcpy(out->at, bytes, len);
	out->at += len;
	out->left -= len;
}

static void mirror_bytes_add(struct mirror_writer *out, const struct store_value *value, int depth)
{
	char type = (char)value->type;
	uint32_t len = (uint32_t)(value->type == STORE_LIST ? value->count : value->len);

	mirror_write(out, &type, 1);
	switch (value->type) {
	case STORE_NIL:
		return;
	case STORE_INT:
		mirror_write(out, &value->integer, sizeof value->integer);
		return;
	case STORE_TEXT:
		mirror_write(out, &len, sizeof len);
		mirror_write(out, value->text, value->len);
		mirror_write(out, "", 1);
		return;
	case STORE_LIST:
		mirror_write(out, &len, sizeof len);
		out->failed |= depth >= MIRROR_DEPTH;
		for (size_t i = 0; i < value->count && !out->failed; i++)
			mirror_bytes_add(out, &value->item[i], depth + 1);
		return;
	}
}

static uint32_t mirror_get_len(const char **at)
{
	uint32_t len;

	memcpy(&len, *at, sizeof len);
	*at += sizeof len;
	return len;
}

const char *mirror_bytes_get(struct arena *arena, const char *at, struct store_value *out)
{
	struct store_value *items;

	*out = (struct store_value){ .type = (enum store_type) * at++, .text = "" };
	switch (out->type) {
	case STORE_NIL:
		return at;
	case STORE_INT:
		memcpy(&out->integer, at, sizeof out->integer);
		return at + sizeof out->integer;
	case STORE_TEXT:
		out->len = mirror_get_len(&at);
		out->text = at;
		return at + out->len + 1;
	case STORE_LIST:
		out->count = mirror_get_len(&at);
		out->item = items = arena_alloc(arena, (out->count + 1) * sizeof *items);
		for (size_t i = 0; i < out->count; i++)
			at = mirror_bytes_get(arena, at, &items[i]);
		return at;
	}
	return at;
}

size_t mirror_bytes_put(char *out, size_t size, const struct store_value *values, size_t count)
{
	struct mirror_writer writer = { .at = out, .left = size };

	for (size_t i = 0; i < count; i++)
		mirror_bytes_add(&writer, &values[i], 0);
	return writer.failed ? 0 : (size_t)(writer.at - out);
}

bool mirror_bytes_is_nothing(const struct store_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		switch (values[i].type) {
		case STORE_NIL:
			break;
		case STORE_TEXT:
			return false;
		case STORE_INT:
			if (values[i].integer != 0)
				return false;
			break;
		case STORE_LIST:
			if (!mirror_bytes_is_nothing(values[i].item, values[i].count))
				return false;
			break;
		}
	return true;
}
