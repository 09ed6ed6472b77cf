/* The files of [token] keys_dir: their names, who may read them, reading and writing them whole.
 *
 * sign-<from>-<16 hex digits>.pem and mac-<from>-<8 hex digits>.key, <from> as YYYYMMDDTHHMMSSZ.
 * Names that begin otherwise are none of ours and left alone. */
#ifndef DOORWARD_AUTH_KEYFILE_H
#define DOORWARD_AUTH_KEYFILE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYFILE_NAME_SIZE = 48, KEYFILE_ID_SIZE = 17 };

enum keyfile_kind {
	KEYFILE_SIGN,
	KEYFILE_MAC,
	KEYFILE_FOREIGN,
	KEYFILE_MISNAMED, /* begins as ours and goes on wrong: a typing error would hide a key */
};

struct keyfile {
	enum keyfile_kind kind;
	int64_t from_sec;
	char id[KEYFILE_ID_SIZE];
};

enum keyfile_kind keyfile_parse_name(const char *name, struct keyfile *out);
/* False for a from_sec that has no four-digit year. */
bool keyfile_format_name(const struct keyfile *file, char out[KEYFILE_NAME_SIZE]);

/* An open directory, and where the sentence goes when something is refused. */
struct keyfile_dir {
	DIR *stream;
	const char *path;
	char *error;
	size_t error_size;
};

/* All of these: false (or NULL) with a sentence in dir->error. */
/* Refuses a directory that group or others may write to: they could add a key of their own. */
bool keyfile_open(struct keyfile_dir *dir, const char *path, char *error, size_t error_size);
void keyfile_close(struct keyfile_dir *dir);
/* The content with a NUL behind it, heap memory: the caller wipes and frees it. Refuses a file with
 * any permission for group or others. */
char *keyfile_read(const struct keyfile_dir *dir, const char *name, size_t *len);
/* The whole file or none of it, mode 0600, on disk when this returns; as root, it belongs to the
 * owner of the directory. */
bool keyfile_write(const struct keyfile_dir *dir, const char *name, const char *bytes, size_t len);
bool keyfile_remove(const struct keyfile_dir *dir, const char *name);
/* Writes the sentence; always false. */
bool keyfile_refuse(const struct keyfile_dir *dir, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
