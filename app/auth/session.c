#include "auth/session.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/device.h"
#include "auth/known.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "base/settings.h"
#include "store/store.h"

enum {
	SESSION_START_TRIES = 20,
	SESSION_CONTEXT_BYTES = 5,
	SESSION_KEYS_BEFORE = 5,
	SESSION_CANDIDATES = 20,
	SESSION_SCRATCH_BYTES = 4 * 1024 * 1024
};

void session_handle_of(const uint8_t sid[SESSION_SID_BYTES], char handle[23])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];

	crypto_sha256(digest, sid, SESSION_SID_BYTES);
	encode_base64url(handle, digest, 16);
}

/* The network that an address belongs to, as bytes: a phone that changes its address within its
 * provider's block keeps its session. An address we cannot read stands for itself. */
static size_t session_prefix(const char *address, uint8_t out[16])
{
	if (inet_pton(AF_INET, address, out) == 1)
		return 3; /* /24 */
	if (inet_pton(AF_INET6, address, out) == 1)
		return 7; /* /56 */
	size_t len = strnlen(address, 16);
	memcpy(out, address, len);
	return len;
}

void session_context(const struct caller *caller, char out[SESSION_CONTEXT_LEN + 1])
{
	uint8_t digest[CRYPTO_SHA256_BYTES], prefix[16];

	crypto_sha256(digest, caller->agent, strlen(caller->agent));
	encode_base64url(out, digest, SESSION_CONTEXT_BYTES);
	size_t len = session_prefix(caller->address, prefix);
	crypto_sha256(digest, prefix, len);
	encode_base64url(out + SESSION_CONTEXT_PART, digest, SESSION_CONTEXT_BYTES);
}

bool session_context_fits(const struct caller *caller, const char *before, int64_t bind)
{
	char now[SESSION_CONTEXT_LEN + 1];
	bool by_agent = bind == SETTINGS_BIND_AGENT || bind == SETTINGS_BIND_BOTH;
	bool by_address = bind == SETTINGS_BIND_ADDRESS || bind == SETTINGS_BIND_BOTH;

	if (bind == SETTINGS_BIND_NONE)
		return true;
	if (!before || strlen(before) != SESSION_CONTEXT_LEN)
		return false;
	session_context(caller, now);
	return (!by_agent || strncmp(now, before, SESSION_CONTEXT_PART) == 0) &&
	       (!by_address ||
		       strcmp(now + SESSION_CONTEXT_PART, before + SESSION_CONTEXT_PART) == 0);
}

/* A session that the index names, and since when it lives. */
struct session_age {
	const char *handle;
	int64_t since; /* 0: its record is gone */
};

static int session_compare_age(const void *a, const void *b)
{
	const struct session_age *left = a, *right = b;

	if (left->since != right->since)
		return left->since < right->since ? -1 : 1;
	return strcmp(left->handle, right->handle);
}

/* Those that have to go first stand first: without a record, then the oldest. Only a user who is at
 * the limit costs this question. */
static enum store_result session_find_oldest(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, struct session_age *list, size_t *count)
{
	struct store *store = auth->store;
	struct arena *arena = caller->arena;
	struct store_value index = { 0 };
	const char *index_key = store_key_sessions(store, arena, uid->text);
	struct store_command look = store_read("ZRANGE", index_key, "0", "-1", NULL);

	*count = 0;
	if (store_run_one(store, arena, caller->deadline, &look, &index) != STORE_OK)
		return STORE_FAULT;
	if ((int64_t)index.count < auth->settings->session.max_sessions)
		return STORE_OK;
	struct store_command *commands = arena_alloc(arena, index.count * sizeof *commands);
	struct store_value *replies = arena_alloc(arena, index.count * sizeof *replies);
	struct session_age *all = arena_alloc(arena, index.count * sizeof *all);
	for (size_t i = 0; i < index.count; i++) {
		all[i].handle = store_item_text(&index, i);
		commands[i] = store_read("HGET",
			store_key_session(store, arena, uid->text, all[i].handle), "auth_time",
			NULL);
	}
	if (store_run(store, arena, caller->deadline, commands, replies, index.count) != STORE_OK)
		return STORE_FAULT;
	for (size_t i = 0; i < index.count; i++)
		all[i].since = store_value_int(&replies[i], 0);
	qsort(all, index.count, sizeof *all, session_compare_age);
	*count = index.count < SESSION_CANDIDATES ? index.count : SESSION_CANDIDATES;
	memcpy(list, all, *count * sizeof *list);
	return STORE_OK;
}

