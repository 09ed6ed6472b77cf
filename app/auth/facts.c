#include "auth/facts.h"

#include <stdatomic.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/device.h"
#include "auth/known.h"
#include "auth/token.h"
#include "auth/user.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

enum { FACTS_NOTED_SETS = 131072, FACTS_NOTED_WAYS = 8, FACTS_NOTED_TURN = 0xffffff };

enum { FACTS_EXTRA_MAX = 16 };

/* When each session's use was last noted, by this process: of its hash what is above the turn, and
 * the turn (turns of seen_every are counted). More than a million sessions in a turn are noted more
 * often, never less. */
static atomic_uint_least64_t facts_noted[FACTS_NOTED_SETS][FACTS_NOTED_WAYS];

/* The place that holds the mark, else that of the oldest one among those it may take. */
static atomic_uint_least64_t *facts_note_place(uint64_t hash, uint64_t mark)
{
	atomic_uint_least64_t *way = facts_noted[hash % FACTS_NOTED_SETS], *oldest = way;
	uint64_t most = 0;

	for (int i = 0; i < FACTS_NOTED_WAYS; i++) {
		uint64_t other = atomic_load(&way[i]);
		/* One more: a session whose turn began earlier may be ahead by one. */
		uint64_t age = (mark + 1 - other) & FACTS_NOTED_TURN;

		if (other == mark)
			return &way[i];
		if (age > most) {
			most = age;
			oldest = &way[i];
		}
	}
	return oldest;
}

static bool facts_note_is_due(
	const struct auth *auth, const struct caller *caller, const char *handle)
{
	uint64_t hash = hash_bytes(0, handle, strlen(handle));
	uint64_t turn_ms = (uint64_t)auth->settings->session.seen_every * 1000;
	/* The sessions' turns begin one after the other, or all would be noted at once. */
	uint64_t turn = ((uint64_t)clock_mono_ms() + hash % turn_ms) / turn_ms + 1;
	uint64_t mark = (hash & ~(uint64_t)FACTS_NOTED_TURN) | (turn & FACTS_NOTED_TURN);
	atomic_uint_least64_t *noted = facts_note_place(hash, mark);

	if (caller->look_only || atomic_load(noted) == mark)
		return false;
	if (!caller->memory_only)
		atomic_store(noted, mark);
	return true;
}

enum { AT_SESSION, AT_TTL, AT_USER, AT_DENY, AT_REALM, AT_TIME, AT_SEEN, FACTS_COMMANDS };

/* Where the extra fields begin among the answers about the user. */
enum { AT_EXTRA = 4 };

/* [users] extra_fields, taken apart. */
struct facts_fields {
	const char *name[FACTS_EXTRA_MAX];
	size_t count;
};

struct facts_keys {
	const char *session, *user, *deny, *realm;
	const struct facts_fields *fields; /* of the user */
};

static void facts_split_fields(
	const struct auth *auth, struct arena *arena, struct facts_fields *out)
{
	const char *list = auth->settings->users.extra_fields, *field;
	char *rest = *list ? arena_strdup(arena, list) : NULL;

	out->count = 0;
	while (rest && out->count < FACTS_EXTRA_MAX && (field = strsep(&rest, ", ")) != NULL)
		if (*field)
			out->name[out->count++] = field;
}

static struct store_command facts_user_command(const char *key, const struct facts_fields *fields)
{
	struct store_command command =
		store_read("HMGET", key, "name", "roles", "ver", "disabled", NULL);

	for (size_t i = 0; i < fields->count; i++)
		store_arg(&command, fields->name[i]);
	return command;
}

static struct store_command facts_seen_command(const struct auth *auth, const struct caller *caller,
	const struct token *token, const char *session)
{
	struct store_command command = store_call(STORE_SESSION_SEEN, 2, true);
	char device[DEVICE_MAX + 1];

	device_words(caller->agent, device);
	store_arg(&command, session);
	store_arg(
		&command, store_key_seen(auth->store, caller->arena, token->sub.text, token->sid));
	store_arg(&command, caller->address);
	store_arg(&command, arena_strdup(caller->arena, device));
	store_arg_int(&command, caller->arena, auth->settings->session.seen_every);
	command.optional = true;
	return command;
}

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

	if (caller->memory_only || store_run_one(auth->store, caller->arena, caller->deadline,
					   &command, &reply) != STORE_OK)
		return FACTS_FAULT;
	store_learn_time(&reply);
	return FACTS_OK;
}

/* What was asked for last time, if nothing changed since. */
static bool facts_recall(const struct auth *auth, struct arena *arena,
	const struct facts_keys *keys, struct store_value *replies)
{
	struct store *store = auth->store;
	struct store_known session = { .replies = &replies[AT_SESSION], .count = 2 },
			   user = { .replies = &replies[AT_USER], .count = 1 },
			   deny = { .replies = &replies[AT_DENY], .count = 1 },
			   realm = { .replies = &replies[AT_REALM], .count = 1 };

	if (!store_recall(store, arena, keys->session, &session) ||
		!store_recall(store, arena, keys->user, &user) ||
		!store_recall(store, arena, keys->deny, &deny) ||
		!store_recall(store, arena, keys->realm, &realm))
		return false;
	replies[AT_TTL].integer = session.left_ms;
	return true;
}

static enum store_result facts_ask(const struct auth *auth, const struct caller *caller,
	const struct facts_keys *keys, const struct store_command *seen,
	struct store_value *replies)
{
	struct store_command commands[FACTS_COMMANDS];
	size_t count = FACTS_COMMANDS - 1;

	commands[AT_SESSION] = store_read("HMGET", keys->session, "context", "ver", "absolute_end",
		"style", "ended", "idle", NULL);
	commands[AT_TTL] = store_read("PTTL", keys->session, NULL);
	commands[AT_USER] = facts_user_command(keys->user, keys->fields);
	commands[AT_DENY] = store_read("EXISTS", keys->deny, NULL);
	commands[AT_REALM] = store_read("HGET", keys->realm, "ver", NULL);
	commands[AT_TIME] = store_read("TIME", NULL);
	for (int i = 0; i < AT_TIME; i++)
		commands[i].mirrored = true;
	commands[AT_TIME].along = true; /* who keeps the mirror learns the time as well */
	if (seen)
		commands[count++] = *seen;
	return store_look_up(
		auth->store, caller->arena, caller->deadline, commands, replies, count);
}

static enum store_result facts_fetch(const struct auth *auth, const struct caller *caller,
	const struct token *token, const struct facts_fields *fields, struct store_value *replies)
{
	struct store *store = auth->store;
	struct arena *arena = caller->arena;
	const char *uid = token->sub.text;
	const struct facts_keys keys = {
		.session = store_key_session(store, arena, uid, token->sid),
		.user = store_key_user(store, arena, uid),
		.deny = store_key_deny(store, arena, uid, token->jti),
		.realm = store_key(store, arena, "realm"),
		.fields = fields,
	};
	bool note = facts_note_is_due(auth, caller, token->sid);

	if (caller->memory_only) {
		if (note || !facts_recall(auth, arena, &keys, replies))
			return STORE_FAULT;
		counter_add(COUNTER_MIRROR_HITS);
		return STORE_OK;
	}
	if (!note)
		return facts_ask(auth, caller, &keys, NULL, replies);
	struct store_command seen = facts_seen_command(auth, caller, token, keys.session);
	return facts_ask(auth, caller, &keys, &seen, replies);
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
