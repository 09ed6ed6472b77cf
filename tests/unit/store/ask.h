/* What the tests of the store share: a private Redis, one store, questions in one line each. */
#ifndef DOORWARD_TESTS_STORE_ASK_H
#define DOORWARD_TESTS_STORE_ASK_H

#include "check.h"
#include "redis.h"

#include "base/arena.h"
#include "base/log.h"
#include "store/store.h"

/* Of one that is asked while it hangs; elsewhere a machine that pauses for a moment spoils nothing.
 */
enum { TIME_MS = 250, PATIENT_MS = 5000 };
static int timeout_ms = PATIENT_MS;

static struct arena *arena;
static struct store *store;
static char log_path[96];

static inline struct store *new_store(const char *url, const char *password)
{
	char error[256] = "";
	struct store_config config = {
		.url = url, .password = password, .prefix = "dw:", .timeout_ms = timeout_ms
	};
	struct store *made = store_new(&config, error, sizeof(error));
	if (!made)
		fprintf(stderr, "%s: %s\n", url, error);
	return made;
}

static inline enum store_result run_on(
	struct store *on, struct store_command command, struct store_value *reply)
{
	return store_run_one(on, arena, deadline_in_ms(10000), &command, reply);
}

static inline enum store_result run(struct store_command command, struct store_value *reply)
{
	return run_on(store, command, reply);
}

/* The text of the reply, or what it is instead. */
static inline const char *say(struct store_command command)
{
	struct store_value reply;
	if (run(command, &reply) != STORE_OK)
		return "fault";
	if (reply.type == STORE_INT)
		return arena_printf(arena, ":%lld", (long long)reply.integer);
	if (reply.type == STORE_LIST)
		return arena_printf(arena, "list of %zu", reply.count);
	return reply.type == STORE_NIL ? "nil" : reply.text;
}

static inline const char *say_get(const char *key)
{
	return say(store_read("GET", key, NULL));
}

/* Asks again and again while the breaker is open; how long it took. */
static inline int64_t wait_until_it_answers(struct store *asked)
{
	struct store_value reply;
	int64_t start_ms = clock_mono_ms();
	while (run_on(asked, store_read("PING", NULL), &reply) != STORE_OK) {
		if (clock_mono_ms() - start_ms > 10000)
			break;
		redis_sleep_ms(5);
	}
	return clock_mono_ms() - start_ms;
}

/* Every test begins so: an empty Redis, a new store. */
static inline void begin(void)
{
	arena_reset(arena);
	(void)redis_command("FLUSHALL");
	store_free(store);
	store = new_store(redis_url(), NULL);
}

static inline const char *read_log(void)
{
	static char text[65536];
	FILE *file = fopen(log_path, "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[len] = '\0';
	if (file)
		fclose(file);
	return text;
}

static inline void clear_log(void)
{
	if (truncate(log_path, 0) != 0)
		redis_die(log_path);
}

static inline int count_in_log(const char *words)
{
	int count = 0;
	for (const char *at = read_log(); (at = strstr(at, words)); at++)
		count++;
	return count;
}

static inline void ask_start(void)
{
	redis_start();
	snprintf(log_path, sizeof(log_path), "%s/log", redis_server.folder);
	if (!log_open(log_path, LOG_FORMAT_TEXT, LOG_LEVEL_WARN))
		redis_die(log_path);
	arena = arena_new(16 << 20);
}

static inline int ask_stop(void)
{
	store_free(store);
	arena_free(arena);
	redis_stop();
	return check_result();
}

#endif
