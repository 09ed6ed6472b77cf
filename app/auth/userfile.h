/* Users and groups in files: htpasswd (NAME:HASH) and an Apache group file (GROUP: NAME NAME ...).
 *
 * Read at start, read again when a file's size, time or inode changes (looked at once a second at
 * most, and only when it has been left alone for a second: htpasswd writes in place); a file that
 * became unreadable or malformed keeps the last good one and is logged. Never written. Names are
 * normalised; a name that occurs twice is an error naming file and line. At most 16 MiB a file.
 *
 * In the group file a name with spaces stands in double quotes. A hash that is empty or begins with
 * '*' or '!' is no password: the account is locked. */
#ifndef DOORWARD_AUTH_USERFILE_H
#define DOORWARD_AUTH_USERFILE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct userfile;

/* groups_path "" for none. NULL with a sentence in error. */
struct userfile *userfile_load(
	const char *users_path, const char *groups_path, char *error, size_t error_size);
void userfile_free(struct userfile *userfile);

struct userfile_entry {
	const char *name; /* normalised */
	const char *hash; /* NULL: none */
	const char *roles; /* comma list of the groups that name the user */
};
/* Copies into the arena; false when there is no such user. Any thread. */
bool userfile_find(struct userfile *userfile, struct arena *arena, const char *normalised,
	struct userfile_entry *out);
/* The same by uid (the access token names its user so). */
bool userfile_find_id(struct userfile *userfile, struct arena *arena, const char *uid,
	struct userfile_entry *out);
/* The hash of some entry, for the decoy (in the arena); NULL when there is none. Always the same
 * one for a name, and each entry with equal chance over all names: where the file mixes forms of
 * hashes, an unknown name is no other mixture than the known ones. */
const char *userfile_any_hash(
	struct userfile *userfile, struct arena *arena, const char *normalised);
/* The name of entry `index` (in the arena), NULL past the last. */
const char *userfile_name_at(struct userfile *userfile, struct arena *arena, size_t index);

#endif
