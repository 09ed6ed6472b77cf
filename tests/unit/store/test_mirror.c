#include "check.h"

#include "base/arena.h"
#include "base/clock.h"
#include "store/mirror.h"

/* Leases of several nodes; what one node does is in tests/unit/auth/test_mirror.c. */

static struct arena *arena;
static struct mirror *mirror;

static void lease(unsigned source, bool live)
{
	mirror_lease_until(mirror, source, live ? clock_mono_ms() + 10000 : 0);
}

static void begin(void)
{
	mirror_free(mirror);
	mirror = mirror_new(1000);
	mirror_use_source(mirror, 1, true);
	lease(0, true);
	lease(1, true);
}

static void keep(const char *key, struct store_value value, unsigned source)
{
	struct mirror_answer answer = { &value, 1, -1, source, 0 };
	mirror_fill(mirror, key, mirror_expect(mirror, key), &answer);
}

static bool is_kept(const char *key)
{
	struct store_value got;
	struct mirror_answer found = { &got, 1, 0, 0, 0 };
	return mirror_find(mirror, key, arena, &found);
}

static const struct store_value text = { .type = STORE_TEXT, .text = "x", .len = 1 };
static const struct store_value nothing = { .type = STORE_INT, .integer = 0 };

static void what_is_there_counts_under_the_lease_of_its_own_node(void)
{
	begin();
	keep("a", text, 0);
	keep("b", text, 1);
	CHECK(is_kept("a") && is_kept("b"));
	lease(1, false);
	CHECK(is_kept("a"));
	CHECK(!is_kept("b"));
	lease(1, true);
	lease(0, false);
	CHECK(!is_kept("a"));
	CHECK(is_kept("b"));
}

static void that_there_is_nothing_counts_under_the_leases_of_all_nodes(void)
{
	struct store_value nil = { .type = STORE_NIL, .text = "" };
	struct store_value nils[2] = { nil, nil };
	struct store_value list = { .type = STORE_LIST, .item = nils, .count = 2 };
	begin();
	keep("zero", nothing, 0);
	keep("nil", nil, 0);
	keep("list", list, 0);
	CHECK(is_kept("zero") && is_kept("nil") && is_kept("list"));
	lease(1, false);
	CHECK(!is_kept("zero") && !is_kept("nil") && !is_kept("list"));
	CHECK(!mirror_is_leased(mirror));
	mirror_use_source(mirror, 1, false);
	CHECK(is_kept("zero") && is_kept("nil") && is_kept("list"));
	/* A node that is new and tells of nothing yet. */
	mirror_use_source(mirror, 5, true);
	CHECK(!is_kept("zero"));
	lease(5, true);
	CHECK(is_kept("zero"));
}

static void a_list_with_one_thing_in_it_is_not_nothing(void)
{
	struct store_value items[2] = { { .type = STORE_NIL, .text = "" }, text };
	struct store_value list = { .type = STORE_LIST, .item = items, .count = 2 };
	begin();
	keep("a", list, 0);
	lease(1, false);
	CHECK(is_kept("a"));
}

static void a_lost_node_takes_its_own_entries_and_what_is_being_fetched(void)
{
	struct store_value value = text;
	struct mirror_answer answer = { &value, 1, -1, 0, 0 };
	begin();
	keep("a", text, 0);
	keep("b", text, 1);
	uint64_t ticket = mirror_expect(mirror, "c");
	mirror_flush_source(mirror, 1);
	CHECK(is_kept("a"));
	CHECK(!is_kept("b"));
	mirror_fill(mirror, "c", ticket, &answer);
	CHECK(!is_kept("c"));
}

/* While a node was away a slot may have come to it, where there was nothing to tell of, and
 * something been made there: a token denied, the realm's version raised. */
static void that_there_is_nothing_is_asked_again_when_a_node_comes_back(void)
{
	begin();
	keep("denied", nothing, 0);
	CHECK(is_kept("denied"));
	lease(1, false);
	mirror_flush_source(mirror, 1);
	mirror_flush_source(mirror, 1);
	lease(1, true);
	CHECK(!is_kept("denied"));
}

int main(void)
{
	arena = arena_new(1 << 20);
	RUN(what_is_there_counts_under_the_lease_of_its_own_node);
	RUN(that_there_is_nothing_counts_under_the_leases_of_all_nodes);
	RUN(a_list_with_one_thing_in_it_is_not_nothing);
	RUN(a_lost_node_takes_its_own_entries_and_what_is_being_fetched);
	RUN(that_there_is_nothing_is_asked_again_when_a_node_comes_back);
	mirror_free(mirror);
	arena_free(arena);
	return check_result();
}
