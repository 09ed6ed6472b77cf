#include "store/store.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/log.h"
#include "store/breaker.h"
#include "store/complaint.h"
#include "store/mirror.h"
#include "store/pool.h"
#include "store/script.h"
#include "store/tracker.h"
#include "store/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store {
	char *password;
	char *prefix;
	int64_t timeout_ms;
	struct pool pool;
	struct script_shas scripts;
	struct breaker breaker;
	struct complaint complaint;
	struct mirror *mirror; /* NULL: none */
	struct tracker *tracker;
};

/* One store_run. */
struct run {
	struct store *store;
	struct store_command *commands;
	struct wire_reply *replies;
	size_t count;
	struct wire_call call;
	bool patient; /* had time enough that lateness is the store's fault */
};

const char *store_version(void)
{
	return wire_version();
}

static char *copy_text(const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		fatal("out of memory: the store");
	return copy;
}

struct store *store_new(const struct store_config *config, char *error, size_t error_size)
{
	struct target target;
	if (!target_parse(&target, config->url, error, error_size))
		return NULL;
	if (target.user[0] && !config->password) {
		(void)snprintf(error, error_size,
			"the URL of Redis names a user, but there is no password_file");
		return NULL;
	}
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		fatal("out of memory: the store");
	store->password = config->password ? copy_text(config->password) : NULL;
	store->prefix = copy_text(config->prefix);
	store->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : 1;
	store->pool.target = target;
	store->pool.password = store->password;
	pool_init(&store->pool);
	pthread_mutex_init(&store->scripts.mutex, NULL);
	complaint_init(&store->complaint);
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	tracker_stop(store->tracker);
	mirror_free(store->mirror);
	pool_wipe(&store->pool);
	pthread_mutex_destroy(&store->scripts.mutex);
	complaint_wipe(&store->complaint);
	if (store->password)
		crypto_wipe(store->password, strlen(store->password));
	free(store->password);
	free(store->prefix);
	free(store);
}

void store_start_mirror(struct store *store, const struct store_mirror_config *config)
{
	struct tracker_config tracker = { .target = store->pool.target,
		.password = store->password,
		.prefix = store->prefix,
		.heartbeat_ms = config->heartbeat_ms,
		.lease_ms = config->lease_ms };
	store->mirror = mirror_new(config->max_entries);
	store->tracker = tracker_start(store->mirror, &tracker);
}

struct mirror *store_mirror(struct store *store)
{
	return store->mirror;
}

struct deadline store_deadline(const struct store *store, struct deadline outer)
{
	struct deadline own = deadline_in_ms(store->timeout_ms);
	return own.at_mono_ms < outer.at_mono_ms ? own : outer;
}

/* Commands. */

static void add_arg(struct store_command *command, const char *text)
{
	if (!text || command->argc == STORE_ARGS_MAX)
		fatal("%s for Redis: argument %zu is %s", command->argv[0], command->argc,
			text ? "one too many" : "missing");
	command->argv[command->argc++] = text;
}

static struct store_command new_command(bool repeatable, const char *name, va_list args)
{
	struct store_command command = { .repeatable = repeatable, .script = -1 };
	for (const char *text = name; text; text = va_arg(args, const char *))
		add_arg(&command, text);
	return command;
}

struct store_command store_read(const char *name, ...)
{
	va_list args;
	va_start(args, name);
	struct store_command command = new_command(true, name, args);
	va_end(args);
	return command;
}

struct store_command store_write(const char *name, ...)
{
	va_list args;
	va_start(args, name);
	struct store_command command = new_command(false, name, args);
	va_end(args);
	return command;
}

struct store_command store_call(enum store_script script, int keys, bool repeatable)
{
	static const char *const numbers[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	if (keys < 0 || keys >= (int)(sizeof(numbers) / sizeof(numbers[0])))
		fatal("%s.lua with %d keys", script_name(script), keys);
	/* argv[1], the SHA, is filled in when the command is sent. */
	return (struct store_command){ .argv = { "EVALSHA", "", numbers[keys] },
		.argc = 3,
		.repeatable = repeatable,
		.script = (int)script };
}

void store_arg(struct store_command *command, const char *text)
{
	add_arg(command, text);
}

void store_arg_int(struct store_command *command, struct arena *arena, int64_t number)
{
	add_arg(command, arena_int(arena, number));
}

/* Running. */

static bool has_script(const struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->commands[i].script >= 0)
			return true;
	return false;
}

