#include "ctl/ctl.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/audit.h"
#include "auth/keys.h"
#include "auth/password.h"
#include "auth/rules.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/crypto.h"
#include "base/settings.h"
#include "store/store.h"

enum {
	CTL_ARENA_BYTES = 256 << 20,
	CTL_ERROR_MAX = 4096,
	CTL_DEADLINE_MS = 20000,
	CTL_WALK_MS = 24 * 3600 * 1000,
	/* A request may not wait for the store so long; an administrator may. */
	CTL_TIMEOUT_MS = 5000,
};

static bool open_users(struct ctl *ctl, char *error, size_t error_size)
{
	const struct settings *set = ctl->settings;

	if (set->users.source != SETTINGS_USERS_FILE)
		return true;
	ctl->auth.userfile =
		userfile_load(set->users.users_file, set->users.groups_file, error, error_size);
	return ctl->auth.userfile != NULL;
}

enum ctl_status ctl_open(struct ctl *ctl, const char *conf_path)
{
	unsigned parts = ctl->command->parts;
	char error[CTL_ERROR_MAX] = "";
	enum ctl_status status = CTL_USAGE;

	ctl->caller = (struct caller){
		.arena = arena_new(CTL_ARENA_BYTES), .address = "", .agent = "doorwardctl"
	};
	ctl->settings = settings_load(conf_path, error, sizeof error);
	ctl->auth.settings = ctl->settings;
	if (!ctl->settings)
		goto out;
	if ((parts & (CTL_STORE | CTL_USERS)) &&
		!(ctl->auth.store = store_open(ctl->settings, CTL_TIMEOUT_MS, error, sizeof error)))
		goto out;
	if ((parts & CTL_USERS) && !open_users(ctl, error, sizeof error))
		goto out;
	if ((parts & CTL_RULES) &&
		!(ctl->auth.rules = rules_parse(ctl->settings, error, sizeof error)))
		goto out;
	status = CTL_NO;
	if ((parts & CTL_KEYS) &&
		!(ctl->auth.keys = keys_load(ctl->settings->token.keys_dir, error, sizeof error)))
		goto out;
	if ((parts & CTL_PASSWORDS) && !password_init(ctl->settings)) {
		snprintf(error, sizeof error, "passwords cannot be computed, see above");
		goto out;
	}
	status = CTL_OK;
out:
	if (status != CTL_OK)
		ctl_refuse("%s", error);
	ctl_renew(ctl);
	return status;
}

void ctl_close(struct ctl *ctl)
{
	/* auth's pointers are const for its readers; they are ours to end. */
	rules_free((struct rules *)(uintptr_t)ctl->auth.rules);
	keys_free((struct keys *)(uintptr_t)ctl->auth.keys);
	store_free(ctl->auth.store);
	userfile_free(ctl->auth.userfile);
	settings_free(ctl->settings);
	arena_free(ctl->caller.arena);
}

void ctl_renew(struct ctl *ctl)
{
	ctl->caller.deadline = deadline_in_ms(CTL_DEADLINE_MS);
}

void ctl_renew_for_walk(struct ctl *ctl)
{
	ctl->caller.deadline = deadline_in_ms(CTL_WALK_MS);
}

enum ctl_status ctl_refuse(const char *format, ...)
{
	va_list args;

	/* What was printed before belongs before it, also where both go into one file. */
	fflush(stdout);
	fputs("doorwardctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CTL_NO;
}

enum ctl_status ctl_fault(struct ctl *ctl)
{
	const struct settings *set = ctl->settings;
	struct store_command ping = store_read("PING", NULL);
	struct store_value reply = { 0 };

	ctl_renew(ctl);
	if (store_run_one(ctl->auth.store, ctl->caller.arena, ctl->caller.deadline, &ping,
		    &reply) == STORE_OK)
		return ctl_refuse(
			"not done: Redis answers, but refused this or holds a record that "
			"cannot be read; the line above says which");
	ctl_refuse("Redis at %s does not answer: nothing is known. Does it run, and are url and "
		   "password_file in section [store] of %s right?",
		set->store.url, set->path);
	return CTL_UNAVAILABLE;
}

enum ctl_status ctl_find_user(struct ctl *ctl, const char *typed, struct user *out)
{
	char name[USER_NAME_MAX + 1];

	if (!user_normalise(typed, name))
		return ctl_refuse(
			"this cannot be a user's name: it has at most %d bytes of UTF-8, no "
			"comma, no colon, no invisible character",
			USER_NAME_MAX);
	ctl_renew(ctl);
	switch (user_find(&ctl->auth, &ctl->caller, name, out)) {
	case USER_OK:
		return CTL_OK;
	case USER_UNKNOWN:
		return ctl_refuse("there is no user %s", name);
	case USER_EXISTS:
	case USER_FAULT:
		break;
	}
	return ctl_fault(ctl);
}

bool ctl_users_are_elsewhere(const struct ctl *ctl)
{
	const struct settings *set = ctl->settings;

	if (set->users.source != SETTINGS_USERS_FILE)
		return false;
	ctl_refuse("users come from the file %s ([users] source = file): change it there",
		set->users.users_file);
	return true;
}

/* Who called: the account's name, or its number. */
static const char *operator_name(struct arena *arena)
{
	const struct passwd *account = getpwuid(getuid());

	return account ? arena_strdup(arena, account->pw_name)
		       : arena_printf(arena, "uid %ld", (long)getuid());
}

static struct audit audit_of(struct ctl *ctl, const char *event, const char *detail)
{
	struct arena *arena = ctl->caller.arena;
	const char *by = operator_name(arena);

	return (struct audit){ .event = event,
		.reason = REASON_OK,
		.detail = detail ? arena_printf(arena, "%s; by %s", detail, by)
				 : arena_printf(arena, "by %s", by) };
}

void ctl_audit(struct ctl *ctl, const char *event, const struct user *user, const char *handle,
	const char *detail)
{
	struct audit audit = audit_of(ctl, event, detail);

	audit.user = user && *user->name ? user->name : NULL;
	audit.uid = user ? user->id.text : NULL;
	audit.session = handle;
	ctl_renew(ctl);
	audit_publish(&ctl->auth, &ctl->caller, &audit);
}

void ctl_audit_log(struct ctl *ctl, const char *event, const char *detail)
{
	struct audit audit = audit_of(ctl, event, detail);

	audit_log(&ctl->caller, &audit);
}
