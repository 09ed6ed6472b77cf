/* The memory of one request (or of one load of the settings): many small allocations, one wipe.
 *
 * Everything handed out belongs to the arena and lives until arena_reset or arena_free; nothing is
 * freed by itself. Reset overwrites what was used, so that passwords and tokens do not outlive
 * their request. No call returns NULL: running past max_bytes, or out of memory, is fatal() (inputs
 * are bounded long before, so it is a broken invariant). Not for use by two threads at once. */
#ifndef DOORWARD_BASE_ARENA_H
#define DOORWARD_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct arena *arena_new(size_t max_bytes);
/* arena_free(NULL) does nothing. */
void arena_free(struct arena *arena);
/* Wipes what was used; keeps the first block, so that a steady state allocates nothing. */
void arena_reset(struct arena *arena);
size_t arena_used_bytes(const struct arena *arena);
/* What may still be asked for; for text whose length a stranger decides. */
size_t arena_left_bytes(const struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size_bytes);
/* Copies of text, NUL at the end. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
/* The texts one after the other, up to a NULL; and a number: what a check builds costs no printf.
 */
char *arena_join(struct arena *arena, const char *first, ...) __attribute__((sentinel));
char *arena_int(struct arena *arena, int64_t number);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
