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
#include "store/topology.h"
#include "store/wire.h"

enum { TRACKER_ARENA_BYTES = 32 << 20, TRACKER_CONNECT_MS = 1000, TRACKER_PAUSE_MS = 100 };

/* Of one node. */
struct tracker {
	struct tracker_set *set;
	struct node *node;
	pthread_t thread;
	struct arena *arena;
	struct arena *messages; /* to the subscriber; of one that came in part, too */
	struct connection subscriber, control;
	struct topology_view view;
	bool complained;
};

struct tracker_set {
	struct mirror *mirror;
	struct tracker_config config;
	atomic_bool stopping;
	pthread_mutex_t mutex;
	unsigned version; /* of the topology, as the mirror knows it */
	size_t count;
	struct tracker *tracker[TOPOLOGY_NODES_MAX];
};

_Static_assert((int)TOPOLOGY_NODES_MAX <= (int)MIRROR_SOURCES_MAX, "a source for each node");

static struct wire_call tracker_call(struct tracker *tracker, int64_t ms)
{
	arena_reset(tracker->arena);
	return (struct wire_call){ .arena = tracker->arena, .deadline = deadline_in_ms(ms) };
}

/* Commands and their answers; false on any fault. */
static bool tracker_ask(struct tracker *tracker, struct wire *wire,
	const struct store_command *const *commands, struct wire_reply *answers, size_t count)
{
	struct wire_call call = tracker_call(tracker, tracker->set->config.lease_ms);
	bool good = wire_exchange(wire, &call, commands, answers, count) == WIRE_OK;
	const char *error = good ? NULL : call.why;
	size_t at = 0;

	for (size_t i = 0; good && i < count && !error; i++)
		error = answers[at = i].error;
	if (error && !tracker->complained)
		log_warn("the mirror is off: %s: %s", commands[at]->argv[0], error);
	tracker->complained |= error != NULL;
	return !error;
}

static bool tracker_ask_one(struct tracker *tracker, struct wire *wire,
	const struct store_command *command, struct store_value *reply)
{
	struct wire_reply answer = { .error = NULL };
	bool good = tracker_ask(tracker, wire, &command, &answer, 1);

	*reply = answer.value;
	return good;
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
		snprintf(
			prefix[i], sizeof prefix[i], "%s%s", tracker->set->config.prefix, kinds[i]);
		store_arg(&command, "PREFIX");
		store_arg(&command, prefix[i]);
	}
	return tracker_ask_one(tracker, tracker->control.wire, &command, &reply);
}

/* Both on one address: the first may have been the old one's. */
static bool tracker_open(struct tracker *tracker)
{
	struct topology *topology = tracker->set->config.topology;
	struct wire_call call = tracker_call(tracker, TRACKER_CONNECT_MS);

	if (topology_open(topology, tracker->node, &call, &tracker->subscriber) != WIRE_OK)
		return false;
	call = tracker_call(tracker, TRACKER_CONNECT_MS);
	return topology_open(topology, tracker->node, &call, &tracker->control) == WIRE_OK &&
	       tracker->control.generation == tracker->subscriber.generation;
}

static bool tracker_connect(struct tracker *tracker)
{
	struct store_command id = store_read("CLIENT", "ID", NULL);
	struct store_command subscribe = store_read("SUBSCRIBE", "__redis__:invalidate", NULL);
	struct store_value reply;

	if (!tracker_open(tracker) ||
		!tracker_ask_one(tracker, tracker->subscriber.wire, &id, &reply))
		return false;
	int64_t own_id = reply.integer;
	if (!tracker_ask_one(tracker, tracker->subscriber.wire, &subscribe, &reply) ||
		!tracker_switch_on(tracker, own_id))
		return false;
	/* False when the address changed in the meantime. */
	return pool_renew_from(&tracker->node->pool, &tracker->control.generation);
}

