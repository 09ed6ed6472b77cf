/* A user's roles: a short list of texts. */
#ifndef DOORWARD_CTL_CTL_ROLE_H
#define DOORWARD_CTL_CTL_ROLE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/user.h"

struct arena;

struct ctl_role_list {
	const char *role[USER_ROLES_MAX]; /* borrowed */
	size_t count;
};

/* Of a comma list; what does not fit is left out. */
void ctl_role_split(struct arena *arena, const char *roles, struct ctl_role_list *out);
/* False, and said, when it is no role or there are too many. One that is there stays once. */
bool ctl_role_add(struct ctl_role_list *list, const char *role);
void ctl_role_remove(struct ctl_role_list *list, const char *role);
/* "admin,staff"; "" for none. */
const char *ctl_role_join(struct arena *arena, const struct ctl_role_list *list);

#endif
