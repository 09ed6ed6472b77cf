#include "base/arena.h"

#include "base/crypto.h"
#include "base/log.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer everything not handed out is poisoned, so that an overrun from one
 * allocation into the next and a use after arena_reset are reported. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
static const size_t gap_bytes = 16;
#else
#define ASAN_POISON_MEMORY_REGION(start, len) ((void)(start), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(start, len) ((void)(start), (void)(len))
static const size_t gap_bytes = 0;
#endif

enum { FIRST_BLOCK_BYTES = 16384, ALIGNMENT = alignof(max_align_t), JOIN_MAX = 16 };

struct block {
	struct block *older;
	size_t capacity_bytes;
	size_t used_bytes;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *newest;
	size_t max_bytes;
	size_t used_bytes; /* as asked for, over all blocks */
};

static struct block *block_new(size_t capacity_bytes, struct block *older)
{
	/* All that is not handed out is zero: at first, and again when it was wiped. */
	struct block *block = calloc(1, sizeof(*block) + capacity_bytes);
	if (!block)
		fatal("out of memory: a block of %zu bytes", capacity_bytes);
	block->older = older;
	block->capacity_bytes = capacity_bytes;
	ASAN_POISON_MEMORY_REGION(block->bytes, capacity_bytes);
	return block;
}

static void block_wipe(struct block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->capacity_bytes);
	crypto_wipe(block->bytes, block->used_bytes);
	block->used_bytes = 0;
	ASAN_POISON_MEMORY_REGION(block->bytes, block->capacity_bytes);
}

static void block_free(struct block *block)
{
	block_wipe(block);
	ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->capacity_bytes);
	free(block);
}

struct arena *arena_new(size_t max_bytes)
{
	struct arena *arena = malloc(sizeof(*arena));
	if (!arena)
		fatal("out of memory: an arena");
	arena->newest = block_new(FIRST_BLOCK_BYTES, NULL);
	arena->max_bytes = max_bytes;
	arena->used_bytes = 0;
	return arena;
}

void arena_reset(struct arena *arena)
{
	while (arena->newest->older) {
		struct block *older = arena->newest->older;
		block_free(arena->newest);
		arena->newest = older;
	}
	block_wipe(arena->newest);
	arena->used_bytes = 0;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	block_free(arena->newest);
	free(arena);
}

size_t arena_used_bytes(const struct arena *arena)
{
	return arena->used_bytes;
}

size_t arena_left_bytes(const struct arena *arena)
{
	return arena->max_bytes - arena->used_bytes;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
	if (size_bytes > arena->max_bytes - arena->used_bytes || size_bytes > SIZE_MAX / 4)
		fatal("an arena of %zu bytes is full: %zu more wanted", arena->max_bytes,
			size_bytes);

	/* Rounded up, so that the next one is aligned again; never 0, so that each has its own
	 * address. */
	size_t step = (size_bytes + gap_bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
	struct block *block = arena->newest;
	if (step > block->capacity_bytes - block->used_bytes) {
		size_t doubled = block->capacity_bytes * 2;
		block = block_new(step > doubled ? step : doubled, block);
		arena->newest = block;
	}
	unsigned char *start = block->bytes + block->used_bytes;
	block->used_bytes += step;
	arena->used_bytes += size_bytes;
	ASAN_UNPOISON_MEMORY_REGION(start, size_bytes);
	return start;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);
	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}

char *arena_join(struct arena *arena, const char *first, ...)
{
	size_t len = 0, lens[JOIN_MAX], count = 0;
	va_list args, again;
	va_start(args, first);
	va_copy(again, args);
	for (const char *text = first; text; text = va_arg(args, const char *)) {
		if (count == JOIN_MAX)
			fatal("more than %d texts to join", JOIN_MAX);
		len += lens[count++] = strlen(text);
	}
	va_end(args);
	char *joined = arena_alloc(arena, len + 1), *end = joined;
	const char *text = first;
	for (size_t i = 0; i < count; text = va_arg(again, const char *))
		end = mempcpy(end, text, lens[i++]);
	va_end(again);
	return joined;
}

char *arena_int(struct arena *arena, int64_t number)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--at = '-';
	return arena_strndup(arena, at, (size_t)(digits + sizeof(digits) - at));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		fatal("vsnprintf of \"%s\" failed", format);
	char *text = arena_alloc(arena, (size_t)len + 1);
	(void)vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}