/* One attempt: the sessions that may have to go are handed to the script as keys. */
static enum store_result session_start_once(const struct auth *auth, const struct caller *caller,
	const struct store_command *prepared, const struct user_id *uid, struct store_value *reply)
{
	struct session_age oldest[SESSION_CANDIDATES];
	struct store_command command = *prepared;
	size_t count = 0, keys_end = 3 + SESSION_KEYS_BEFORE, tail = prepared->argc - keys_end;

	if (auth->settings->session.max_sessions > 0 &&
		session_find_oldest(auth, caller, uid, oldest, &count) != STORE_OK)
		return STORE_FAULT;
	/* EVALSHA sha nkeys KEYS... ARGV...: the candidates' keys go between. */
	command.argc = keys_end;
	for (size_t i = 0; i < count; i++)
		store_arg(&command,
			store_key_session(auth->store, caller->arena, uid->text, oldest[i].handle));
	for (size_t i = 0; i < tail; i++)
		store_arg(&command, prepared->argv[keys_end + i]);
	for (size_t i = 0; i < count; i++)
		store_arg(&command, oldest[i].handle);
	command.argv[2] = arena_printf(caller->arena, "%zu", SESSION_KEYS_BEFORE + count);
	return store_run_one(auth->store, caller->arena, caller->deadline, &command, reply);
}

static struct store_command session_start_command(const struct auth *auth,
	const struct caller *caller, const struct user *user, const struct session *session)
{
	const struct settings *set = auth->settings;
	struct store *store = auth->store;
	struct arena *arena = caller->arena;
	char context[SESSION_CONTEXT_LEN + 1], device[DEVICE_MAX + 1];
	struct store_command command = store_call(STORE_SESSION_START, SESSION_KEYS_BEFORE, false);
	/* Without "remember me" the shorter limits; with it its own. */
	int64_t idle = session->persist ? set->session.remember_idle : set->session.idle_timeout;
	int64_t absolute =
		session->persist ? set->session.remember_absolute : set->session.absolute_timeout;

	session_context(caller, context);
	device_words(caller->agent, device);
	store_arg(&command, store_key_session(store, arena, user->id.text, session->handle));
	store_arg(&command, store_key_sessions(store, arena, user->id.text));
	store_arg(&command, store_key_seen(store, arena, user->id.text, session->handle));
	/* Filled by session_add_replaced. */
	store_arg(&command, "");
	store_arg(&command, "");
	store_arg(&command, session->handle);
	store_arg(&command, arena_strdup(arena, context));
	store_arg(&command, session->sliding ? "sliding" : "rotate");
	store_arg_int(&command, arena, user->ver);
	store_arg_int(&command, arena, idle);
	store_arg_int(&command, arena, absolute);
	store_arg(&command, session->persist ? "1" : "");
	store_arg(&command, caller->address);
	store_arg(&command, arena_strdup(arena, device));
	store_arg_int(&command, arena, set->session.max_sessions);
	store_arg(
		&command, set->session.on_limit == SETTINGS_LIMIT_REFUSE ? "refuse" : "end_oldest");
	return command;
}

/* Names the session that gives way; without one the new session itself, which is not there yet. */
static void session_add_replaced(const struct auth *auth, const struct caller *caller,
	const struct user *user, const char *replaced, struct store_command *command)
{
	const char *handle = replaced ? replaced : command->argv[3 + SESSION_KEYS_BEFORE];

	command->argv[6] = store_key_session(auth->store, caller->arena, user->id.text, handle);
	command->argv[7] = store_key_seen(auth->store, caller->arena, user->id.text, handle);
	store_arg(command, handle);
}

