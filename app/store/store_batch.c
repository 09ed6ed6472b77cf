/* One exchange with one node: what is sent, and what its answers mean. */
#include "store/store_run.h"

#include "base/arena.h"
#include "store/kind.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What one exchange sends, and where its answers belong. */
struct batch {
	struct node *node;
	const struct store_command **commands;
	struct wire_reply *replies;
	size_t *place; /* of a reply among the run's; ONLY_HERE: none */
	size_t count;
};
enum { ONLY_HERE = 0xffff };

static void add_to_batch(struct batch *batch, const struct store_command *command, size_t place)
{
	batch->commands[batch->count] = command;
	batch->place[batch->count++] = place;
}

static void add_unit(struct store_run *run, struct batch *batch, const struct store_unit *unit)
{
	static const struct store_command asking = {
		.argv = { "ASKING" }, .argc = 1, .script = -1
	};
	if (unit->asking)
		add_to_batch(batch, &asking, ONLY_HERE);
	for (size_t i = unit->from; i < unit->end; i++) {
		struct store_command *command = &run->commands[i];
		if (command->script >= 0)
			command->argv[1] = run->store->scripts.sha[command->script];
		add_to_batch(batch,
			topology_put_cursor(run->store->topology, command, run->call.arena), i);
	}
}

/* All that is still to be done and goes to that node. */
static void gather(struct store_run *run, struct node *node, struct batch *batch)
{
	struct arena *arena = run->call.arena;
	const struct store_command *proof = topology_proof(run->store->topology);
	size_t most = 2 * run->count + 1;
	batch->node = node;
	batch->commands = arena_alloc(arena, most * sizeof(const struct store_command *));
	batch->replies = arena_alloc(arena, most * sizeof(*batch->replies));
	batch->place = arena_alloc(arena, most * sizeof(*batch->place));
	batch->count = 0;
	for (size_t i = 0; i < run->unit_count; i++) {
		struct store_unit *unit = &run->units[i];
		if (!unit->done && unit->node == node)
			add_unit(run, batch, unit);
	}
	if (proof)
		add_to_batch(batch, proof, ONLY_HERE);
}

static bool has_script(const struct store_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->commands[i].script >= 0)
			return true;
	return false;
}

static enum wire_result exchange(struct store_run *run, struct batch *batch, struct wire *wire)
{
	struct script_shas *scripts = &run->store->scripts;
	enum wire_result result = WIRE_OK;
	if (has_script(run) && !atomic_load(&scripts->known))
		result = script_load(scripts, wire, &run->call);
	if (result == WIRE_OK)
		result = wire_exchange(
			wire, &run->call, batch->commands, batch->replies, batch->count);
	return result;
}

bool store_batch_is_repeatable(const struct store_run *run, const struct store_unit *unit)
{
	for (size_t i = unit->from; i < unit->end; i++)
		if (!run->commands[i].repeatable)
			return false;
	return true;
}

/* ---- what came ---- */

/* An error reply is a fault of the whole call. The text ends before Redis quotes arguments. */
static enum wire_result fail_error(struct store_run *run, size_t at)
{
	const struct store_command *command = &run->commands[at];
	const char *error = run->replies[at].error;
	const char *end = strstr(error, ", with args beginning");
	(void)snprintf(run->call.why, sizeof(run->call.why), "%s: %.*s",
		command->script < 0 ? command->argv[0]
				    : script_name((enum store_script)command->script),
		end ? (int)(end - error) : 150, error);
	return WIRE_FAULT;
}

/* Within MULTI, they are only told that they are queued. */
static enum wire_result check_kinds(struct store_run *run, const struct store_unit *unit)
{
	if (strcasecmp(run->commands[unit->from].argv[0], "MULTI") == 0)
		return WIRE_OK;
	for (size_t i = unit->from; i < unit->end; i++) {
		const struct store_command *command = &run->commands[i];
		if (kind_fits(command, &run->replies[i].value))
			continue;
		(void)snprintf(run->call.why, sizeof(run->call.why),
			"%s: an answer of another kind",
			command->script < 0 ? command->argv[0]
					    : script_name((enum store_script)command->script));
		return WIRE_FAULT;
	}
	return WIRE_OK;
}

