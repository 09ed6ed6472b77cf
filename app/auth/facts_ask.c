/* How the facts are asked for: from memory, alone, or for several tokens in one round trip. */
#include <string.h>

#include "auth/auth.h"
#include "auth/device.h"
#include "auth/facts.h"
#include "auth/facts_own.h"
#include "auth/noted.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/settings.h"

struct facts_keys {
	const char *session, *user, *deny, *realm;
	const struct facts_fields *fields; /* of the user */
};

void facts_split_fields(const struct auth *auth, struct arena *arena, struct facts_fields *out)
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

/* What was asked for last time, if nothing changed since. */
static bool facts_recall(const struct auth *auth, struct arena *arena,
	const struct facts_keys *keys, struct store_value *replies)
{
	struct store_known known[] = {
		{ .key = keys->session, .replies = &replies[AT_SESSION], .count = 2 },
		{ .key = keys->user, .replies = &replies[AT_USER], .count = 1 },
		{ .key = keys->deny, .replies = &replies[AT_DENY], .count = 1 },
		{ .key = keys->realm, .replies = &replies[AT_REALM], .count = 1 },
	};

	if (!store_recall(auth->store, arena, known, sizeof known / sizeof *known))
		return false;
	replies[AT_TTL].integer = known[0].left_ms;
	return true;
}

/* What the store is asked about one token. */
static void facts_put_own(struct store_command *commands, const struct facts_keys *keys)
{
	commands[AT_SESSION] = store_read("HMGET", keys->session, "context", "v", "absolute_end",
		"style", "ended", "i", NULL);
	commands[AT_TTL] = store_read("PTTL", keys->session, NULL);
	commands[AT_USER] = facts_user_command(keys->user, keys->fields);
	commands[AT_DENY] = store_read("EXISTS", keys->deny, NULL);
	for (int i = 0; i < FACTS_OWN; i++)
		commands[i].mirrored = true;
}

/* And what is the same for all. */
static void facts_put_common(struct store_command *commands, const struct facts_keys *keys)
{
	commands[AT_REALM - FACTS_OWN] = store_read("HGET", keys->realm, "ver", NULL);
	commands[AT_REALM - FACTS_OWN].mirrored = true;
	commands[AT_TIME - FACTS_OWN] = store_read("TIME", NULL);
	/* Who keeps the mirror learns the time as well. */
	commands[AT_TIME - FACTS_OWN].along = true;
}

static enum store_result facts_ask(const struct auth *auth, const struct caller *caller,
	const struct facts_keys *keys, const struct store_command *seen,
	struct store_value *replies)
{
	struct store_command commands[FACTS_COMMANDS];
	size_t count = AT_SEEN;

	facts_put_own(commands, keys);
	facts_put_common(commands + FACTS_OWN, keys);
	if (seen)
		commands[count++] = *seen;
	return store_look_up(
		auth->store, caller->arena, caller->deadline, commands, replies, count);
}

static struct facts_keys facts_make_keys(const struct auth *auth, struct arena *arena,
	const struct token *token, const struct facts_fields *fields)
{
	struct store *store = auth->store;
	const char *uid = token->sub.text;

	return (struct facts_keys){ .session = store_key_session(store, arena, uid, token->sid),
		.user = store_key_user(store, arena, uid),
		.deny = store_key_deny(store, arena, uid, token->jti),
		.realm = store_key(store, arena, "realm"),
		.fields = fields };
}

/* ---- several at once ---- */

struct facts_ahead {
	struct token token;
	int64_t asked_ms;
	struct store_value replies[FACTS_COMMANDS];
};

/* All that is asked, in one line of commands: what is about each token, what is to be noted, what
 * is the same for all. */
struct facts_batch {
	struct store_command *commands;
	struct store_value *replies;
	size_t count, common_at;
};

