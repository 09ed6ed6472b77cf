#include "ctl/ctl_refresh.h"

#include <stdio.h>
#include <string.h>

#include "auth/rotation.h"
#include "auth/session.h"
#include "base/json.h"
#include "base/settings.h"
#include "ctl/ctl_meaning.h"
#include "ctl/ctl_output.h"
#include "store/store.h"

struct record {
	struct store_value fields; /* of the session, in the order of HMGET below */
	int64_t now_ms;
};

enum { AT_GENERATION, AT_ROTATED, AT_CONTEXT, AT_ABSOLUTE_END, AT_ENDED, AT_VER };

static bool read_record(const struct auth *auth, const struct caller *caller,
	const struct ctl_refresh *refresh, struct record *out)
{
	struct store_value replies[2] = { 0 };
	const char *key = store_key_session(
		auth->store, caller->arena, refresh->user.id.text, refresh->handle);
	struct store_command commands[2] = {
		store_read("HMGET", key, "generation", "rotated_at", "context", "absolute_end",
			"ended", "v", NULL),
		store_read("TIME", NULL),
	};

	if (store_run(auth->store, caller->arena, caller->deadline, commands, replies, 2) !=
		STORE_OK)
		return false;
	out->fields = replies[0];
	out->now_ms =
		store_item_int(&replies[1], 0, 0) * 1000 + store_item_int(&replies[1], 1, 0) / 1000;
	return true;
}

static bool in_grace(const struct auth *auth, const struct caller *caller,
	const struct record *record, const struct ctl_refresh *refresh)
{
	int64_t rotated_ms = store_item_int(&record->fields, AT_ROTATED, 0);
	const char *before = store_item_text(&record->fields, AT_CONTEXT);
	int64_t bind = *caller->agent ? SETTINGS_BIND_AGENT : SETTINGS_BIND_NONE;

	/* Another browser has no grace, bound or not; whoever asks may not say which it was. */
	return refresh->generation == refresh->current - 1 &&
	       record->now_ms - rotated_ms < auth->settings->session.refresh_grace * 1000 &&
	       session_context_fits(caller, before, bind);
}

static enum reason judge(const struct auth *auth, const struct caller *caller,
	const struct record *record, struct ctl_refresh *out)
{
	if (!store_item_text(&record->fields, AT_GENERATION) ||
		store_item_text(&record->fields, AT_ENDED))
		return REASON_SESSION_ENDED;
	out->current = store_item_int(&record->fields, AT_GENERATION, 0);
	if (store_item_int(&record->fields, AT_ABSOLUTE_END, 0) <= record->now_ms / 1000)
		return REASON_ABSOLUTE_TIMEOUT;
	if (!out->user_known || out->user.disabled)
		return REASON_USER_DISABLED;
	if (store_item_int(&record->fields, AT_VER, 0) < out->user.ver)
		return REASON_VERSION_SUPERSEDED;
	if (!session_context_fits(caller, store_item_text(&record->fields, AT_CONTEXT),
		    auth->settings->session.bind))
		return REASON_CONTEXT_CHANGED;
	out->repeated = out->generation < out->current;
	if (out->repeated && !in_grace(auth, caller, record, out))
		return REASON_REFRESH_REUSED;
	return REASON_OK;
}

bool ctl_refresh_judge(const struct auth *auth, const struct caller *caller, const char *text,
	struct ctl_refresh *out)
{
	struct rotation_claim claim;
	struct record record;

	*out = (struct ctl_refresh){ .reason = REASON_MALFORMED };
	if (!rotation_parse(auth->keys, text, strlen(text), &claim))
		return true;
	out->genuine = true;
	out->generation = claim.generation;
	session_handle_of(claim.sid, out->handle);
	enum user_result found = user_find_id(auth, caller, &claim.uid, &out->user);
	if (found == USER_FAULT || !read_record(auth, caller, out, &record))
		return false;
	out->user_known = found == USER_OK;
	out->reason = judge(auth, caller, &record, out);
	return true;
}

static const char *answer_of(const struct ctl_refresh *refresh)
{
	if (refresh->reason != REASON_OK)
		return "refused";
	return refresh->repeated ? "accepted, as a repeat" : "accepted";
}

void ctl_refresh_print(const struct ctl_refresh *refresh)
{
	printf("%-12s would be %s\n", "refresh", answer_of(refresh));
	if (refresh->reason != REASON_OK)
		printf("%-12s %s: %s\n", "reason", reason_code(refresh->reason),
			ctl_meaning_of(refresh->reason));
	if (!refresh->genuine)
		return;
	ctl_output_field("user", *refresh->user.name ? refresh->user.name : refresh->user.id.text);
	ctl_output_field("session", refresh->handle);
	printf("%-12s %lld", "generation", (long long)refresh->generation);
	if (refresh->current > 0)
		printf(", current is %lld", (long long)refresh->current);
	putchar('\n');
}

struct json *ctl_refresh_json(const struct ctl_refresh *refresh)
{
	struct json *object =
		json_set(json_object(), "accepted", json_bool(refresh->reason == REASON_OK));

	json_set(object, "repeated", json_bool(refresh->repeated && refresh->reason == REASON_OK));
	json_set(object, "reason", json_text(reason_code(refresh->reason)));
	if (!refresh->genuine)
		return object;
	json_set(object, "user", json_text(refresh->user.name));
	json_set(object, "session", json_text(refresh->handle));
	json_set(object, "generation", json_int(refresh->generation));
	return json_set(object, "current", json_int(refresh->current));
}
