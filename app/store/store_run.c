/* Running commands: which go together to which node, and what is sent again. */
#include "store/store_run.h"

#include "base/arena.h"
#include "base/counter.h"
#include "base/log.h"
#include "store/mirror.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ROUNDS_MAX = 64, PAUSE_MS = 20, QUICK_MS = 2 };

static bool is_name(const struct store_command *command, const char *name)
{
	return strcasecmp(command->argv[0], name) == 0;
}

static size_t find_unit_end(const struct store_run *run, size_t from)
{
	size_t end = from + 1;
	if (is_name(&run->commands[from], "MULTI"))
		while (end < run->count && !is_name(&run->commands[end - 1], "EXEC"))
			end++;
	while (end < run->count && is_name(&run->commands[end], "WAIT"))
		end++;
	return end;
}

static void split(struct store_run *run)
{
	run->units = arena_alloc(run->call.arena, run->count * sizeof(*run->units));
	for (size_t from = 0; from < run->count; from = run->units[run->unit_count++].end)
		run->units[run->unit_count] =
			(struct store_unit){ .from = from, .end = find_unit_end(run, from) };
}

/* By the first command of a unit that has a key; MULTI has none. */
static enum wire_result find_node(struct store_run *run, struct store_unit *unit, struct node *near)
{
	size_t at = unit->from;
	enum wire_result result = WIRE_OK;
	if (is_name(&run->commands[at], "MULTI") && unit->end - at > 1)
		at++;
	unit->asking = false;
	unit->node =
		topology_find(run->store->topology, &run->commands[at], near, &run->call, &result);
	return unit->node ? WIRE_OK : result;
}

/* What has no key goes where others go. */
static enum wire_result find_nodes(struct store_run *run)
{
	struct node *near = NULL;
	enum wire_result result = WIRE_OK;
	for (size_t i = 0; i < run->unit_count && result == WIRE_OK; i++) {
		if (!run->units[i].node)
			result = find_node(run, &run->units[i], near);
		near = run->units[i].node;
	}
	return result;
}

static struct store_unit *next_unit(struct store_run *run)
{
	for (size_t i = 0; i < run->unit_count; i++)
		if (!run->units[i].done)
			return &run->units[i];
	return NULL;
}

/* ---- breaker and log ---- */

static void note_pace(const struct store_run *run, bool answered)
{
	int64_t now_ms = clock_mono_ms();
	bool quick = answered && now_ms - run->entered_at_ms < QUICK_MS;
	atomic_store(&run->store->slow_at_ms, quick ? 0 : now_ms);
}

static void settle_ok(struct store_run *run)
{
	char name[TOPOLOGY_NAME_MAX];
	int64_t open_ms, refused;
	struct node *node = run->entered;
	run->entered = NULL;
	note_pace(run, true);
	if (!breaker_close(&node->breaker, &open_ms, &refused))
		return;
	topology_name(run->store->topology, node, name);
	log_warn("%s: answers again after %lld ms, %lld calls were refused", name,
		(long long)open_ms, (long long)refused);
}

static void settle_fault(struct store_run *run, enum wire_result result)
{
	char name[TOPOLOGY_NAME_MAX];
	struct node *node = run->entered;
	bool absent = result == WIRE_LATE || result == WIRE_UNREACHABLE;
	note_pace(run, false);
	if (absent && run->call.deadline.brief)
		return;
	bool hurried = !run->patient && deadline_left_ms(run->call.deadline) == 0;
	topology_name(run->store->topology, node, name);
	if (node && absent && !hurried) {
		/* What is idle was open to the server that does not answer. */
		pool_clear(&node->pool);
		if (breaker_open(&node->breaker, run->entered_at_ms, run->pass == BREAKER_PROBE))
			log_error(
				"%s: %s; calls are refused until it answers", name, run->call.why);
		return;
	}
	if (node && run->pass == BREAKER_PROBE)
		breaker_leave(&node->breaker);
	complaint_log(&run->store->complaint, "%s: %s", name, run->call.why);
}

/* True when calls to the node may be made. */
static bool enter(struct store_run *run, struct node *node)
{
	if (run->entered == node)
		return true;
	if (run->entered)
		settle_fault(run, run->failed);
	run->entered = node;
	run->entered_at_ms = clock_mono_ms();
	/* A probe has to wait for its answer. */
	if (run->call.deadline.brief && breaker_is_open(&node->breaker)) {
		note_pace(run, false);
		run->entered = NULL;
		return false;
	}
	run->pass = breaker_enter(&node->breaker, run->store->timeout_ms);
	if (run->pass == BREAKER_REFUSE)
		run->entered = NULL;
	return run->entered != NULL;
}

/* ---- the rounds ---- */

