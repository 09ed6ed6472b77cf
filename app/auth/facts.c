#include "auth/facts.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/facts_own.h"
#include "auth/known.h"
#include "auth/token.h"
#include "auth/user.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

static void facts_fill_session(const struct store_value *record, int64_t left, struct facts *out)
{
	const char *style = store_item_text(record, 3), *ended = store_item_text(record, 4);

	out->context = store_item_text(record, 0);
	out->session_ended_elsewhere = ended != NULL;
	out->session_lives = out->context != NULL && !ended;
	out->session_ver = store_item_int(record, 1, 0);
	out->absolute_end = store_item_int(record, 2, 0);
	out->sliding = style && strcmp(style, "sliding") == 0;
	out->idle_sec = store_item_int(record, 5, 0);
	out->left_sec = left;
}

/* False when the record cannot be believed: a name that is not its own, a version that is none. */
static bool facts_fill_user(const struct facts_fields *fields, const struct store_value *record,
	const struct user_id *id, struct arena *arena, struct facts *out)
{
	const char *disabled = store_item_text(record, 3), *name = store_item_text(record, 0);
	struct facts_extra *extra = arena_alloc(arena, (fields->count + 1) * sizeof *extra);
	char normalised[USER_NAME_MAX + 1];

	out->user_exists = name != NULL;
	if (name && !user_name_is_own(name, id, normalised))
		return false;
	out->name = name ? arena_strdup(arena, normalised) : NULL;
	out->roles = store_item_text(record, 1);
	out->user_disabled = user_is_disabled_by(disabled);
	for (size_t i = 0; i < fields->count; i++)
		extra[i] = (struct facts_extra){ .field = fields->name[i],
			.value = store_item_text(record, AT_EXTRA + i) };
	out->extra = extra;
	out->extra_count = fields->count;
	return user_add_ver(store_item_text(record, 2), &out->ver);
}

/* With users in a file, the store's record holds the version and the disabled mark only. */
static void facts_fill_from_file(const struct auth *auth, const struct caller *caller,
	const struct token *token, struct facts *out)
{
	struct userfile_entry entry;

	out->user_exists = userfile_find_id(auth->userfile, caller->arena, token->sub.text, &entry);
	out->name = out->user_exists ? entry.name : NULL;
	out->roles = out->user_exists ? entry.roles : NULL;
}

enum facts_result facts_learn_clock(const struct auth *auth, const struct caller *caller)
{
	struct store_command command = store_read("TIME", NULL);
	struct store_value reply = { 0 };

	if (caller->patience == CALLER_MEMORY_ONLY ||
		store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
			STORE_OK)
		return FACTS_FAULT;
	store_learn_time(&reply);
	return FACTS_OK;
}

enum facts_result facts_read(const struct auth *auth, const struct caller *caller,
	const struct token *token, struct facts *out)
{
	struct arena *arena = caller->arena;
	const char *uid = token->sub.text;
	struct store_value replies[FACTS_COMMANDS] = { 0 };
	struct facts_fields fields;

	memset(out, 0, sizeof *out);
	facts_split_fields(auth, arena, &fields);
	if (facts_fetch(auth, caller, token, &fields, replies) != STORE_OK)
		return FACTS_FAULT;
	store_learn_time(&replies[AT_TIME]);
	facts_fill_session(&replies[AT_SESSION], replies[AT_TTL].integer / 1000, out);
	if (!facts_fill_user(&fields, &replies[AT_USER], &token->sub, arena, out) ||
		!user_add_ver(replies[AT_REALM].type == STORE_TEXT ? replies[AT_REALM].text : NULL,
			&out->realm_ver)) {
		if (caller->patience == CALLER_WAITS)
			log_error("the record of user %s or the realm's cannot be believed", uid);
		/* That is an answer: what was known before is not to stand in for it. */
		known_end_user(auth->known, uid);
		return FACTS_FAULT;
	}
	out->ver += out->realm_ver;
	if (auth->userfile)
		facts_fill_from_file(auth, caller, token, out);
	out->denied = replies[AT_DENY].integer != 0;
	out->name = out->name ? out->name : "";
	out->roles = out->roles ? out->roles : "";
	return FACTS_OK;
}

int64_t facts_renew_below(const struct auth *auth, const struct facts *facts)
{
	int64_t absolute_left = facts->absolute_end - clock_agreed_sec();
	/* What may be left after a use. */
	int64_t most = facts->idle_sec < absolute_left ? facts->idle_sec : absolute_left;

	int64_t below = most - (most < 120 ? most / 2 : 60);
	if (facts->sliding && auth->settings->session.renew_below < below)
		below = auth->settings->session.renew_below;
	return below;
}

enum facts_result facts_renew(const struct auth *auth, const struct caller *caller,
	const struct token *token, struct facts *facts)
{
	struct store *store = auth->store;
	struct arena *arena = caller->arena;
	const char *uid = token->sub.text;
	struct store_value reply = { 0 };
	struct store_command command = store_call(STORE_SESSION_RENEW, 3, true);

	store_arg(&command, store_key_session(store, arena, uid, token->sid));
	store_arg(&command, store_key_sessions(store, arena, uid));
	store_arg(&command, store_key_seen(store, arena, uid, token->sid));
	store_arg(&command, token->sid);
	store_arg_int(&command, arena, facts_renew_below(auth, facts));
	store_arg_int(&command, arena,
		facts->sliding ? auth->settings->session.renew_by : facts->idle_sec);
	if (store_run_one(store, arena, caller->deadline, &command, &reply) != STORE_OK)
		return FACTS_FAULT;
	facts->left_sec = reply.integer;
	return FACTS_OK;
}