static bool is_unknown_script(const struct wire_reply *reply)
{
	return reply->error && strncmp(reply->error, "NOSCRIPT", 8) == 0;
}

static bool has_unknown_script(const struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (is_unknown_script(&run->replies[i]))
			return true;
	return false;
}

/* Sends the commands that have no reply yet, or only NOSCRIPT: those did not run. */
static enum wire_result exchange(struct run *run, struct wire *wire, bool unknown_only)
{
	struct arena *arena = run->call.arena;
	const struct store_command **commands =
		arena_alloc(arena, run->count * sizeof(const struct store_command *));
	struct wire_reply *replies = arena_alloc(arena, run->count * sizeof(*replies));
	size_t *place = arena_alloc(arena, run->count * sizeof(*place));
	size_t count = 0;
	for (size_t i = 0; i < run->count; i++) {
		struct store_command *command = &run->commands[i];
		if (unknown_only && !is_unknown_script(&run->replies[i]))
			continue;
		if (command->script >= 0)
			command->argv[1] = run->store->scripts.sha[command->script];
		commands[count] = command;
		place[count++] = i;
	}
	enum wire_result result = wire_exchange(wire, &run->call, commands, replies, count);
	for (size_t i = 0; i < count && result == WIRE_OK; i++)
		run->replies[place[i]] = replies[i];
	return result;
}

static enum wire_result exchange_all(struct run *run, struct wire *wire)
{
	struct script_shas *scripts = &run->store->scripts;
	enum wire_result result = WIRE_OK;
	if (has_script(run) && !atomic_load(&scripts->known))
		result = script_load(scripts, wire, &run->call);
	if (result == WIRE_OK)
		result = exchange(run, wire, false);
	/* The server was restarted, or is another one after a failover. */
	if (result == WIRE_OK && has_unknown_script(run)) {
		result = script_load(scripts, wire, &run->call);
		if (result == WIRE_OK)
			result = exchange(run, wire, true);
	}
	return result;
}

/* An error reply is a fault of the whole call. The text ends before Redis quotes arguments. */
static enum wire_result check_errors(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		const struct store_command *command = &run->commands[i];
		const char *error = run->replies[i].error;
		if (!error)
			continue;
		const char *end = strstr(error, ", with args beginning");
		(void)snprintf(run->call.why, sizeof(run->call.why), "%s: %.*s",
			command->script < 0 ? command->argv[0]
					    : script_name((enum store_script)command->script),
			end ? (int)(end - error) : 150, error);
		return WIRE_FAULT;
	}
	return WIRE_OK;
}

static enum wire_result attempt(struct run *run)
{
	struct pool *pool = &run->store->pool;
	struct wire *wire = NULL;
	enum wire_result result = pool_take(pool, &run->call, &wire);
	if (result == WIRE_OK)
		result = exchange_all(run, wire);
	/* An error reply closes the connection too: after READONLY or LOADING, the next one may
	 * reach another server. */
	if (result == WIRE_OK)
		result = check_errors(run);
	if (result == WIRE_OK)
		pool_give(pool, wire);
	else
		wire_close(wire);
	return result;
}

static bool is_repeatable(const struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (!run->commands[i].repeatable)
			return false;
	return true;
}

static enum wire_result attempt_twice(struct run *run)
{
	enum wire_result result = attempt(run);
	if (result == WIRE_CLOSED && (!run->call.sent || is_repeatable(run))) {
		pool_clear(&run->store->pool);
		result = attempt(run);
	}
	return result;
}

static void settle_ok(struct store *store)
{
	int64_t open_ms, refused;
	if (breaker_close(&store->breaker, &open_ms, &refused))
		log_warn("store %s: answers again after %lld ms, %lld calls were refused",
			store->pool.target.name, (long long)open_ms, (long long)refused);
}

