#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *buf, struct arena *arena, size_t max_bytes)
{
	size_t capacity = max_bytes < FIRST_BYTES ? max_bytes + 1 : FIRST_BYTES;
	*buf = (struct buf){ .data = arena_alloc(arena, capacity),
		.capacity = capacity,
		.max_bytes = max_bytes,
		.arena = arena };
}

void buf_init_fixed(struct buf *buf, char *storage, size_t size_bytes)
{
	*buf = (struct buf){ .data = storage, .capacity = size_bytes, .max_bytes = size_bytes - 1 };
	storage[0] = '\0';
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->overflowed = false;
	buf->data[0] = '\0';
}

bool buf_ok(const struct buf *buf)
{
	return !buf->overflowed;
}

static void grow(struct buf *buf, size_t len_wanted)
{
	size_t capacity = buf->capacity;
	while (capacity <= len_wanted)
		capacity *= 2;
	if (capacity > buf->max_bytes + 1)
		capacity = buf->max_bytes + 1;
	char *data = arena_alloc(buf->arena, capacity);
	memcpy(data, buf->data, buf->len);
	buf->data = data;
	buf->capacity = capacity;
}

/* After the first piece that does not fit nothing is added any more: what is there is always a
 * beginning of what was meant, never a text with a hole in it. */
static bool make_room(struct buf *buf, size_t len)
{
	if (buf->overflowed || len > buf->max_bytes - buf->len) {
		buf->overflowed = true;
		return false;
	}
	if (buf->len + len >= buf->capacity)
		grow(buf, buf->len + len);
	return true;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (len == 0 || !make_room(buf, len))
		return;
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

char *buf_extend(struct buf *buf, size_t len)
{
	if (!make_room(buf, len))
		return NULL;
	buf->len += len;
	buf->data[buf->len] = '\0';
	return buf->data + buf->len - len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		buf->overflowed = true;
	else if (make_room(buf, (size_t)len))
		buf->len += (size_t)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
	va_end(again);
}