enum session_result session_start(const struct auth *auth, const struct caller *caller,
	const struct user *user, const struct session_wish *wish, struct session *out)
{
	struct store_value reply = { 0 };

	memset(out, 0, sizeof *out);
	random_bytes(out->sid, sizeof out->sid);
	session_handle_of(out->sid, out->handle);
	out->uid = user->id;
	out->persist = wish->persist;
	out->sliding = auth->settings->session.style == SETTINGS_STYLE_SLIDING;
	out->ver = user->ver;
	struct store_command command = session_start_command(auth, caller, user, out);
	session_add_replaced(auth, caller, user, wish->replaces, &command);
	for (int try = 0; try < SESSION_START_TRIES; try++) {
		if (session_start_once(auth, caller, &command, &user->id, &reply) != STORE_OK)
			return SESSION_FAULT;
		const char *what = store_item_text(&reply, 0);
		if (!what)
			return SESSION_FAULT;
		if (strcmp(what, "limit") == 0)
			return SESSION_LIMIT;
		if (strcmp(what, "ok") != 0)
			continue; /* another sign-in came between: look again */
		out->generation = 1;
		clock_learn_ms(store_item_int(&reply, 1, 0));
		out->now_sec = store_item_int(&reply, 1, 0) / 1000;
		out->rotated_at_sec = out->now_sec;
		out->auth_time = store_item_int(&reply, 2, 0);
		out->idle_end = store_item_int(&reply, 3, 0);
		out->absolute_end = store_item_int(&reply, 4, 0);
		return SESSION_OK;
	}
	log_warn("session_start: too many sign-ins of one user at once");
	return SESSION_FAULT;
}

static struct store_command session_end_command(const struct auth *auth,
	const struct caller *caller, const struct user_id *uid, const char *handle)
{
	struct store_command command = store_call(STORE_SESSION_END, 3, true);

	/* Whether the store is there to hear it or not. */
	known_end_session(auth->known, uid->text, handle);
	store_arg(&command, store_key_session(auth->store, caller->arena, uid->text, handle));
	store_arg(&command, store_key_sessions(auth->store, caller->arena, uid->text));
	store_arg(&command, store_key_seen(auth->store, caller->arena, uid->text, handle));
	store_arg(&command, handle);
	return command;
}

enum session_result session_lives(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *handle)
{
	const char *key = store_key_session(auth->store, caller->arena, uid->text, handle);
	struct store_command look = store_read("HMGET", key, "generation", "ended", NULL);
	struct store_value reply = { 0 };

	if (store_run_one(auth->store, caller->arena, caller->deadline, &look, &reply) != STORE_OK)
		return SESSION_FAULT;
	return store_item_text(&reply, 0) && !store_item_text(&reply, 1) ? SESSION_OK
									 : SESSION_ABSENT;
}

enum session_result session_end(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *handle)
{
	struct store_value reply = { 0 };
	struct store_command command = session_end_command(auth, caller, uid, handle);

	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, &reply) !=
		STORE_OK)
		return SESSION_FAULT;
	return reply.integer == 1 ? SESSION_OK : SESSION_ABSENT;
}

/* What the index names from `first` on, newest end last. */
static enum session_result session_index(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *first, struct store_value *index)
{
	const char *key = store_key_sessions(auth->store, caller->arena, uid->text);
	struct store_command look = store_read("ZRANGE", key, first, "-1", NULL);

	if (store_run_one(auth->store, caller->arena, caller->deadline, &look, index) != STORE_OK)
		return SESSION_FAULT;
	return SESSION_OK;
}

/* Ends those but `keep`; how many of them lived, -1 when the store cannot say. */
static int64_t session_end_batch(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *keep, const struct store_value *batch)
{
	struct store_command *commands =
		arena_alloc(caller->arena, (batch->count + 1) * sizeof *commands);
	struct store_value *replies =
		arena_alloc(caller->arena, (batch->count + 1) * sizeof *replies);
	size_t used = 0;
	int64_t ended = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const char *handle = store_item_text(batch, i);
		if (!keep || strcmp(handle, keep) != 0)
			commands[used++] = session_end_command(auth, caller, uid, handle);
	}
	if (used > 0 && store_run(auth->store, caller->arena, caller->deadline, commands, replies,
				used) != STORE_OK)
		return -1;
	for (size_t i = 0; i < used; i++)
		ended += replies[i].integer == 1;
	return ended;
}

