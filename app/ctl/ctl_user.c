#include "ctl/ctl_user.h"

#include <string.h>

#include "auth/password.h"
#include "auth/session.h"
#include "auth/throttle.h"
#include "base/arena.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ctl/ctl_input.h"
#include "ctl/ctl_output.h"
#include "ctl/ctl_role.h"

static struct json *result_of(const struct user *user, const char *what)
{
	return json_set(
		json_set(json_object(), "user", json_text(user->name)), "result", json_text(what));
}

static const char *named_roles(const char *roles)
{
	return *roles ? roles : "none";
}

/* Asks for a password and makes its hash. */
static enum ctl_status make_hash(const char *user_name, char hash[PASSWORD_HASH_MAX])
{
	char password[CTL_INPUT_PASSWORD_SIZE];
	size_t len = 0;
	enum ctl_status status = CTL_NO;

	if (!ctl_input_password(user_name, password, &len))
		goto out;
	const char *weakness = password_weakness(password, len, user_name);
	if (weakness)
		ctl_refuse("%s", weakness);
	else if (password_make(password, len, hash) != PASSWORD_OK)
		ctl_refuse(
			"the hash of the password cannot be computed: is there memory enough for "
			"[password] memlimit_mb?");
	else
		status = CTL_OK;
out:
	crypto_wipe(password, sizeof password);
	return status;
}

/* The name as it will be kept, if nobody has it. */
static enum ctl_status find_free_name(struct ctl *ctl, const char *typed, struct user *out)
{
	char name[USER_NAME_MAX + 1];

	if (!user_normalise(typed, name))
		return ctl_refuse("this cannot be a user's name: it has 1 to %d bytes of UTF-8, no "
				  "comma, no colon, no invisible character",
			USER_NAME_MAX);
	switch (user_find(&ctl->auth, &ctl->caller, name, out)) {
	case USER_UNKNOWN:
		return CTL_OK;
	case USER_OK:
	case USER_EXISTS:
		return ctl_refuse("there is a user %s already", name);
	case USER_FAULT:
		break;
	}
	return ctl_fault(ctl);
}

static enum ctl_status add(struct ctl *ctl, const struct user *user, const char *roles)
{
	char hash[PASSWORD_HASH_MAX];
	enum ctl_status status = make_hash(user->name, hash);

	if (status != CTL_OK)
		return status;
	ctl_renew(ctl);
	enum user_result result = user_add(&ctl->auth, &ctl->caller, user->name, hash, roles);
	crypto_wipe(hash, sizeof hash);
	switch (result) {
	case USER_OK:
		break;
	case USER_EXISTS:
		return ctl_refuse("there is a user %s already", user->name);
	case USER_UNKNOWN:
	case USER_FAULT:
		return ctl_fault(ctl);
	}
	ctl_audit(ctl, "admin.user_added", user, NULL,
		arena_printf(ctl->caller.arena, "roles: %s", named_roles(roles)));
	ctl_output_result(ctl, json_set(result_of(user, "added"), "roles", ctl_output_roles(roles)),
		"%s added, roles: %s", user->name, named_roles(roles));
	return CTL_OK;
}

enum ctl_status ctl_user_add(struct ctl *ctl)
{
	struct ctl_role_list roles = { .count = 0 };
	struct user user = { .name = "" };
	size_t from = 0;
	const char *role;

	if (ctl_users_are_elsewhere(ctl))
		return CTL_NO;
	while ((role = ctl_args_next(&ctl->args, "role", &from)) != NULL)
		if (!ctl_role_add(&roles, role))
			return CTL_NO;
	enum ctl_status status = find_free_name(ctl, ctl->args.word[0], &user);
	return status == CTL_OK ? add(ctl, &user, ctl_role_join(ctl->caller.arena, &roles))
				: status;
}

/* After a change that must count for what is signed in already: raises the version and removes the
 * sessions. CTL_OK with their number. */