static void facts_gather(const struct auth *auth, const struct facts_question *questions,
	size_t count, struct facts_batch *batch)
{
	struct arena *arena = questions[0].caller->arena;
	size_t most = count * (FACTS_OWN + 1) + FACTS_COMMANDS - FACTS_OWN;
	struct facts_fields *fields = arena_alloc(arena, sizeof *fields);
	struct facts_keys *keys = arena_alloc(arena, count * sizeof *keys);

	batch->commands = arena_alloc(arena, most * sizeof *batch->commands);
	batch->replies = arena_alloc(arena, most * sizeof *batch->replies);
	facts_split_fields(auth, arena, fields);
	for (size_t i = 0; i < count; i++) {
		keys[i] = facts_make_keys(auth, arena, &questions[i].token, fields);
		facts_put_own(batch->commands + i * FACTS_OWN, &keys[i]);
	}
	batch->count = count * FACTS_OWN;
	for (size_t i = 0; i < count; i++)
		if (noted_is_due(auth, questions[i].caller, questions[i].token.sid))
			batch->commands[batch->count++] = facts_seen_command(
				auth, questions[i].caller, &questions[i].token, keys[i].session);
	batch->common_at = batch->count;
	facts_put_common(batch->commands + batch->count, &keys[0]);
	batch->count += AT_SEEN - FACTS_OWN;
}

void facts_ask_ahead(const struct auth *auth, const struct facts_question *questions, size_t count)
{
	struct facts_batch batch;
	const struct caller *first = questions[0].caller;
	int64_t asked_ms = clock_mono_ms();

	facts_gather(auth, questions, count, &batch);
	if (store_look_up(auth->store, first->arena, first->deadline, batch.commands, batch.replies,
		    batch.count) != STORE_OK)
		return;
	for (size_t i = 0; i < count; i++) {
		struct facts_ahead *ahead = arena_alloc(first->arena, sizeof *ahead);

		ahead->token = questions[i].token;
		ahead->asked_ms = asked_ms;
		memcpy(ahead->replies, batch.replies + i * FACTS_OWN,
			FACTS_OWN * sizeof *ahead->replies);
		memcpy(ahead->replies + FACTS_OWN, batch.replies + batch.common_at,
			(AT_SEEN - FACTS_OWN) * sizeof *ahead->replies);
		questions[i].caller->ahead = ahead;
	}
}

static bool facts_is_ahead(const struct facts_ahead *ahead, const struct token *token)
{
	return ahead && strcmp(ahead->token.jti, token->jti) == 0 &&
	       strcmp(ahead->token.sid, token->sid) == 0 &&
	       strcmp(ahead->token.sub.text, token->sub.text) == 0;
}

/* ---- one ---- */

bool facts_may_ask(const struct auth *auth, const struct caller *caller, const struct token *token)
{
	return caller->patience == CALLER_WAITS || !noted_is_due(auth, caller, token->sid);
}

enum store_result facts_fetch(const struct auth *auth, const struct caller *caller,
	const struct token *token, const struct facts_fields *fields, struct store_value *replies)
{
	struct arena *arena = caller->arena;

	if (facts_is_ahead(caller->ahead, token)) {
		memcpy(replies, caller->ahead->replies, sizeof caller->ahead->replies);
		return STORE_OK;
	}
	const struct facts_keys keys = facts_make_keys(auth, arena, token, fields);
	bool note = noted_is_due(auth, caller, token->sid);
	if (note && caller->patience != CALLER_WAITS)
		return STORE_FAULT;
	if (caller->patience == CALLER_MEMORY_ONLY) {
		if (!facts_recall(auth, arena, &keys, replies))
			return STORE_FAULT;
		counter_add(COUNTER_MIRROR_HITS);
		return STORE_OK;
	}
	if (!note)
		return facts_ask(auth, caller, &keys, NULL, replies);
	struct store_command seen = facts_seen_command(auth, caller, token, keys.session);
	return facts_ask(auth, caller, &keys, &seen, replies);
}

int64_t facts_asked_ms(const struct caller *caller)
{
	return caller->ahead ? caller->ahead->asked_ms : clock_mono_ms();
}
