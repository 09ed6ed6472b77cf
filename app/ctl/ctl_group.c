#include "ctl/ctl_group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/user.h"
#include "base/arena.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/ctl_role.h"

enum { MEMBERS_MAX = 1000000 };

struct member {
	const char *name; /* normalised */
	const char *role;
};

struct ctl_group_list {
	struct member *member; /* sorted by name */
	size_t count;
};

struct reading {
	struct arena *arena;
	const char *path;
	size_t line;
	struct member *member; /* heap, growing */
	size_t count, capacity, refused;
};

static void refuse(struct reading *reading, const char *what)
{
	reading->refused++;
	ctl_refuse("%s:%zu: %s", reading->path, reading->line, what);
}

static void add_member(struct reading *reading, const char *role, const char *typed)
{
	char name[USER_NAME_MAX + 1];

	if (!user_normalise(typed, name)) {
		refuse(reading, "a member that cannot be a user's name");
		return;
	}
	if (reading->count == MEMBERS_MAX) {
		refuse(reading, "too many members");
		return;
	}
	if (reading->count == reading->capacity) {
		reading->capacity = reading->capacity ? 2 * reading->capacity : 256;
		reading->member =
			reallocarray(reading->member, reading->capacity, sizeof *reading->member);
		if (!reading->member)
			fatal("out of memory: a group file");
	}
	reading->member[reading->count++] =
		(struct member){ .name = arena_strdup(reading->arena, name), .role = role };
}

/* A word, or a text in double quotes; NULL behind the last. */
static char *next_name(char **rest)
{
	char *start = *rest + strspn(*rest, " \t");
	bool quoted = *start == '"';

	if (!*start)
		return NULL;
	start += quoted;
	size_t len = strcspn(start, quoted ? "\"" : " \t");
	*rest = start + len + (start[len] != '\0');
	start[len] = '\0';
	return start;
}

static void read_line(struct reading *reading, char *line)
{
	char *name;

	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return;
	char *rest = strchr(line, ':');
	size_t len = rest ? (size_t)(rest - line) : 0;
	if (!rest || !user_is_role(line, len)) {
		refuse(reading, "not GROUP: NAME NAME ..., or a group that cannot be a role");
		return;
	}
	const char *role = arena_strndup(reading->arena, line, len);
	rest++;
	while ((name = next_name(&rest)) != NULL)
		add_member(reading, role, name);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order ? order : strcmp(one->role, other->role);
}

struct ctl_group_list *ctl_group_load(struct arena *arena, const char *path, size_t *refused)
{
	struct reading reading = { .arena = arena, .path = path };
	struct ctl_group_list *list = arena_alloc(arena, sizeof *list);
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	if (!file) {
		ctl_refuse("%s: %s", path, strerror(errno));
		return NULL;
	}
	for (reading.line = 1; getline(&line, &size, file) >= 0; reading.line++)
		read_line(&reading, line);
	free(line);
	fclose(file);
	if (reading.count > 0) {
		qsort(reading.member, reading.count, sizeof *reading.member, compare_members);
		list->member = arena_alloc(arena, reading.count * sizeof *list->member);
		memcpy(list->member, reading.member, reading.count * sizeof *list->member);
	}
	list->count = reading.count;
	free(reading.member);
	*refused += reading.refused;
	return list;
}

/* The first member of that name, or where it would stand. */
static size_t find_first(const struct ctl_group_list *groups, const char *name)
{
	size_t from = 0, to = groups->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(groups->member[middle].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

const char *ctl_group_roles(
	const struct ctl_group_list *groups, struct arena *arena, const char *normalised)
{
	struct ctl_role_list roles = { .count = 0 };

	if (!groups)
		return "";
	for (size_t i = find_first(groups, normalised);
		i < groups->count && strcmp(groups->member[i].name, normalised) == 0; i++)
		if (!ctl_role_add(&roles, groups->member[i].role))
			break;
	return ctl_role_join(arena, &roles);
}
