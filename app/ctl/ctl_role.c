#include "ctl/ctl_role.h"

#include <string.h>

#include "base/arena.h"
#include "ctl/ctl.h"
#include "ctl/ctl_output.h"

void ctl_role_split(struct arena *arena, const char *roles, struct ctl_role_list *out)
{
	char *rest = arena_strdup(arena, roles);
	const char *role;

	out->count = 0;
	while ((role = strsep(&rest, ",")) != NULL)
		if (*role && out->count < USER_ROLES_MAX)
			out->role[out->count++] = role;
}

static size_t position(const struct ctl_role_list *list, const char *role)
{
	size_t i = 0;

	while (i < list->count && strcmp(list->role[i], role) != 0)
		i++;
	return i;
}

bool ctl_role_add(struct ctl_role_list *list, const char *role)
{
	if (!user_is_role(role, strlen(role))) {
		ctl_refuse("a role has 1 to 64 letters, digits, '.', '_' or '-'");
		return false;
	}
	if (position(list, role) < list->count)
		return true;
	if (list->count == USER_ROLES_MAX) {
		ctl_refuse("a user has at most %d roles", USER_ROLES_MAX);
		return false;
	}
	list->role[list->count++] = role;
	return true;
}

void ctl_role_remove(struct ctl_role_list *list, const char *role)
{
	size_t at = position(list, role);

	if (at == list->count)
		return;
	list->count--;
	memmove(&list->role[at], &list->role[at + 1], (list->count - at) * sizeof *list->role);
}

const char *ctl_role_join(struct arena *arena, const struct ctl_role_list *list)
{
	const char *text = "";

	for (size_t i = 0; i < list->count; i++)
		text = arena_printf(arena, "%s%s%s", text, i > 0 ? "," : "", list->role[i]);
	return text;
}