static enum ctl_status end_sessions(struct ctl *ctl, const struct user *user, size_t *ended)
{
	ctl_renew(ctl);
	return session_end_all(&ctl->auth, &ctl->caller, &user->id, NULL, ended) == SESSION_OK
		       ? CTL_OK
		       : ctl_fault(ctl);
}

static enum ctl_status update(
	struct ctl *ctl, const struct user *user, const char *field, const char *value)
{
	ctl_renew(ctl);
	switch (user_update(&ctl->auth, &ctl->caller, &user->id, field, value)) {
	case USER_OK:
		return CTL_OK;
	case USER_UNKNOWN:
		return ctl_refuse("there is no user %s any more", user->name);
	case USER_EXISTS:
	case USER_FAULT:
		break;
	}
	return ctl_fault(ctl);
}

enum ctl_status ctl_user_passwd(struct ctl *ctl)
{
	char hash[PASSWORD_HASH_MAX];
	struct user user;
	size_t ended = 0;
	enum ctl_status status = CTL_NO;

	if (ctl_users_are_elsewhere(ctl) ||
		(status = ctl_find_user(ctl, ctl->args.word[0], &user)) != CTL_OK ||
		(status = make_hash(user.name, hash)) != CTL_OK)
		return status;
	ctl_renew(ctl);
	enum user_result result =
		user_update_and_supersede(&ctl->auth, &ctl->caller, &user.id, "password", hash);
	crypto_wipe(hash, sizeof hash);
	if (result == USER_UNKNOWN)
		return ctl_refuse("there is no user %s any more", user.name);
	if (result != USER_OK)
		return ctl_fault(ctl);
	/* The version is raised: from here on nothing old is accepted, whatever comes. */
	ctl_audit(ctl, "admin.password_changed", &user, NULL, NULL);
	if ((status = end_sessions(ctl, &user, &ended)) != CTL_OK)
		return status;
	ctl_output_result(ctl,
		json_set(result_of(&user, "password_changed"), "sessions_ended",
			json_int((int64_t)ended)),
		"%s has a new password, sessions ended: %zu", user.name, ended);
	return CTL_OK;
}

static bool change_roles(const struct ctl_args *args, struct ctl_role_list *roles)
{
	for (size_t i = 1; i < args->words; i++) {
		const char *word = args->word[i];

		if (*word == '-')
			ctl_role_remove(roles, word + 1);
		else if (!ctl_role_add(roles, word + 1))
			return false;
	}
	return true;
}

enum { ROLE_TRIES = 20 };

/* One attempt: reads, changes, and writes if nobody wrote in between; *again when somebody did. */
static enum ctl_status try_role(struct ctl *ctl, struct user *user, const char **now, bool *again)
{
	struct ctl_role_list roles;
	enum ctl_status status = ctl_find_user(ctl, ctl->args.word[0], user);

	*again = false;
	if (status != CTL_OK)
		return status;
	ctl_role_split(ctl->caller.arena, user->roles, &roles);
	if (!change_roles(&ctl->args, &roles))
		return CTL_NO;
	*now = ctl_role_join(ctl->caller.arena, &roles);
	if (strcmp(*now, user->roles) == 0)
		return CTL_OK;
	switch (user_change_roles(&ctl->auth, &ctl->caller, user, *now)) {
	case USER_OK:
		return CTL_OK;
	case USER_UNKNOWN:
	case USER_EXISTS:
		*again = true;
		return CTL_NO;
	case USER_FAULT:
		break;
	}
	return ctl_fault(ctl);
}

enum ctl_status ctl_user_role(struct ctl *ctl)
{
	struct arena *arena = ctl->caller.arena;
	const char *now = "";
	struct user user;
	enum ctl_status status = CTL_NO;
	bool again = true;