/* Whether a batch whose connection failed may be sent again, and to whom. */
static bool is_worth_another(struct store_run *run, struct node *node, enum wire_result result)
{
	struct topology *topology = run->store->topology;
	/* When it is late, this only tells that another map or master is to be looked for. */
	bool again = result == WIRE_UNREACHABLE;
	if (result == WIRE_CLOSED) {
		again = true;
		for (size_t i = 0; i < run->unit_count && run->call.sent; i++) {
			struct store_unit *unit = &run->units[i];
			if (!unit->done && unit->node == node &&
				!store_batch_is_repeatable(run, unit))
				again = false;
		}
		/* The other idle ones may have been cut as well. */
		pool_clear(&node->pool);
		if (again && !run->broke) {
			run->broke = true;
			return true;
		}
	}
	if (!topology_lost(topology, node, &run->call) || !again)
		return false;
	for (size_t i = 0; i < run->unit_count; i++)
		run->units[i].node = run->units[i].done ? run->units[i].node : NULL;
	return run->pause = true;
}

static enum wire_result run_batch(struct store_run *run, struct node *node)
{
	struct topology *topology = run->store->topology;
	struct connection connection;
	enum wire_result result = topology_take(topology, node, &run->call, &connection);
	run->failed = result;
	if (result == WIRE_OK)
		result = store_batch_run(run, node, connection.wire);
	if (run->failed != WIRE_OK) {
		wire_close(connection.wire);
		return is_worth_another(run, node, result) ? WIRE_OK : result;
	}
	run->failed = WIRE_UNREACHABLE;
	/* An error reply closes the connection too: after READONLY or LOADING, the next one may
	 * reach another server. */
	if (result == WIRE_OK && !run->down) {
		topology_give(&connection);
		settle_ok(run);
	} else {
		wire_close(connection.wire);
	}
	return result;
}

/* False when no time is left for it. */
static bool pause_run(struct store_run *run)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000 * 1000 };
	run->pause = false;
	if (deadline_left_ms(run->call.deadline) <= PAUSE_MS)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static enum wire_result run_rounds(struct store_run *run)
{
	enum wire_result result = WIRE_OK;
	struct store_unit *unit;
	for (int round = 0; result == WIRE_OK && (unit = next_unit(run)); round++) {
		if (round == ROUNDS_MAX || (run->pause && !pause_run(run)))
			return WIRE_UNREACHABLE;
		if ((result = find_nodes(run)) != WIRE_OK)
			return result;
		if (!enter(run, unit->node))
			return WIRE_OK;
		result = run_batch(run, unit->node);
	}
	return result;
}

static enum store_result run_within(struct store_run *run)
{
	int left_ms = deadline_left_ms(run->call.deadline);
	/* Not even a connection is taken, which would have to be closed. */
	if (run->call.deadline.brief && left_ms == 0)
		return STORE_FAULT;
	run->patient = left_ms * 2 >= run->store->timeout_ms;
	split(run);
	enum wire_result result = run_rounds(run);
	if (result != WIRE_OK)
		settle_fault(run, result);
	return result == WIRE_OK && !next_unit(run) ? STORE_OK : STORE_FAULT;
}

/* What we wrote ourselves, or may have, counts at once: Redis' own word of it comes a moment later.
 */
static void forget_written(struct mirror *mirror, const struct store_command *command)
{
	bool reads =
		command->script < 0 ? command->repeatable : command->script == STORE_SESSION_SEEN;
	size_t first = command->script < 0 ? 1 : 3, end = 2;
	if (reads)
		return;
	if (command->script >= 0)
		end = first + strtoul(command->argv[2], NULL, 10); /* its number of keys */
	else if (is_name(command, "DEL"))
		end = command->argc;
	for (size_t i = first; i < end && i < command->argc; i++)
		mirror_forget(mirror, command->argv[i], strlen(command->argv[i]));
}

/* NOLINTNEXTLINE(readability-function-size): the sixth parameter is the length of two arrays. */
enum store_result store_run(struct store *store, struct arena *arena, struct deadline deadline,
	struct store_command *commands, struct store_value *replies, size_t count)
{
	struct store_run run = { .store = store,
		.commands = commands,
		.replies = arena_alloc(arena, count * sizeof(*run.replies)),
		.count = count,
		.call = { .arena = arena, .deadline = store_deadline(store, deadline) } };
	enum store_result result = run_within(&run);
	if (result == STORE_OK || !deadline.brief)
		counter_add(COUNTER_STORE_CALLS);
	if (result != STORE_OK && !deadline.brief)
		counter_add(COUNTER_STORE_FAULTS);
	for (size_t i = 0; store->mirror && i < count; i++)
		forget_written(store->mirror, &commands[i]);
	for (size_t i = 0; i < count; i++)
		replies[i] = result == STORE_OK ? run.replies[i].value
						: (struct store_value){ .text = "" };
	return result;
}
