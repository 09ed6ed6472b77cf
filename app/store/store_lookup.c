#include "store/store.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/counter.h"
#include "store/mirror.h"

/* One store_look_up: what is asked of Redis, and where its answers belong. */
struct lookup {
	struct mirror *mirror;
	struct arena *arena;
	struct store_command *commands;
	struct store_value *replies;
	size_t count;
	struct store_command *asked;
	size_t *place; /* of asked[i] among the commands */
	uint64_t *ticket; /* of the group that begins at commands[i] */
	size_t asked_count;
};

/* Commands of one key stand together: the end of those that begin at `from`. */
static size_t lookup_group_end(const struct lookup *lookup, size_t from)
{
	size_t end = from + 1;

	while (lookup->commands[from].mirrored && end < lookup->count &&
		lookup->commands[end].mirrored &&
		strcmp(lookup->commands[end].argv[1], lookup->commands[from].argv[1]) == 0)
		end++;
	return end;
}

/* The answer to PTTL is of the moment; the one kept was of the past. */
static void lookup_set_left(const struct lookup *lookup, size_t from, size_t end, int64_t left_ms)
{
	for (size_t i = from; i < end; i++)
		if (strcmp(lookup->commands[i].argv[0], "PTTL") == 0)
			lookup->replies[i].integer = left_ms;
}

static int64_t lookup_get_left(const struct lookup *lookup, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		if (strcmp(lookup->commands[i].argv[0], "PTTL") == 0)
			return lookup->replies[i].integer;
	return -1;
}

static bool lookup_find(struct lookup *lookup, size_t from, size_t end)
{
	struct mirror_answer answer = { .replies = lookup->replies + from, .count = end - from };
	const char *key = lookup->commands[from].argv[1];

	if (!lookup->commands[from].mirrored ||
		!mirror_find(lookup->mirror, key, lookup->arena, &answer))
		return false;
	lookup_set_left(lookup, from, end, answer.left_ms);
	return true;
}

static void lookup_want(struct lookup *lookup, size_t from, size_t end)
{
	if (lookup->commands[from].mirrored)
		lookup->ticket[from] =
			mirror_expect(lookup->mirror, lookup->commands[from].argv[1]);
	for (size_t i = from; i < end; i++) {
		lookup->place[lookup->asked_count] = i;
		lookup->asked[lookup->asked_count++] = lookup->commands[i];
	}
}

/* Which node answered all of a group; they need not be one while a slot moves. */
static unsigned lookup_get_source(const struct lookup *lookup, size_t from, size_t end)
{
	unsigned source = lookup->commands[from].answered_by;

	for (size_t i = from; i < end; i++)
		if (lookup->commands[i].answered_by != source)
			return STORE_NOT_TO_KEEP;
	return source;
}

static void lookup_keep(struct lookup *lookup)
{
	size_t end;

	for (size_t from = 0; from < lookup->count; from = end) {
		end = lookup_group_end(lookup, from);
		struct mirror_answer answer = { .replies = lookup->replies + from,
			.count = end - from,
			.left_ms = lookup_get_left(lookup, from, end) };
		answer.source = lookup_get_source(lookup, from, end);
		if (lookup->ticket[from] != 0 && answer.source != STORE_NOT_TO_KEEP)
			mirror_fill(lookup->mirror, lookup->commands[from].argv[1],
				lookup->ticket[from], &answer);
	}
}

/* True when something is missing without which there is no answer. */
static bool lookup_is_needed(const struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->asked_count; i++)
		if (!lookup->asked[i].optional)
			return true;
	return false;
}

static void lookup_gather(struct lookup *lookup)
{
	size_t end;

	for (size_t from = 0; from < lookup->count; from = end) {
		end = lookup_group_end(lookup, from);
		if (!lookup->commands[from].along && !lookup_find(lookup, from, end))
			lookup_want(lookup, from, end);
	}
	for (size_t i = 0; i < lookup->count && lookup_is_needed(lookup); i++)
		if (lookup->commands[i].along)
			lookup_want(lookup, i, i + 1);
}

/* Asks for what is missing. */
static enum store_result lookup_ask(
	struct lookup *lookup, struct store *store, struct deadline deadline)
{
	bool needed = lookup_is_needed(lookup);
	struct store_value *got = arena_alloc(lookup->arena, lookup->asked_count * sizeof *got);

	if (store_run(store, lookup->arena, deadline, lookup->asked, got, lookup->asked_count) !=
		STORE_OK)
		return needed ? STORE_FAULT : STORE_OK;
	for (size_t i = 0; i < lookup->asked_count; i++) {
		lookup->replies[lookup->place[i]] = got[i];
		lookup->commands[lookup->place[i]].answered_by = lookup->asked[i].answered_by;
	}
	lookup_keep(lookup);
	return STORE_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the same six as store_run */
enum store_result store_look_up(struct store *store, struct arena *arena, struct deadline deadline,
	struct store_command *commands, struct store_value *replies, size_t count)
{
	struct lookup lookup = { .mirror = store_mirror(store),
		.arena = arena,
		.commands = commands,
		.replies = replies,
		.count = count };

	/* Of what is not mirrored all is asked, as it stands. */
	if (!lookup.mirror)
		return store_run(store, arena, deadline, commands, replies, count);
	lookup.asked = arena_alloc(arena, count * sizeof *lookup.asked);
	lookup.place = arena_alloc(arena, count * sizeof *lookup.place);
	lookup.ticket = arena_alloc(arena, count * sizeof *lookup.ticket);
	lookup_gather(&lookup);
	counter_add(lookup_is_needed(&lookup) ? COUNTER_MIRROR_MISSES : COUNTER_MIRROR_HITS);
	return lookup.asked_count == 0 ? STORE_OK : lookup_ask(&lookup, store, deadline);
}

bool store_recall(struct store *store, struct arena *arena, struct store_known *known, size_t count)
{
	struct mirror *mirror = store_mirror(store);
	int64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < count; i++) {
		struct mirror_answer answer = {
			.now_ms = now_ms, .replies = known[i].replies, .count = known[i].count
		};

		if (!mirror || !mirror_find(mirror, known[i].key, arena, &answer))
			return false;
		known[i].left_ms = answer.left_ms;
	}
	return true;
}