/* The first error among a unit's replies decides: none of its commands ran, or it stands. */
static enum wire_result settle_unit(
	struct store_run *run, struct store_unit *unit, bool *unknown_script)
{
	struct topology *topology = run->store->topology;
	size_t at = unit->from;
	while (at < unit->end && !run->replies[at].error)
		at++;
	if (at == unit->end && check_kinds(run, unit) != WIRE_OK)
		return WIRE_FAULT;
	unit->done = at == unit->end;
	if (unit->done) {
		for (size_t i = unit->from; i < unit->end; i++) {
			run->commands[i].answered_by =
				unit->asking ? STORE_NOT_TO_KEEP : unit->node->index;
			topology_get_cursor(topology, unit->node, &run->commands[i], &run->call,
				&run->replies[i]);
		}
		return WIRE_OK;
	}
	/* The server was restarted, or is another one after a failover. */
	if (strncmp(run->replies[at].error, "NOSCRIPT", 8) == 0) {
		*unknown_script = true;
		bool again = !unit->loaded;
		unit->loaded = true;
		return again ? WIRE_OK : fail_error(run, at);
	}
	switch (topology_advise(topology, &unit->node, run->replies[at].error, &run->call)) {
	case TOPOLOGY_FINAL:
		return fail_error(run, at);
	case TOPOLOGY_MOVED:
		unit->asking = false;
		return WIRE_OK;
	case TOPOLOGY_ASKING:
		unit->asking = true;
		return WIRE_OK;
	case TOPOLOGY_DOWN:
		run->down = true;
		break;
	case TOPOLOGY_LATER:
		break;
	}
	unit->node = NULL;
	run->pause = true;
	(void)fail_error(run, at);
	return WIRE_OK;
}

/* A server that is no master any more answered; what it did may be lost, or be done already. */
static enum wire_result distrust(struct store_run *run, struct batch *batch)
{
	(void)snprintf(run->call.why, sizeof(run->call.why), "it is no master any more");
	(void)topology_lost(run->store->topology, batch->node, &run->call);
	run->pause = run->down = true;
	for (size_t i = 0; i < run->unit_count; i++) {
		struct store_unit *unit = &run->units[i];
		if (unit->done || unit->node != batch->node)
			continue;
		bool ran = !run->replies[unit->from].error;
		if (ran && !store_batch_is_repeatable(run, unit))
			return WIRE_FAULT;
		unit->node = NULL;
	}
	return WIRE_OK;
}

static enum wire_result settle_units(struct store_run *run, struct batch *batch, struct wire *wire)
{
	bool unknown_script = false;
	enum wire_result result = WIRE_OK;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->place[i] != ONLY_HERE)
			run->replies[batch->place[i]] = batch->replies[i];
	if (topology_proof(run->store->topology) &&
		!topology_is_proof(&batch->replies[batch->count - 1]))
		return distrust(run, batch);
	for (size_t i = 0; i < run->unit_count && result == WIRE_OK; i++)
		if (!run->units[i].done && run->units[i].node == batch->node)
			result = settle_unit(run, &run->units[i], &unknown_script);
	if (result == WIRE_OK && unknown_script)
		result = script_load(&run->store->scripts, wire, &run->call);
	return result;
}

enum wire_result store_batch_run(struct store_run *run, struct node *node, struct wire *wire)
{
	struct batch batch;
	gather(run, node, &batch);
	run->call.sent = run->down = false;
	enum wire_result result = exchange(run, &batch, wire);
	run->failed = result;
	return result == WIRE_OK ? settle_units(run, &batch, wire) : result;
}