enum session_result session_end_all(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *keep, size_t *count)
{
	struct store_value index = { 0 };
	struct caller own = *caller;
	size_t ended = 0;
	int64_t more = 0;

	if (!keep)
		known_end_user(auth->known, uid->text);
	/* First the version: what is being issued at this moment is refused by it. An account that
	 * is gone has none, and its sessions are refused already. */
	if (!keep && user_supersede(auth, caller, uid) == USER_FAULT)
		return SESSION_FAULT;
	if (session_index(auth, caller, uid, "0", &index) != SESSION_OK)
		return SESSION_FAULT;
	/* In batches, with memory of its own: nobody's number of sessions may exhaust a request's.
	 */
	own.arena = arena_new(SESSION_SCRATCH_BYTES);
	for (size_t i = 0; i < index.count && more >= 0; i += SESSION_BATCH) {
		struct store_value batch = index;
		batch.item += i;
		batch.count = index.count - i < SESSION_BATCH ? index.count - i : SESSION_BATCH;
		more = session_end_batch(auth, &own, uid, keep, &batch);
		ended += more > 0 ? (size_t)more : 0;
		arena_reset(own.arena);
	}
	arena_free(own.arena);
	if (count)
		*count = ended;
	return more < 0 ? SESSION_FAULT : SESSION_OK;
}

static int64_t session_field_int(const struct store_value *list, size_t i)
{
	return store_item_int(list, i, 0);
}

static const char *session_field(const struct store_value *list, size_t i)
{
	const char *text = store_item_text(list, i);

	return text ? text : "";
}

/* Three replies a session: its record, its seen record, when it expires. */
static bool session_fill_info(
	const struct store_value *replies, const char *handle, struct session_info *info)
{
	if (!store_item_text(&replies[0], 0) || store_item_text(&replies[0], 1))
		return false; /* gone, or marked as ended */
	info->handle = handle;
	info->since = session_field_int(&replies[0], 0);
	info->seen = session_field_int(&replies[1], 0);
	info->address = session_field(&replies[1], 1);
	info->agent = session_field(&replies[1], 2);
	info->end = replies[2].integer;
	return true;
}

static void session_sort(struct session_info *list, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct session_info moving = list[i];
		size_t at = i;

		for (; at > 0 && list[at - 1].since < moving.since; at--)
			list[at] = list[at - 1];
		list[at] = moving;
	}
}

/* The last SESSION_LIST_MAX of the index. */
static const char session_list_first[] = "-200";
_Static_assert(SESSION_LIST_MAX == 200, "session_list_first says the same");

enum session_result session_list(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, struct session_info **out, size_t *count)
{
	struct store *store = auth->store;
	struct arena *arena = caller->arena;
	struct store_value index = { 0 };
	size_t living = 0;

	if (session_index(auth, caller, uid, session_list_first, &index) != SESSION_OK)
		return SESSION_FAULT;
	struct store_command *commands =
		arena_alloc(arena, (3 * index.count + 1) * sizeof *commands);
	struct store_value *replies = arena_alloc(arena, (3 * index.count + 1) * sizeof *replies);
	for (size_t i = 0; i < index.count; i++) {
		const char *handle = store_item_text(&index, i);
		const char *key = store_key_session(store, arena, uid->text, handle);
		const char *seen = store_key_seen(store, arena, uid->text, handle);

		commands[3 * i] = store_read("HMGET", key, "auth_time", "ended", NULL);
		commands[3 * i + 1] = store_read("HMGET", seen, "at", "address", "agent", NULL);
		commands[3 * i + 2] = store_read("EXPIRETIME", key, NULL);
	}
	if (index.count > 0 && store_run(store, arena, caller->deadline, commands, replies,
				       3 * index.count) != STORE_OK)
		return SESSION_FAULT;
	*out = arena_alloc(arena, (index.count + 1) * sizeof **out);
	for (size_t i = 0; i < index.count; i++)
		living += session_fill_info(
			&replies[3 * i], store_item_text(&index, i), *out + living);
	session_sort(*out, living);
	*count = living;
	return SESSION_OK;
}
