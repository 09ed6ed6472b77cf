/* An Apache group file (GROUP: NAME NAME ...) as roles of users, for the import. */
#ifndef DOORWARD_CTL_CTL_GROUP_H
#define DOORWARD_CTL_CTL_GROUP_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct ctl_group_list;

/* In the arena. What cannot be used is said on standard error, with its line, and counted in
 * *refused. NULL, and said, when the file cannot be read. */
struct ctl_group_list *ctl_group_load(struct arena *arena, const char *path, size_t *refused);
/* The roles of a user as a comma list in the arena; "" for none (also when groups is NULL). */
const char *ctl_group_roles(
	const struct ctl_group_list *groups, struct arena *arena, const char *normalised);

#endif