	for (size_t i = 1; i < ctl->args.words; i++)
		if (*ctl->args.word[i] != '+' && *ctl->args.word[i] != '-') {
			ctl_refuse("+ROLE gives a role, -ROLE takes one away");
			return CTL_USAGE;
		}
	if (ctl_users_are_elsewhere(ctl))
		return CTL_NO;
	for (int try = 0; again && try < ROLE_TRIES; try++)
		status = try_role(ctl, &user, &now, &again);
	if (again)
		return ctl_refuse(
			"the roles are being changed by others at this moment; try again");
	if (status != CTL_OK)
		return status;
	if (strcmp(now, user.roles) != 0)
		ctl_audit(ctl, "admin.roles_changed", &user, NULL,
			arena_printf(arena, "roles: %s; before: %s", named_roles(now),
				named_roles(user.roles)));
	ctl_output_result(ctl, json_set(result_of(&user, "roles"), "roles", ctl_output_roles(now)),
		"%s has the roles: %s", user.name, named_roles(now));
	return CTL_OK;
}

enum ctl_status ctl_user_disable(struct ctl *ctl)
{
	struct user user;
	size_t ended = 0;
	enum ctl_status status = ctl_find_user(ctl, ctl->args.word[0], &user);

	if (status != CTL_OK || (status = update(ctl, &user, "disabled", "1")) != CTL_OK)
		return status;
	ctl_audit(ctl, "admin.user_disabled", &user, NULL, NULL);
	if ((status = end_sessions(ctl, &user, &ended)) != CTL_OK)
		return status;
	ctl_output_result(ctl,
		json_set(result_of(&user, "disabled"), "sessions_ended", json_int((int64_t)ended)),
		"%s is disabled, sessions ended: %zu", user.name, ended);
	return CTL_OK;
}

enum ctl_status ctl_user_enable(struct ctl *ctl)
{
	struct user user;
	enum ctl_status status = ctl_find_user(ctl, ctl->args.word[0], &user);

	if (status != CTL_OK || (status = update(ctl, &user, "disabled", "")) != CTL_OK)
		return status;
	ctl_audit(ctl, "admin.user_enabled", &user, NULL, NULL);
	ctl_output_result(ctl, result_of(&user, "enabled"), "%s may sign in", user.name);
	return CTL_OK;
}

enum ctl_status ctl_user_delete(struct ctl *ctl)
{
	struct arena *arena = ctl->caller.arena;
	struct user user;
	enum ctl_status status;

	if (ctl_users_are_elsewhere(ctl))
		return CTL_NO;
	if ((status = ctl_find_user(ctl, ctl->args.word[0], &user)) != CTL_OK)
		return status;
	if (!ctl_args_value(&ctl->args, "yes") &&
		!ctl_input_confirm(arena_printf(arena,
			"Delete %s, created %s? The account cannot be had back.", user.name,
			ctl_output_time(arena, user.created))))
		return CTL_NO;
	ctl_renew(ctl);
	switch (user_delete(&ctl->auth, &ctl->caller, &user.id)) {
	case USER_OK:
		break;
	case USER_UNKNOWN:
		return ctl_refuse("there is no user %s any more", user.name);
	case USER_EXISTS:
	case USER_FAULT:
		return ctl_fault(ctl);
	}
	ctl_audit(ctl, "admin.user_deleted", &user, NULL, NULL);
	ctl_output_result(ctl, result_of(&user, "deleted"), "%s is deleted, signed out everywhere",
		user.name);
	return CTL_OK;
}

/* Also for a name that nobody has: attempts at it are counted alike. */
enum ctl_status ctl_user_unblock(struct ctl *ctl)
{
	char name[USER_NAME_MAX + 1];
	struct user user = { .name = name };

	if (!user_normalise(ctl->args.word[0], name))
		return ctl_refuse("this cannot be a user's name");
	user_id_of(name, &user.id);
	ctl_renew_for_walk(ctl);
	if (throttle_forget_name(&ctl->auth, &ctl->caller, name) != THROTTLE_OK)
		return ctl_fault(ctl);
	ctl_audit(ctl, "admin.user_unblocked", &user, NULL, NULL);
	ctl_output_result(ctl, result_of(&user, "unblocked"),
		"the failed sign-ins of %s are forgotten; those of an address are not", name);
	return CTL_OK;
}
