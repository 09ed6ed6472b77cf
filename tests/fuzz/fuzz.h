/* What the fuzz targets share. A target is one program: it is given bytes that a stranger chose,
 * hands them to one parser, and says by HOLDS what must be true of the outcome. Built with clang it
 * searches by itself (make fuzz); built with replay.c it repeats its corpus (make test). */
#ifndef DOORWARD_TESTS_FUZZ_H
#define DOORWARD_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program: to the fuzzer a broken promise is a crash. */
#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* One arena for all inputs, emptied before each. Logs go nowhere. */
static struct arena *fuzz_arena;

static inline void fuzz_begin(void)
{
	if (!fuzz_arena) {
		fuzz_arena = arena_new(64 * 1024 * 1024);
		(void)log_open("/dev/null", LOG_FORMAT_JSON, LOG_LEVEL_ERROR);
	}
	arena_reset(fuzz_arena);
}

/* The bytes in memory of their own, exactly as long as they are: a read beyond is seen. */
static inline char *fuzz_bytes(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	HOLDS(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* The same as text; a NUL byte ends it. */
static inline char *fuzz_text(const void *data, size_t size)
{
	char *copy = malloc(size + 1);
	HOLDS(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* Cuts the input at the next occurrence of `mark`: what stands before it, as text. The last part is
 * what is left. */
struct fuzz_parts {
	const uint8_t *at, *end;
};

static inline char *fuzz_part(struct fuzz_parts *parts, char mark)
{
	size_t left = (size_t)(parts->end - parts->at);
	const uint8_t *found = left ? memchr(parts->at, mark, left) : NULL;
	char *text = fuzz_text(parts->at, found ? (size_t)(found - parts->at) : left);
	parts->at = found ? found + 1 : parts->end;
	return text;
}

/* A file that exists in memory only, for parsers that open a path. */
struct fuzz_file {
	int fd;
	char path[40];
};

static inline void fuzz_file_write(struct fuzz_file *file, const void *bytes, size_t len)
{
	if (!file->path[0]) {
		file->fd = memfd_create("fuzz", MFD_CLOEXEC);
		HOLDS(file->fd >= 0 && fchmod(file->fd, 0600) == 0);
		(void)snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
	}
	HOLDS(ftruncate(file->fd, 0) == 0);
	HOLDS(pwrite(file->fd, bytes, len, 0) == (ssize_t)len);
}

#endif