static void tracker_disconnect(struct tracker *tracker)
{
	/* First nothing counts any more, then nothing is left. */
	mirror_lease_until(tracker->set->mirror, tracker->node->index, 0);
	mirror_flush_source(tracker->set->mirror, tracker->node->index);
	wire_close(tracker->subscriber.wire);
	wire_close(tracker->control.wire);
	tracker->subscriber.wire = tracker->control.wire = NULL;
	arena_reset(tracker->messages);
	memset(&tracker->view, 0, sizeof tracker->view);
}

/* ["message", channel, [key, ...]], the list nil for "all of them". */
static void tracker_apply(struct tracker *tracker, const struct store_value *keys)
{
	if (keys->type != STORE_LIST) {
		mirror_flush(tracker->set->mirror);
		return;
	}
	for (size_t i = 0; i < keys->count; i++)
		mirror_forget(tracker->set->mirror, keys->item[i].text, keys->item[i].len);
}

/* False when it is not for a mirror. */
static bool tracker_take(struct tracker *tracker, const struct wire_reply *message, bool *answered)
{
	const char *kind = message->error ? NULL : store_item_text(&message->value, 0);

	if (!kind)
		return false;
	*answered = strcmp(kind, "pong") == 0;
	if (strcmp(kind, "message") == 0 && message->value.count == 3)
		tracker_apply(tracker, &message->value.item[2]);
	return true;
}

/* Applies what comes until `until`, or until the heartbeat is answered. */
static bool tracker_listen(struct tracker *tracker, struct deadline until, bool *answered)
{
	while (deadline_left_ms(until) > 0 && !atomic_load(&tracker->set->stopping)) {
		struct wire_call call = { .arena = tracker->messages, .deadline = until };
		struct wire_reply message;

		enum wire_result result = wire_receive(tracker->subscriber.wire, &call, &message);
		if (result == WIRE_LATE)
			return true;
		if (result != WIRE_OK || !tracker_take(tracker, &message, answered))
			return false;
		arena_reset(tracker->messages);
		if (*answered)
			return true;
	}
	return true;
}

/* Tells the mirror of nodes that came or went, and starts their trackers. */
static void tracker_sync(struct tracker_set *set);

/* TIME, and what tells whether this is still the node. */
static bool tracker_question(struct tracker *tracker)
{
	static const struct store_command time = { .argv = { "TIME" }, .argc = 1, .script = -1 };
	struct topology *topology = tracker->set->config.topology;
	const struct store_command *commands[1 + TOPOLOGY_QUESTIONS_MAX] = { &time };
	struct wire_reply answers[1 + TOPOLOGY_QUESTIONS_MAX] = { { .error = NULL } };
	size_t count = 1 + topology_questions(topology, &commands[1]);

	if (!tracker_ask(tracker, tracker->control.wire, commands, answers, count))
		return false;
	store_learn_time(&answers[0].value);
	struct wire_call call = { .arena = tracker->arena,
		.deadline = deadline_in_ms(tracker->set->config.lease_ms) };
	if (!topology_judge(topology, &tracker->control, &call, &answers[1], &tracker->view))
		return false;
	tracker_sync(tracker->set);
	return true;
}

/* The subscriber's answers come in order with its messages: an answered PING proves that every
 * earlier invalidation was read. The control connection's answer proves that tracking is still on,
 * and tells the store's time. */
static bool tracker_beat(struct tracker *tracker)
{
	static const struct store_command ping = { .argv = { "PING" }, .argc = 1, .script = -1 };
	const struct tracker_config *config = &tracker->set->config;
	int64_t sent_at = clock_mono_ms();
	struct deadline lease_end = { .at_mono_ms = sent_at + config->lease_ms };
	struct wire_call call = { .arena = tracker->arena, .deadline = lease_end };
	bool answered = false;

	if (wire_send(tracker->subscriber.wire, &call, &ping) != WIRE_OK ||
		!tracker_question(tracker) || !tracker_listen(tracker, lease_end, &answered) ||
		!answered)
		return false;
	mirror_lease_until(tracker->set->mirror, tracker->node->index, lease_end.at_mono_ms);
	struct deadline next = { .at_mono_ms = sent_at + config->heartbeat_ms };
	bool unasked = false;
	return tracker_listen(tracker, next, &unasked) && !unasked;
}