static void settle_fault(struct run *run, enum wire_result result, bool probe)
{
	struct store *store = run->store;
	bool absent = result == WIRE_LATE || result == WIRE_UNREACHABLE;
	bool hurried = !run->patient && deadline_left_ms(run->call.deadline) == 0;
	if (absent && !hurried) {
		/* What is idle was open to the server that does not answer. */
		pool_clear(&store->pool);
		if (breaker_open(&store->breaker, probe))
			log_error("store %s: %s; calls are refused until it answers",
				store->pool.target.name, run->call.why);
		return;
	}
	if (probe)
		breaker_leave(&store->breaker);
	complaint_log(&store->complaint, "store %s: %s", store->pool.target.name, run->call.why);
}

static enum store_result run_within(struct run *run)
{
	struct store *store = run->store;
	int64_t left_ms = deadline_left_ms(run->call.deadline);
	run->patient = left_ms * 2 >= store->timeout_ms;
	enum breaker_pass pass = breaker_enter(&store->breaker, store->timeout_ms);
	if (pass == BREAKER_REFUSE)
		return STORE_FAULT;
	enum wire_result result = attempt_twice(run);
	if (result == WIRE_OK)
		settle_ok(store);
	else
		settle_fault(run, result, pass == BREAKER_PROBE);
	return result == WIRE_OK ? STORE_OK : STORE_FAULT;
}

/* NOLINTNEXTLINE(readability-function-size): the sixth parameter is the length of two arrays. */
enum store_result store_run(struct store *store, struct arena *arena, struct deadline deadline,
	struct store_command *commands, struct store_value *replies, size_t count)
{
	struct run run = { .store = store,
		.commands = commands,
		.replies = arena_alloc(arena, count * sizeof(*run.replies)),
		.count = count,
		.call = { .arena = arena, .deadline = store_deadline(store, deadline) } };
	enum store_result result = run_within(&run);
	for (size_t i = 0; i < count; i++)
		replies[i] = result == STORE_OK ? run.replies[i].value
						: (struct store_value){ .text = "" };
	return result;
}

/* Keys. */

const char *store_key(const struct store *store, struct arena *arena, const char *rest)
{
	return arena_join(arena, store->prefix, rest, NULL);
}

const char *store_key_user(const struct store *store, struct arena *arena, const char *uid)
{
	return arena_join(arena, store->prefix, "user:{", uid, "}", NULL);
}

const char *store_key_sessions(const struct store *store, struct arena *arena, const char *uid)
{
	return arena_join(arena, store->prefix, "sessions:{", uid, "}", NULL);
}

const char *store_key_session(
	const struct store *store, struct arena *arena, const char *uid, const char *handle)
{
	return arena_join(arena, store->prefix, "session:{", uid, "}:", handle, NULL);
}

const char *store_key_seen(
	const struct store *store, struct arena *arena, const char *uid, const char *handle)
{
	return arena_join(arena, store->prefix, "seen:{", uid, "}:", handle, NULL);
}

const char *store_key_deny(
	const struct store *store, struct arena *arena, const char *uid, const char *jti)
{
	return arena_join(arena, store->prefix, "deny:{", uid, "}:", jti, NULL);
}

/* Values. */

const char *store_item_text(const struct store_value *list, size_t i)
{
	if (list->type != STORE_LIST || i >= list->count || list->item[i].type != STORE_TEXT)
		return NULL;
	return list->item[i].text;
}

int64_t store_value_int(const struct store_value *value, int64_t otherwise)
{
	if (value->type == STORE_INT)
		return value->integer;
	/* What a hash holds is text. */
	if (value->type != STORE_TEXT || !value->text[0] || !strchr("-0123456789", value->text[0]))
		return otherwise;
	char *end;
	errno = 0;
	long long number = strtoll(value->text, &end, 10);
	return end != value->text && *end == '\0' && errno == 0 ? number : otherwise;
}

int64_t store_item_int(const struct store_value *list, size_t i, int64_t otherwise)
{
	if (list->type != STORE_LIST || i >= list->count)
		return otherwise;
	return store_value_int(&list->item[i], otherwise);
}

void store_learn_time(const struct store_value *reply)
{
	int64_t sec = store_item_int(reply, 0, 0);

	clock_learn_ms(sec * 1000 + store_item_int(reply, 1, 0) / 1000);
}
