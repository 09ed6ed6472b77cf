#include "auth/facts.h"

#include <stdatomic.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/device.h"
#include "auth/token.h"
#include "auth/user.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

enum { FACTS_SEEN_SLOTS = 8192, FACTS_EXTRA_MAX = 16 };

/* When each session's use was last noted, by this process: two sessions that share a slot are
 * noted more often than once a minute, never less. */
static atomic_uint_least64_t facts_noted[FACTS_SEEN_SLOTS];

static bool facts_note_is_due(const char *handle)
{
	uint64_t hash = hash_bytes(0, handle, strlen(handle));
	uint64_t minute = (uint64_t)(clock_mono_ms() / 60000) & 0xffffff;
	uint64_t mark = (hash & ~(uint64_t)0xffffff) | minute;
	return atomic_exchange(&facts_noted[hash % FACTS_SEEN_SLOTS], mark) != mark;
}

enum { AT_SESSION, AT_TTL, AT_USER, AT_DENY, AT_REALM, AT_TIME, AT_SEEN, FACTS_COMMANDS };

/* Where the extra fields begin: among the arguments of that command, and among its answers. */
enum { AT_EXTRA_ARG = 6, AT_EXTRA = 4 };

/* HMGET user name roles ver disabled, then the extra fields of the settings. */
static struct store_command facts_user_command(
	const struct auth *auth, struct arena *arena, const char *uid)
{
	struct store_command command = store_read("HMGET", store_key_user(auth->store, arena, uid),
		"name", "roles", "ver", "disabled", NULL);
	char *rest = arena_strdup(arena, auth->settings->users.extra_fields);
	const char *field;

	while ((field = strsep(&rest, ", ")) != NULL &&
		command.argc < AT_EXTRA_ARG + FACTS_EXTRA_MAX)
		if (*field)
			store_arg(&command, field);
	return command;
}

static struct store_command facts_seen_command(
	const struct auth *auth, const struct caller *caller, const struct token *token)
{
	struct store_command command = store_call(STORE_SESSION_SEEN, 2, true);
	char device[DEVICE_MAX + 1];

	device_words(caller->agent, device);
	store_arg(&command,
		store_key_session(auth->store, caller->arena, token->sub.text, token->sid));
	store_arg(
		&command, store_key_seen(auth->store, caller->arena, token->sub.text, token->sid));
	store_arg(&command, caller->address);
	store_arg(&command, arena_strdup(caller->arena, device));
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
	out->left_sec = left;
}

/* False when the record cannot be believed: a name that is not its own, a version that is none. */
static bool facts_fill_user(const struct store_command *asked, const struct store_value *record,
	const struct user_id *id, struct arena *arena, struct facts *out)
{
	const char *disabled = store_item_text(record, 3), *name = store_item_text(record, 0);
	size_t count = asked->argc - AT_EXTRA_ARG;
	struct facts_extra *extra = arena_alloc(arena, (count + 1) * sizeof *extra);
	char normalised[USER_NAME_MAX + 1];

	out->user_exists = name != NULL;
	if (name && !user_name_is_own(name, id, normalised))
		return false;
	out->name = name ? arena_strdup(arena, normalised) : NULL;
	out->roles = store_item_text(record, 1);
	out->user_disabled = user_is_disabled_by(disabled);
	for (size_t i = 0; i < count; i++)
		extra[i] = (struct facts_extra){ .field = asked->argv[AT_EXTRA_ARG + i],
			.value = store_item_text(record, AT_EXTRA + i) };
	out->extra = extra;
	out->extra_count = count;
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

	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
		STORE_OK)
		return FACTS_FAULT;
	store_learn_time(&reply);
	return FACTS_OK;
}

enum facts_result facts_read(const struct auth *auth, const struct caller *caller,
	const struct token *token, struct facts *out)
{
	struct store *store = auth->store;
	struct arena *arena = caller->arena;
	const char *uid = token->sub.text,
		   *session = store_key_session(store, arena, uid, token->sid);
	struct store_command commands[FACTS_COMMANDS];
	struct store_value replies[FACTS_COMMANDS] = { 0 };
	size_t count = FACTS_COMMANDS - 1;

	memset(out, 0, sizeof *out);
	commands[AT_SESSION] = store_read(
		"HMGET", session, "context", "ver", "absolute_end", "style", "ended", NULL);
	commands[AT_TTL] = store_read("PTTL", session, NULL);
	commands[AT_USER] = facts_user_command(auth, arena, uid);
	commands[AT_DENY] =
		store_read("EXISTS", store_key_deny(store, arena, uid, token->jti), NULL);
	commands[AT_REALM] = store_read("HGET", store_key(store, arena, "realm"), "ver", NULL);
	commands[AT_TIME] = store_read("TIME", NULL);
	for (int i = 0; i < AT_TIME; i++)
		commands[i].mirrored = true;
	commands[AT_TIME].along = true; /* who keeps the mirror learns the time as well */
	if (!caller->look_only && facts_note_is_due(token->sid))
		commands[count++] = facts_seen_command(auth, caller, token);
	if (store_look_up(store, arena, caller->deadline, commands, replies, count) != STORE_OK)
		return FACTS_FAULT;
	store_learn_time(&replies[AT_TIME]);
	facts_fill_session(&replies[AT_SESSION], replies[AT_TTL].integer / 1000, out);
	if (!facts_fill_user(&commands[AT_USER], &replies[AT_USER], &token->sub, arena, out) ||
		!user_add_ver(replies[AT_REALM].type == STORE_TEXT ? replies[AT_REALM].text : NULL,
			&out->ver)) {
		log_error("the record of user %s or the realm's cannot be believed", uid);
		return FACTS_FAULT;
	}
	if (auth->userfile)
		facts_fill_from_file(auth, caller, token, out);
	out->denied = replies[AT_DENY].integer != 0;
	out->name = out->name ? out->name : "";
	out->roles = out->roles ? out->roles : "";
	return FACTS_OK;
}

enum facts_result facts_renew(const struct auth *auth, const struct caller *caller,
	const struct token *token, int64_t *left_sec)
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
	store_arg_int(&command, arena, auth->settings->session.renew_below);
	store_arg_int(&command, arena, auth->settings->session.renew_by);
	if (store_run_one(store, arena, caller->deadline, &command, &reply) != STORE_OK)
		return FACTS_FAULT;
	*left_sec = reply.integer;
	return FACTS_OK;
}
