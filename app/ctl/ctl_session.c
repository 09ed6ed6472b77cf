#include "ctl/ctl_session.h"

#include <string.h>

#include "auth/session.h"
#include "base/arena.h"
#include "base/json.h"
#include "ctl/ctl_output.h"
#include "ctl/ctl_sweep.h"
#include "ctl/ctl_input.h"

enum { USER_ARENA_BYTES = 64 << 20 };

const struct ctl_list_column ctl_session_columns[] = { { "USER", "user", CTL_LIST_TEXT },
	{ "SINCE", "since", CTL_LIST_TIME }, { "LAST SEEN", "seen", CTL_LIST_TIME },
	{ "ENDS", "end", CTL_LIST_TIME }, { "ADDRESS", "address", CTL_LIST_TEXT },
	{ "BROWSER", "browser", CTL_LIST_TEXT }, { "HANDLE", "handle", CTL_LIST_TEXT },
	{ NULL, NULL, CTL_LIST_TEXT } };

struct json *ctl_session_json(
	struct arena *arena, const struct user *user, const struct session_info *info)
{
	struct json *object = json_object();

	json_set(object, "user", json_text(user->name));
	json_set(object, "handle", json_text(ctl_output_clean(arena, info->handle)));
	json_set(object, "since", json_int(info->since));
	json_set(object, "seen", json_int(info->seen));
	json_set(object, "end", json_int(info->end));
	json_set(object, "address", json_text(ctl_output_clean(arena, info->address)));
	json_set(object, "browser", json_text(ctl_output_clean(arena, info->agent)));
	return object;
}

/* ---- list ---- */

struct listing {
	const struct ctl *ctl;
	struct arena *arena; /* of one user's sessions */
	struct ctl_list *list;
	bool failed;
};

static void list_sessions(const struct user *user, void *context)
{
	struct listing *listing = context;
	struct caller caller = listing->ctl->caller;
	struct session_info *sessions = NULL;
	size_t count = 0;

	if (listing->failed)
		return;
	caller.arena = listing->arena;
	listing->failed = session_list(&listing->ctl->auth, &caller, &user->id, &sessions,
				  &count) != SESSION_OK;
	for (size_t i = 0; !listing->failed && i < count; i++)
		ctl_list_add(listing->list, ctl_session_json(caller.arena, user, &sessions[i]));
	arena_reset(listing->arena);
}

enum ctl_status ctl_session_list(struct ctl *ctl)
{
	const char *name = ctl_args_value(&ctl->args, "user");
	struct listing listing = { .ctl = ctl };
	struct user user;
	enum ctl_status status = CTL_OK;

	if (name && (status = ctl_find_user(ctl, name, &user)) != CTL_OK)
		return status;
	ctl_renew_for_walk(ctl);
	listing.arena = arena_new(USER_ARENA_BYTES);
	listing.list = ctl_list_new(ctl, ctl_session_columns);
	if (name)
		list_sessions(&user, &listing);
	else
		listing.failed =
			user_each(&ctl->auth, &ctl->caller, list_sessions, &listing) != USER_OK ||
			listing.failed;
	ctl_list_end(listing.list, listing.failed ? NULL : "there are no sessions");
	arena_free(listing.arena);
	return listing.failed ? ctl_fault(ctl) : CTL_OK;
}

/* ---- end ---- */

static enum ctl_status say_ended(struct ctl *ctl, const struct user *user, size_t ended)
{
	struct json *object = json_set(json_object(), "sessions_ended", json_int((int64_t)ended));

	if (user)
		json_set(object, "user", json_text(user->name));
	ctl_output_result(
		ctl, object, "%s: sessions ended: %zu", user ? user->name : "everybody", ended);
	return CTL_OK;
}

static enum ctl_status end_of_user(struct ctl *ctl, const struct user *user)
{
	size_t ended = 0;

	if (session_end_all(&ctl->auth, &ctl->caller, &user->id, NULL, &ended) != SESSION_OK)
		return ctl_fault(ctl);
	ctl_audit(ctl, "admin.sessions_ended", user, NULL, NULL);
	return say_ended(ctl, user, ended);
}

static enum ctl_status end_of_everybody(struct ctl *ctl)
{
	size_t ended = 0;

	if (!ctl_args_value(&ctl->args, "yes") && !ctl_input_confirm("Sign everybody out?"))
		return CTL_NO;
	ctl_renew_for_walk(ctl);
	int64_t now = ctl_sweep_now(ctl);
	/* With the version raised it is done; the sweep is for lists and for max_sessions, which
	 * would count the dead ones until they expire. */
	if (now < 0 || user_supersede_all(&ctl->auth, &ctl->caller) != USER_OK)
		return ctl_fault(ctl);
	ctl_audit(ctl, "admin.sessions_ended", NULL, NULL, "of everybody");
	ctl_renew_for_walk(ctl);
	if (!ctl_sweep_sessions(ctl, now, &ended)) {
		ctl_refuse("everybody is signed out; but not all of the dead sessions could be "
			   "removed: run it again, or they stay in lists until they expire");
		return ctl_fault(ctl);
	}
	return say_ended(ctl, NULL, ended);
}

static enum ctl_status end_one(struct ctl *ctl, const char *handle, const char *user_name)
{
	struct user user = { .name = NULL };
	enum ctl_status status;

	if (strlen(handle) != sizeof user.id.text - 1)
		return ctl_refuse("this is no session's handle; see: doorwardctl session list");
	if (user_name) {
		if ((status = ctl_find_user(ctl, user_name, &user)) != CTL_OK)
			return status;
	} else if ((status = ctl_sweep_find(ctl, handle, &user)) != CTL_OK) {
		return status;
	}
	ctl_renew(ctl);
	switch (session_end(&ctl->auth, &ctl->caller, &user.id, handle)) {
	case SESSION_OK:
		break;
	case SESSION_ABSENT:
		return ctl_refuse("there is no session %s%s%s",
			ctl_output_clean(ctl->caller.arena, handle), user_name ? " of " : "",
			user_name ? user.name : "");
	case SESSION_LIMIT:
	case SESSION_FAULT:
		return ctl_fault(ctl);
	}
	ctl_audit(ctl, "admin.session_ended", &user, handle, NULL);
	ctl_output_result(ctl,
		json_set(json_set(json_object(), "user", json_text(user.name)), "session_ended",
			json_text(handle)),
		"the session %s of %s is ended", handle, *user.name ? user.name : user.id.text);
	return CTL_OK;
}

enum ctl_status ctl_session_end(struct ctl *ctl)
{
	const char *name = ctl_args_value(&ctl->args, "user");
	const char *handle = ctl->args.words > 0 ? ctl->args.word[0] : NULL;
	bool all = ctl_args_value(&ctl->args, "all") != NULL;
	struct user user;

	if ((all && (handle || name)) || (!all && !handle && !name)) {
		ctl_refuse("which one: a HANDLE, --user NAME, or --all?");
		return CTL_USAGE;
	}
	if (all)
		return end_of_everybody(ctl);
	if (handle)
		return end_one(ctl, handle, name);
	enum ctl_status status = ctl_find_user(ctl, name, &user);
	return status == CTL_OK ? end_of_user(ctl, &user) : status;
}
