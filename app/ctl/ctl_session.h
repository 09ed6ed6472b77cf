/* doorwardctl session ...: who is signed in. */
#ifndef DOORWARD_CTL_CTL_SESSION_H
#define DOORWARD_CTL_CTL_SESSION_H

#include "ctl/ctl.h"
#include "ctl/ctl_list.h"

struct arena;
struct json;
struct session_info;

enum ctl_status ctl_session_list(struct ctl *ctl);
enum ctl_status ctl_session_end(struct ctl *ctl);

/* A row of such a list. Yours. */
struct json *ctl_session_json(
	struct arena *arena, const struct user *user, const struct session_info *info);
/* The user stands first. */
extern const struct ctl_list_column ctl_session_columns[];

#endif
