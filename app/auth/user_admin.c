#include <string.h>

#include "auth/auth.h"
#include "auth/session.h"
#include "auth/user.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

static bool user_admin_of_file(const struct auth *auth)
{
	return auth->settings->users.source == SETTINGS_USERS_FILE;
}

struct user_change {
	const char *field, *value; /* "" for none */
	const char *expected; /* what the field must hold; "" for anything */
	bool raise;
};

/* With users from a file the record is made when it is first needed, for names in the file only;
 * their hash and roles are not ours to change. */
static enum user_result user_check_file(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, const struct user_change *change)
{
	struct userfile_entry entry;

	if (*change->field && strcmp(change->field, "disabled") != 0) {
		log_error("users come from a file: their %s cannot be changed here", change->field);
		return USER_FAULT;
	}
	return userfile_find_id(auth->userfile, caller->arena, id->text, &entry) ? USER_OK
										 : USER_UNKNOWN;
}

static enum user_result user_change(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, const struct user_change *change)
{
	bool from_file = user_admin_of_file(auth);
	enum user_result result = from_file ? user_check_file(auth, caller, id, change) : USER_OK;
	struct store_command command = store_call(STORE_USER_UPDATE, 1, true);
	struct store_value reply = { 0 };

	if (result != USER_OK)
		return result;
	store_arg(&command, store_key_user(auth->store, caller->arena, id->text));
	store_arg(&command, change->field);
	store_arg(&command, change->value);
	store_arg(&command, change->raise ? "1" : "0");
	store_arg(&command, from_file ? "1" : "0");
	store_arg(&command, change->expected);
	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
		STORE_OK)
		return USER_FAULT;
	return reply.integer == 1 ? USER_OK : USER_UNKNOWN;
}

enum user_result user_add(const struct auth *auth, const struct caller *caller, const char *name,
	const char *password, const char *roles)
{
	struct store_command command = store_call(STORE_USER_ADD, 1, false);
	struct store_value reply = { 0 };
	struct user_id id;

	if (user_admin_of_file(auth)) {
		log_error("users come from a file: none can be added here");
		return USER_FAULT;
	}
	user_id_of(name, &id);
	store_arg(&command, store_key_user(auth->store, caller->arena, id.text));
	store_arg(&command, name);
	store_arg(&command, password ? password : "");
	store_arg(&command, roles);
	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
		STORE_OK)
		return USER_FAULT;
	return reply.integer == 1 ? USER_OK : USER_EXISTS;
}

enum user_result user_update(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, const char *field, const char *value)
{
	struct user_change change = { .field = field, .value = value, .expected = "" };

	return user_change(auth, caller, id, &change);
}

enum user_result user_update_and_supersede(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, const char *field, const char *value)
{
	struct user_change change = {
		.field = field, .value = value, .expected = "", .raise = true
	};

	return user_change(auth, caller, id, &change);
}

enum user_result user_upgrade_password(const struct auth *auth, const struct caller *caller,
	const struct user *user, const char *hash)
{
	struct user_change change = { .field = "password",
		.value = hash,
		.expected = arena_printf(caller->arena, "=%s", user->password) };

	return user_change(auth, caller, &user->id, &change);
}

enum user_result user_change_roles(const struct auth *auth, const struct caller *caller,
	const struct user *user, const char *roles)
{
	struct user_change change = { .field = "roles",
		.value = roles,
		.expected = arena_printf(caller->arena, "=%s", user->roles) };

	return user_change(auth, caller, &user->id, &change);
}

enum user_result user_supersede(
	const struct auth *auth, const struct caller *caller, const struct user_id *id)
{
	return user_update_and_supersede(auth, caller, id, "", "");
}

enum user_result user_supersede_all(const struct auth *auth, const struct caller *caller)
{
	/* Twice raised is no harm. */
	struct store_command command = store_read(
		"HINCRBY", store_key(auth->store, caller->arena, "realm"), "ver", "1", NULL);
	struct store_value reply = { 0 };

	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
		STORE_OK)
		return USER_FAULT;
	return USER_OK;
}

enum user_result user_delete(
	const struct auth *auth, const struct caller *caller, const struct user_id *id)
{
	struct user user;
	struct store_value reply = { 0 };
	struct store_command command =
		store_read("DEL", store_key_user(auth->store, caller->arena, id->text), NULL);

	/* The record of a user from a file holds what keeps them out: it must not go. */
	if (user_admin_of_file(auth)) {
		log_error("users come from a file: none can be deleted here");
		return USER_FAULT;
	}
	enum user_result result = user_find_id(auth, caller, id, &user);
	if (result != USER_OK)
		return result;
	if (session_end_all(auth, caller, id, NULL, NULL) == SESSION_FAULT)
		return USER_FAULT;
	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
		STORE_OK)
		return USER_FAULT;
	return USER_OK;
}
