/* Text or bytes being built, with a maximum from birth.
 *
 * What would go past the maximum is dropped and `overflowed` stays set: build everything, look
 * once at the end with buf_ok. data always ends in a NUL that len does not count. */
#ifndef DOORWARD_BASE_BUF_H
#define DOORWARD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t max_bytes;
	struct arena *arena; /* NULL: data is the caller's fixed storage */
	bool overflowed;
};

/* Grows out of the arena up to max_bytes (the NUL not counted). */
void buf_init(struct buf *buf, struct arena *arena, size_t max_bytes);
/* Uses storage of size_bytes (> 0), the NUL included. */
void buf_init_fixed(struct buf *buf, char *storage, size_t size_bytes);
void buf_clear(struct buf *buf);
bool buf_ok(const struct buf *buf);

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
/* Room for len bytes at the end, which the caller fills; NULL when they do not fit. */
char *buf_extend(struct buf *buf, size_t len);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
