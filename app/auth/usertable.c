#include "auth/usertable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/password.h"
#include "base/arena.h"
#include "base/log.h"

enum { FILE_MAX_BYTES = 16 << 20, LINES_MAX = 500000, MEMBERS_MAX = 1000000 };

/* More than files of these sizes can fill. */
static const size_t usertable_max_bytes = (size_t)1 << 30;

struct usertable {
	struct arena *arena;
	struct usertable_entry *entry; /* by uid */
	size_t count;
};

/* What is being read: where, and where to complain. */
struct source {
	struct usertable *table;
	const char *path;
	size_t line;
	size_t members;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool usertable_complain(
	const struct source *source, const char *format, ...)
{
	va_list args;
	char what[256];

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (source->line > 0)
		snprintf(source->error, source->error_size, "%s:%zu: %s", source->path,
			source->line, what);
	else
		snprintf(source->error, source->error_size, "%s: %s", source->path, what);
	return false;
}

/* ---- the file ---- */

static bool usertable_read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		len += (size_t)got;
	}
	return true;
}

static char *usertable_read(const struct source *source)
{
	int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &stat) != 0) {
		usertable_complain(source, "%s", strerror(errno));
	} else if (stat.st_mode & 022) {
		usertable_complain(source, "others than its owner may write to it: chmod go-w %s",
			source->path);
	} else if (!S_ISREG(stat.st_mode) || stat.st_size > FILE_MAX_BYTES) {
		usertable_complain(source, "not a file of at most 16 MiB");
	} else {
		size_t size = (size_t)stat.st_size;
		text = arena_alloc(source->table->arena, size + 1);
		if (!usertable_read_all(fd, text, size)) {
			usertable_complain(source, "could not be read to its end");
			text = NULL;
		} else if (strlen(text) != size) {
			usertable_complain(source, "holds a NUL byte");
			text = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* The next line that says something, without its end; NULL after the last. */
static char *usertable_next_line(struct source *source, char **rest)
{
	char *line;

	while ((line = strsep(rest, "\n")) != NULL) {
		source->line++;
		size_t len = strlen(line);
		while (len > 0 && strchr(" \t\r", line[len - 1]))
			line[--len] = '\0';
		line += strspn(line, " \t");
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}

/* ---- users ---- */

static bool usertable_add(struct source *source, char *line)
{
	struct usertable *table = source->table;
	struct usertable_entry *entry = &table->entry[table->count];
	char normalised[USER_NAME_MAX + 1];
	char *hash = strchr(line, ':');

	if (!hash)
		return usertable_complain(source, "no colon after the name");
	*hash++ = '\0';
	hash[strcspn(hash, ":")] = '\0';
	if (!user_normalise(line, normalised))
		return usertable_complain(source, "this cannot be a user's name");
	user_id_of(normalised, &entry->id);
	entry->name = arena_strdup(table->arena, normalised);
	entry->hash = *hash && *hash != '*' && *hash != '!' ? hash : NULL;
	entry->line = source->line;
	table->count++;
	return true;
}

static int usertable_compare(const void *a, const void *b)
{
	const struct usertable_entry *one = a, *other = b;
	int order = strcmp(one->id.text, other->id.text);

	if (order != 0)
		return order;
	return one->line < other->line ? -1 : one->line > other->line;
}

static bool usertable_sort(struct source *source)
{
	struct usertable *table = source->table;
	size_t strange = 0, strange_line = 0;

	qsort(table->entry, table->count, sizeof *table->entry, usertable_compare);
	for (size_t i = 0; i < table->count; i++) {
		const struct usertable_entry *entry = &table->entry[i];
		source->line = entry->line;
		if (i > 0 && strcmp(entry->id.text, entry[-1].id.text) == 0)
			return usertable_complain(
				source, "the name is there already, in line %zu", entry[-1].line);
		if (entry->hash && !password_is_known_form(entry->hash) && strange++ == 0)
			strange_line = entry->line;
	}
	if (strange > 0)
		log_warn("%s: %zu users cannot sign in, their hashes are of a form that is not "
			 "supported (one is in line %zu)",
			source->path, strange, strange_line);
	return true;
}

static bool usertable_read_users(struct source *source)
{
	char *text = usertable_read(source), *line;
	size_t lines = 1;

	if (!text)
		return false;
	for (const char *c = text; (c = strchr(c, '\n')) != NULL; c++)
		lines++;
	if (lines > LINES_MAX)
		return usertable_complain(source, "more than %d lines", LINES_MAX);
	source->table->entry =
		arena_alloc(source->table->arena, lines * sizeof *source->table->entry);
	while ((line = usertable_next_line(source, &text)) != NULL)
		if (!usertable_add(source, line))
			return false;
	return usertable_sort(source);
}

/* ---- groups ---- */

static struct usertable_entry *usertable_find_name(const struct usertable *table, const char *typed)
{
	struct usertable_entry wanted = { 0 };
	char normalised[USER_NAME_MAX + 1];

	if (!user_normalise(typed, normalised))
		return NULL;
	user_id_of(normalised, &wanted.id);
	for (size_t from = 0, to = table->count; from < to;) {
		size_t middle = from + (to - from) / 2;
		int order = strcmp(wanted.id.text, table->entry[middle].id.text);
		if (order == 0)
			return &table->entry[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

/* Members that are no users are nobody's mistake: a group file is often shared. */
static bool usertable_join(struct source *source, const char *role, const char *member)
{
	struct usertable_entry *entry = usertable_find_name(source->table, member);
	struct usertable_role **last;

	if (source->members++ >= MEMBERS_MAX)
		return usertable_complain(source, "more than %d members in all", MEMBERS_MAX);
	if (!entry)
		return true;
	for (last = &entry->roles; *last; last = &(*last)->next)
		if (strcmp((*last)->role, role) == 0)
			return true;
	if (entry->role_count++ >= USER_ROLES_MAX)
		return usertable_complain(
			source, "%s is in more than %d groups", entry->name, USER_ROLES_MAX);
	*last = arena_alloc(source->table->arena, sizeof **last);
	(*last)->role = role;
	return true;
}

/* A word, or a text in double quotes; NULL after the last. */
static char *usertable_next_member(char **rest)
{
	char *start = *rest + strspn(*rest, " \t");
	bool quoted = *start == '"';

	start += quoted;
	size_t len = strcspn(start, quoted ? "\"" : " \t");
	*rest = start + len + (start[len] != '\0');
	if (len == 0 && !quoted)
		return NULL;
	start[len] = '\0';
	return start;
}

static bool usertable_read_groups(struct source *source)
{
	char *text = usertable_read(source), *line;

	if (!text)
		return false;
	while ((line = usertable_next_line(source, &text)) != NULL) {
		char *members = strchr(line, ':'), *member;
		if (!members)
			return usertable_complain(source, "no colon after the group");
		*members++ = '\0';
		if (!user_is_role(line, strlen(line)))
			return usertable_complain(source, "this cannot be a role's name");
		while ((member = usertable_next_member(&members)) != NULL)
			if (!usertable_join(source, line, member))
				return false;
	}
	return true;
}

/* ---- the table ---- */

struct usertable *usertable_load(
	const char *users_path, const char *groups_path, char *error, size_t error_size)
{
	struct arena *arena = arena_new(usertable_max_bytes);
	struct usertable *table = arena_alloc(arena, sizeof *table);
	struct source users = {
		.table = table, .path = users_path, .error = error, .error_size = error_size
	};
	struct source groups = users;

	table->arena = arena;
	groups.path = groups_path;
	if (!usertable_read_users(&users) || (*groups_path && !usertable_read_groups(&groups))) {
		arena_free(arena);
		return NULL;
	}
	return table;
}

void usertable_free(struct usertable *table)
{
	if (table)
		arena_free(table->arena);
}

size_t usertable_count(const struct usertable *table)
{
	return table->count;
}

const struct usertable_entry *usertable_at(const struct usertable *table, size_t index)
{
	return &table->entry[index];
}

static int usertable_compare_uid(const void *uid, const void *entry)
{
	return strcmp(uid, ((const struct usertable_entry *)entry)->id.text);
}

const struct usertable_entry *usertable_find(const struct usertable *table, const char *uid)
{
	return bsearch(
		uid, table->entry, table->count, sizeof *table->entry, usertable_compare_uid);
}
