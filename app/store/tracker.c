#include "store/tracker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/mirror.h"
#include "store/wire.h"

enum { TRACKER_ARENA_BYTES = 32 << 20, TRACKER_CONNECT_MS = 1000, TRACKER_PAUSE_MS = 100 };

struct tracker {
	struct mirror *mirror;
	struct tracker_config config;
	pthread_t thread;
	atomic_bool stopping;
	struct arena *arena;
	struct wire *subscriber, *control;
	bool complained;
};

static struct wire_call tracker_call(struct tracker *tracker, int64_t ms)
{
	arena_reset(tracker->arena);
	return (struct wire_call){ .arena = tracker->arena, .deadline = deadline_in_ms(ms) };
}

/* One command and its answer; false on any fault. */
static bool tracker_ask(struct tracker *tracker, struct wire *wire,
	const struct store_command *command, struct store_value *reply)
{
	struct wire_call call = tracker_call(tracker, tracker->config.lease_ms);
	struct wire_reply answer = { .error = NULL };

	if (wire_exchange(wire, &call, &command, &answer, 1) != WIRE_OK || answer.error) {
		if (!tracker->complained)
			log_warn("the mirror is off: %s: %s", command->argv[0],
				answer.error ? answer.error : call.why);
		tracker->complained = true;
		return false;
	}
	*reply = answer.value;
	return true;
}

/* CLIENT TRACKING ON REDIRECT id BCAST PREFIX dw:session: PREFIX ... */
static bool tracker_switch_on(struct tracker *tracker, int64_t id)
{
	static const char *const kinds[] = { "session:", "user:", "deny:", "realm" };
	char prefix[4][96], number[32];
	struct store_value reply;
	struct store_command command = store_read("CLIENT", "TRACKING", "ON", "REDIRECT", NULL);

	snprintf(number, sizeof number, "%lld", (long long)id);
	store_arg(&command, number);
	store_arg(&command, "BCAST");
	for (int i = 0; i < 4; i++) {
		snprintf(prefix[i], sizeof prefix[i], "%s%s", tracker->config.prefix, kinds[i]);
		store_arg(&command, "PREFIX");
		store_arg(&command, prefix[i]);
	}
	return tracker_ask(tracker, tracker->control, &command, &reply);
}

static bool tracker_connect(struct tracker *tracker)
{
	const struct tracker_config *config = &tracker->config;
	struct store_command id = store_read("CLIENT", "ID", NULL);
	struct store_command subscribe = store_read("SUBSCRIBE", "__redis__:invalidate", NULL);
	struct store_value reply;
	struct wire_call call = tracker_call(tracker, TRACKER_CONNECT_MS);

	if (wire_open(&tracker->subscriber, &config->target, config->password, &call) != WIRE_OK)
		return false;
	call = tracker_call(tracker, TRACKER_CONNECT_MS);
	if (wire_open(&tracker->control, &config->target, config->password, &call) != WIRE_OK ||
		!tracker_ask(tracker, tracker->subscriber, &id, &reply))
		return false;
	int64_t own_id = reply.integer;
	return tracker_ask(tracker, tracker->subscriber, &subscribe, &reply) &&
	       tracker_switch_on(tracker, own_id);
}

static void tracker_disconnect(struct tracker *tracker)
{
	/* First nothing counts any more, then nothing is left. */
	mirror_lease_until(tracker->mirror, 0);
	mirror_flush(tracker->mirror);
	wire_close(tracker->subscriber);
	wire_close(tracker->control);
	tracker->subscriber = tracker->control = NULL;
}

/* ["message", channel, [key, ...]], the list nil for "all of them". */
static void tracker_apply(struct tracker *tracker, const struct store_value *keys)
{
	if (keys->type != STORE_LIST) {
		mirror_flush(tracker->mirror);
		return;
	}
	for (size_t i = 0; i < keys->count; i++)
		mirror_forget(tracker->mirror, keys->item[i].text, keys->item[i].len);
}

/* Applies what comes until `until`, or until the heartbeat is answered. */
static bool tracker_listen(struct tracker *tracker, struct deadline until, bool *answered)
{
	while (deadline_left_ms(until) > 0 && !atomic_load(&tracker->stopping)) {
		struct wire_call call = { .arena = tracker->arena, .deadline = until };
		struct wire_reply message;

		arena_reset(tracker->arena);
		enum wire_result result = wire_receive(tracker->subscriber, &call, &message);
		if (result == WIRE_LATE)
			return true;
		const char *kind = store_item_text(&message.value, 0);
		if (result != WIRE_OK || message.error || !kind)
			return false;
		if (strcmp(kind, "pong") == 0) {
			*answered = true;
			return true;
		}
		if (strcmp(kind, "message") == 0 && message.value.count == 3)
			tracker_apply(tracker, &message.value.item[2]);
	}
	return true;
}

/* The subscriber's answers come in order with its messages: an answered PING proves that every
 * earlier invalidation was read. The control connection's answer proves that tracking is still on,
 * and tells the store's time. */
static bool tracker_beat(struct tracker *tracker)
{
	static const struct store_command ping = { .argv = { "PING" }, .argc = 1, .script = -1 };
	static const struct store_command time = { .argv = { "TIME" }, .argc = 1, .script = -1 };
	int64_t sent_at = clock_mono_ms();
	struct deadline lease_end = { .at_mono_ms = sent_at + tracker->config.lease_ms };
	struct wire_call call = { .arena = tracker->arena, .deadline = lease_end };
	struct store_value now;
	bool answered = false;

	if (wire_send(tracker->subscriber, &call, &ping) != WIRE_OK)
		return false;
	if (!tracker_ask(tracker, tracker->control, &time, &now))
		return false;
	store_learn_time(&now);
	if (!tracker_listen(tracker, lease_end, &answered) || !answered)
		return false;
	mirror_lease_until(tracker->mirror, lease_end.at_mono_ms);
	struct deadline next = { .at_mono_ms = sent_at + tracker->config.heartbeat_ms };
	bool unasked = false;
	return tracker_listen(tracker, next, &unasked) && !unasked;
}

static void tracker_pause(const struct tracker *tracker)
{
	struct timespec pause = { .tv_nsec = (long)TRACKER_PAUSE_MS * 1000 * 1000 };

	if (!atomic_load(&tracker->stopping))
		nanosleep(&pause, NULL);
}

static void *tracker_run(void *argument)
{
	struct tracker *tracker = argument;

	while (!atomic_load(&tracker->stopping)) {
		if (tracker_connect(tracker)) {
			/* What was fetched while nobody listened. */
			mirror_flush(tracker->mirror);
			tracker->complained = false;
			while (!atomic_load(&tracker->stopping) && tracker_beat(tracker))
				;
		}
		tracker_disconnect(tracker);
		tracker_pause(tracker);
	}
	return NULL;
}

struct tracker *tracker_start(struct mirror *mirror, const struct tracker_config *config)
{
	struct tracker *tracker = calloc(1, sizeof *tracker);
	sigset_t all, before;

	if (!tracker)
		fatal("out of memory: the mirror");
	tracker->mirror = mirror;
	tracker->config = *config;
	tracker->arena = arena_new(TRACKER_ARENA_BYTES);
	/* The program's signals are for its main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&tracker->thread, NULL, tracker_run, tracker) != 0)
		fatal("a thread could not be started");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return tracker;
}

void tracker_stop(struct tracker *tracker)
{
	if (!tracker)
		return;
	atomic_store(&tracker->stopping, true);
	pthread_join(tracker->thread, NULL);
	tracker_disconnect(tracker);
	arena_free(tracker->arena);
	free(tracker);
}
