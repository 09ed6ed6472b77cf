/* One file of sentences (language.h), read and checked. */
#ifndef DOORWARD_HTTP_LANGUAGE_FILE_H
#define DOORWARD_HTTP_LANGUAGE_FILE_H

#include <stdbool.h>

struct arena;
struct buf;
struct json;

enum { LANGUAGE_FILE_MAX_BYTES = 64 * 1024 };

struct language_file {
	const char *dir, *name;
	const struct json *model; /* every key there is, with a sentence that has its {places} */
	bool own_keys; /* it may add keys that begin with "own_" */
};

/* Yours. NULL, with a sentence in error. The arena is for what it needs meanwhile. */
struct json *language_file_load(
	const struct language_file *file, struct arena *arena, struct buf *error);

#endif
