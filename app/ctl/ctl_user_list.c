/* doorwardctl user list, user show. */
#include <stdio.h>
#include <string.h>

#include "auth/password.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/json.h"
#include "ctl/ctl_list.h"
#include "ctl/ctl_output.h"
#include "ctl/ctl_session.h"
#include "ctl/ctl_user.h"

static struct json *json_of(const struct user *user)
{
	struct json *object = json_object();

	json_set(object, "name", json_text(user->name));
	json_set(object, "uid", json_text(user->id.text));
	json_set(object, "roles", ctl_output_roles(user->roles));
	json_set(object, "disabled", json_bool(user->disabled));
	json_set(object, "created", json_int(user->created));
	return object;
}

static void list_user(const struct user *user, void *context)
{
	struct ctl_list *list = context;

	ctl_list_add(list, json_of(user));
}

enum ctl_status ctl_user_list(struct ctl *ctl)
{
	static const struct ctl_list_column columns[] = { { "NAME", "name", CTL_LIST_TEXT },
		{ "ROLES", "roles", CTL_LIST_TEXT }, { "DISABLED", "disabled", CTL_LIST_FLAG },
		{ "CREATED", "created", CTL_LIST_TIME }, { NULL, NULL, CTL_LIST_TEXT } };
	struct ctl_list *list = ctl_list_new(ctl, columns);

	ctl_renew_for_walk(ctl);
	enum user_result result = user_each(&ctl->auth, &ctl->caller, list_user, list);
	ctl_list_end(list, result == USER_OK ? "there are no users" : NULL);
	return result == USER_OK ? CTL_OK : ctl_fault(ctl);
}

/* "argon2id", "apr1": what stands between the first two dollar signs; never the hash. */
static const char *form_of(struct arena *arena, const char *hash)
{
	if (!hash || !*hash)
		return "none";
	if (!password_is_known_form(hash))
		return "of no known form";
	return *hash == '$' ? arena_strndup(arena, hash + 1, strcspn(hash + 1, "$")) : "DES crypt";
}

static void print_user(struct arena *arena, const struct user *user, const char *form)
{
	ctl_output_field("name", user->name);
	ctl_output_field("uid", user->id.text);
	ctl_output_field("roles", *user->roles ? ctl_output_clean(arena, user->roles) : "-");
	ctl_output_field("disabled", user->disabled ? "yes" : "no");
	ctl_output_field("created", ctl_output_time(arena, user->created));
	ctl_output_field("password", form);
	ctl_output_field("version", arena_int(arena, user->ver));
}

enum ctl_status ctl_user_show(struct ctl *ctl)
{
	struct arena *arena = ctl->caller.arena;
	struct session_info *sessions = NULL;
	struct user user;
	size_t count = 0;
	enum ctl_status status = ctl_find_user(ctl, ctl->args.word[0], &user);

	if (status != CTL_OK)
		return status;
	if (session_list(&ctl->auth, &ctl->caller, &user.id, &sessions, &count) != SESSION_OK)
		return ctl_fault(ctl);
	const char *form = form_of(arena, user.password);
	if (ctl->json) {
		struct json *object = json_of(&user), *list = json_array();

		for (size_t i = 0; i < count; i++)
			json_add(list, ctl_session_json(arena, &user, &sessions[i]));
		json_set(object, "password", json_text(form));
		json_set(object, "version", json_int(user.ver));
		puts(json_format(json_set(object, "sessions", list)));
		json_free(object);
		return CTL_OK;
	}
	print_user(arena, &user, form);
	putchar('\n');
	struct ctl_list *list = ctl_list_new(ctl, ctl_session_columns + 1);
	for (size_t i = 0; i < count; i++)
		ctl_list_add(list, ctl_session_json(arena, &user, &sessions[i]));
	ctl_list_end(list, "no sessions");
	return CTL_OK;
}
