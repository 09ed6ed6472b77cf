#include "auth/theft.h"

#include <string.h>

#include "auth/audit.h"
#include "auth/auth.h"
#include "auth/device.h"
#include "auth/rotation.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

static const char theft_notice_lifetime_sec[] = "2592000"; /* 30 days */

int64_t theft_usual_rotations(const struct settings *settings)
{
	return 20 + 4 * (THEFT_WINDOW_SEC / settings->session.access_lifetime);
}

void theft_report_unusual(const struct auth *auth, const struct caller *caller,
	const struct rotation_outcome *outcome, const char *what)
{
	struct audit audit = { .event = "refresh.unusual",
		.user = outcome->user.name,
		.uid = outcome->user.id.text,
		.session = outcome->session.handle,
		.detail = what };

	audit_publish(auth, caller, &audit);
}

static const char *theft_notice_key(
	const struct auth *auth, const struct caller *caller, const struct user_id *uid)
{
	return store_key(
		auth->store, caller->arena, arena_printf(caller->arena, "notice:{%s}", uid->text));
}

void theft_react(const struct auth *auth, const struct caller *caller, const struct user_id *uid)
{
	const char *key = theft_notice_key(auth, caller, uid);
	char device[DEVICE_MAX + 1];
	struct store_value replies[4] = { 0 };
	const char *at = arena_int(caller->arena, clock_agreed_sec());

	device_words(caller->agent, device);
	/* One step: a key without an expiry must never be left behind. */
	struct store_command commands[4] = {
		store_write("MULTI", NULL),
		store_write(
			"HSET", key, "at", at, "device", device, "address", caller->address, NULL),
		store_write("EXPIRE", key, theft_notice_lifetime_sec, NULL),
		store_write("EXEC", NULL),
	};
	if (store_run(auth->store, caller->arena, caller->deadline, commands, replies, 4) !=
		STORE_OK)
		log_warn("the notice of a reused refresh token could not be stored");
	if (auth->settings->session.on_reuse == SETTINGS_REUSE_USER &&
		session_end_all(auth, caller, uid, NULL, NULL) != SESSION_OK)
		log_error(
			"after a reused refresh token the user's other sessions could not be ended");
}

void theft_find_notice(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, struct theft_notice *out)
{
	struct store_value reply = { 0 };
	struct store_command look = store_read(
		"HMGET", theft_notice_key(auth, caller, uid), "at", "device", "address", NULL);

	memset(out, 0, sizeof *out);
	out->device = out->address = "";
	if (store_run_one(auth->store, caller->arena, caller->deadline, &look, &reply) != STORE_OK)
		return;
	out->at = store_item_int(&reply, 0, 0);
	if (out->at > 0) {
		const char *device = store_item_text(&reply, 1),
			   *address = store_item_text(&reply, 2);

		out->device = device ? device : "";
		out->address = address ? address : "";
	}
}

void theft_forget_notice(
	const struct auth *auth, const struct caller *caller, const struct user_id *uid)
{
	struct store_value reply = { 0 };
	struct store_command forget = store_write("DEL", theft_notice_key(auth, caller, uid), NULL);

	if (store_run_one(auth->store, caller->arena, caller->deadline, &forget, &reply) !=
		STORE_OK)
		log_warn("a notice that was read could not be removed: it will be shown again");
}