static void tracker_pause(const struct tracker *tracker)
{
	struct timespec pause = { .tv_nsec = (long)TRACKER_PAUSE_MS * 1000 * 1000 };

	if (!atomic_load(&tracker->set->stopping))
		nanosleep(&pause, NULL);
}

/* Nobody but the first looks for nodes while there is none of its own. */
static bool tracker_has_node(struct tracker *tracker)
{
	struct topology *topology = tracker->set->config.topology;
	struct wire_call call = tracker_call(tracker, TRACKER_CONNECT_MS);

	if (!topology_is_used(topology, tracker->node->index) && tracker->node->index == 0) {
		topology_look(topology, NULL, &call);
		tracker_sync(tracker->set);
	}
	return topology_is_used(topology, tracker->node->index);
}

static void *tracker_run(void *argument)
{
	struct tracker *tracker = argument;
	struct tracker_set *set = tracker->set;

	while (!atomic_load(&set->stopping)) {
		if (tracker_has_node(tracker) && tracker_connect(tracker)) {
			/* What was fetched while nobody listened. */
			mirror_flush_source(set->mirror, tracker->node->index);
			tracker->complained = false;
			while (!atomic_load(&set->stopping) && tracker_beat(tracker))
				;
		}
		tracker_disconnect(tracker);
		if (topology_is_used(set->config.topology, tracker->node->index)) {
			struct wire_call call = tracker_call(tracker, TRACKER_CONNECT_MS);
			topology_look(set->config.topology, tracker->node, &call);
			tracker_sync(set);
		}
		tracker_pause(tracker);
	}
	return NULL;
}

static struct tracker *tracker_new(struct tracker_set *set, struct node *node)
{
	struct tracker *tracker = calloc(1, sizeof *tracker);
	sigset_t all, before;

	if (!tracker)
		fatal("out of memory: the mirror");
	tracker->set = set;
	tracker->node = node;
	tracker->arena = arena_new(TRACKER_ARENA_BYTES);
	tracker->messages = arena_new(TRACKER_ARENA_BYTES);
	/* The program's signals are for its main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&tracker->thread, NULL, tracker_run, tracker) != 0)
		fatal("a thread could not be started");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return tracker;
}

static void tracker_sync(struct tracker_set *set)
{
	struct topology *topology = set->config.topology;

	pthread_mutex_lock(&set->mutex);
	unsigned version = topology_version(topology);
	size_t nodes = topology_nodes(topology);
	for (size_t i = 0; set->version != version && i < nodes; i++)
		mirror_use_source(set->mirror, (unsigned)i, topology_is_used(topology, i));
	set->version = version;
	for (; set->count < nodes && !atomic_load(&set->stopping); set->count++)
		set->tracker[set->count] = tracker_new(set, topology_node(topology, set->count));
	pthread_mutex_unlock(&set->mutex);
}

struct tracker_set *tracker_start(struct mirror *mirror, const struct tracker_config *config)
{
	struct tracker_set *set = calloc(1, sizeof *set);

	if (!set)
		fatal("out of memory: the mirror");
	set->mirror = mirror;
	set->config = *config;
	pthread_mutex_init(&set->mutex, NULL);
	/* Differs from the topology's, so that the mirror learns of it. */
	set->version = topology_version(config->topology) - 1;
	tracker_sync(set);
	return set;
}

void tracker_stop(struct tracker_set *set)
{
	if (!set)
		return;
	pthread_mutex_lock(&set->mutex);
	atomic_store(&set->stopping, true);
	pthread_mutex_unlock(&set->mutex);
	for (size_t i = 0; i < set->count; i++) {
		struct tracker *tracker = set->tracker[i];
		pthread_join(tracker->thread, NULL);
		tracker_disconnect(tracker);
		arena_free(tracker->arena);
		arena_free(tracker->messages);
		free(tracker);
	}
	pthread_mutex_destroy(&set->mutex);
	free(set);
}
