#include "auth/throttle.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "desk.h"

static enum throttle_result take_from(const char *address, const char *name)
{
	int64_t retry_after_sec = -1;

	desk_be(address);
	enum throttle_result result =
		throttle_take(&desk.auth, &desk.caller, name, &retry_after_sec);
	if (result == THROTTLE_REFUSED)
		CHECK(retry_after_sec > 0 && retry_after_sec <= desk.settings.throttle.window_sec);
	else
		CHECK_INT(retry_after_sec, 0);
	return result;
}

static int taken_from(const char *address, const char *name, int attempts)
{
	int taken = 0;

	for (int i = 0; i < attempts; i++)
		taken += take_from(address, name) == THROTTLE_OK;
	return taken;
}

static void limits(int64_t both, int64_t name, int64_t address)
{
	desk_clear();
	desk.settings.throttle.per_both = both;
	desk.settings.throttle.per_name = name;
	desk.settings.throttle.per_address = address;
	desk.settings.throttle.window_sec = 900;
}

static void each_window_has_its_limit(void)
{
	char name[32], address[32];
	int taken = 0;

	limits(3, 50, 50);
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 3);
	CHECK_INT(taken_from("192.0.2.1", "bob", 5), 3);
	CHECK_INT(taken_from("192.0.2.2", "alice", 5), 3);

	limits(50, 3, 50);
	for (int i = 0; i < 6; i++) {
		snprintf(address, sizeof address, "192.0.2.%d", i);
		taken += take_from(address, "alice") == THROTTLE_OK;
	}
	CHECK_INT(taken, 3);
	CHECK_INT(take_from("192.0.2.1", "bob"), THROTTLE_OK);

	limits(50, 50, 3);
	taken = 0;
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "user %d", i);
		taken += take_from("192.0.2.1", name) == THROTTLE_OK;
	}
	CHECK_INT(taken, 3);
	CHECK_INT(take_from("192.0.2.2", "user 1"), THROTTLE_OK);
}

static void hammering_from_one_address_takes_nothing_from_the_others(void)
{
	limits(3, 5, 100);
	CHECK_INT(taken_from("192.0.2.1", "alice", 40), 3);
	/* Of the five for the name two are left, for somebody elsewhere. */
	CHECK_INT(taken_from("192.0.2.2", "alice", 5), 2);
	/* Two of both, one of the name, two of the addresses. */
	CHECK_INT(desk_redis(store_read("DBSIZE", NULL)).integer, 5);
}

static void an_attempt_refused_by_one_window_counts_in_none(void)
{
	limits(10, 2, 10);
	CHECK_INT(taken_from("192.0.2.1", "alice", 9), 2);
	/* 8 of the address are left for other names. */
	CHECK_INT(taken_from("192.0.2.1", "bob", 2) + taken_from("192.0.2.1", "carol", 2) +
			  taken_from("192.0.2.1", "dave", 2) + taken_from("192.0.2.1", "eve", 2) +
			  taken_from("192.0.2.1", "frank", 2),
		8);
}

static void an_ipv6_network_is_one_address(void)
{
	limits(100, 100, 3);
	CHECK_INT(take_from("2001:db8:1:2::1", "a"), THROTTLE_OK);
	CHECK_INT(take_from("2001:db8:1:2:ffff::9", "b"), THROTTLE_OK);
	CHECK_INT(take_from("2001:DB8:1:2:0:0:0:3", "c"), THROTTLE_OK);
	CHECK_INT(take_from("2001:db8:1:2::4", "d"), THROTTLE_REFUSED);
	CHECK_INT(take_from("2001:db8:1:3::1", "e"), THROTTLE_OK);
}

static void an_ipv4_address_is_the_same_in_ipv6_form(void)
{
	limits(100, 100, 2);
	CHECK_INT(take_from("192.0.2.1", "a"), THROTTLE_OK);
	CHECK_INT(take_from("::ffff:192.0.2.1", "b"), THROTTLE_OK);
	CHECK_INT(take_from("192.0.2.1", "c"), THROTTLE_REFUSED);
	CHECK_INT(take_from("::ffff:192.0.2.2", "d"), THROTTLE_OK);
}

static void an_unknown_address_is_an_address(void)
{
	limits(100, 100, 1);
	CHECK_INT(take_from("", "a"), THROTTLE_OK);
	CHECK_INT(take_from("", "b"), THROTTLE_REFUSED);
	CHECK_INT(take_from("unix:", "c"), THROTTLE_OK);
}

static void every_window_expires_and_is_never_prolonged(void)
{
	limits(5, 5, 5);
	struct store_value keys = { 0 };
	int64_t first_ms[3], later_ms;

	CHECK_INT(take_from("192.0.2.1", "alice"), THROTTLE_OK);
	keys = desk_redis(store_read("KEYS", "dw:throttle:*", NULL));
	CHECK_INT(keys.count, 3);
	for (size_t i = 0; i < 3; i++) {
		/* Nearer to its end, so that a prolongation would be seen. */
		desk_redis(store_write("PEXPIRE", store_item_text(&keys, i), "5000", NULL));
		first_ms[i] =
			desk_redis(store_read("PTTL", store_item_text(&keys, i), NULL)).integer;
		CHECK(first_ms[i] > 0 && first_ms[i] <= 5000);
	}
	for (int i = 0; i < 20; i++)
		take_from("192.0.2.1", "alice");
	throttle_give(&desk.auth, &desk.caller, "alice", false);
	for (size_t i = 0; i < 3; i++) {
		later_ms = desk_redis(store_read("PTTL", store_item_text(&keys, i), NULL)).integer;
		CHECK(later_ms > 0 && later_ms <= first_ms[i]);
	}
}

static void a_new_window_begins_when_the_old_one_ended(void)
{
	limits(2, 100, 100);
	desk.settings.throttle.window_sec = 1;
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 2);
	struct store_value keys = desk_redis(store_read("KEYS", "dw:throttle:*", NULL));
	for (size_t i = 0; i < keys.count; i++)
		desk_redis(store_write("PEXPIRE", store_item_text(&keys, i), "30", NULL));
	redis_sleep_ms(50);
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 2);
}

static void a_counter_without_end_gets_one(void)
{
	limits(2, 100, 100);
	CHECK_INT(take_from("192.0.2.1", "alice"), THROTTLE_OK);
	struct store_value keys = desk_redis(store_read("KEYS", "dw:throttle:both:*", NULL));
	desk_redis(store_write("SET", store_item_text(&keys, 0), "7", NULL));
	CHECK_INT(take_from("192.0.2.1", "alice"), THROTTLE_REFUSED);
	CHECK(desk_redis(store_read("TTL", store_item_text(&keys, 0), NULL)).integer > 800);
}

static void what_is_given_back_can_be_taken_again(void)
{
	limits(3, 3, 3);
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 3);
	throttle_give(&desk.auth, &desk.caller, "alice", false);
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 1);
	/* More than was taken cannot be given back. */
	for (int i = 0; i < 20; i++)
		throttle_give(&desk.auth, &desk.caller, "alice", false);
	CHECK_INT(desk_redis(store_read("DBSIZE", NULL)).integer, 0);
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 3);
}

static void a_success_forgets_the_name_but_not_the_address(void)
{
	limits(3, 4, 10);
	CHECK_INT(taken_from("192.0.2.1", "alice", 3), 3);
	throttle_give(&desk.auth, &desk.caller, "alice", true);
	CHECK_INT(taken_from("192.0.2.1", "alice", 5), 3);
	/* The address: 3 - 1 + 3 = 5 of 10. */
	CHECK_INT(taken_from("192.0.2.1", "bob", 3) + taken_from("192.0.2.1", "carol", 3), 5);
}

static void an_administrator_unblocks_a_name_everywhere(void)
{
	limits(2, 4, 100);
	taken_from("192.0.2.1", "alice", 3);
	taken_from("192.0.2.2", "alice", 3);
	taken_from("192.0.2.1", "bob", 3);
	CHECK_INT(take_from("192.0.2.3", "alice"), THROTTLE_REFUSED);
	CHECK_INT(throttle_forget_name(&desk.auth, &desk.caller, "alice"), THROTTLE_OK);
	CHECK_INT(taken_from("192.0.2.1", "alice", 3), 2);
	CHECK_INT(taken_from("192.0.2.2", "alice", 3), 2);
	CHECK_INT(take_from("192.0.2.1", "bob"), THROTTLE_REFUSED);
}

static void keys_hold_digests_only(void)
{
	limits(3, 3, 3);
	take_from("192.0.2.1", "alice %s%n\r\nFLUSHALL *");
	struct store_value keys = desk_redis(store_read("KEYS", "*", NULL));
	CHECK_INT(keys.count, 3);
	for (size_t i = 0; i < keys.count; i++) {
		const char *key = store_item_text(&keys, i);
		CHECK(strncmp(key, "dw:throttle:", 12) == 0);
		CHECK(!strstr(key, "alice") && !strstr(key, "192"));
	}
}

/* ---- many at once ---- */

enum { CROWD = 200 };

static atomic_int crowd_taken, crowd_refused;

struct one {
	struct caller caller;
	char name[24], address[24];
};

static void *one_attempt(void *context)
{
	struct one *one = context;
	int64_t retry_after_sec;

	one->caller.arena = arena_new(1 << 20);
	one->caller.agent = "";
	one->caller.address = one->address;
	one->caller.deadline = deadline_in_ms(30000);
	switch (throttle_take(&desk.auth, &one->caller, one->name, &retry_after_sec)) {
	case THROTTLE_OK:
		atomic_fetch_add(&crowd_taken, 1);
		break;
	case THROTTLE_REFUSED:
		atomic_fetch_add(&crowd_refused, 1);
		break;
	case THROTTLE_FAULT:
		break;
	}
	arena_free(one->caller.arena);
	return NULL;
}

/* All from one address or for one name, or each from or for its own. */
static void crowd(bool one_name, bool one_address)
{
	static struct one each[CROWD];
	pthread_t threads[CROWD];

	atomic_store(&crowd_taken, 0);
	atomic_store(&crowd_refused, 0);
	for (int i = 0; i < CROWD; i++) {
		snprintf(each[i].name, sizeof each[i].name, "user %d", one_name ? 0 : i);
		snprintf(
			each[i].address, sizeof each[i].address, "192.0.2.%d", one_address ? 0 : i);
		CHECK_INT(pthread_create(&threads[i], NULL, one_attempt, &each[i]), 0);
	}
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(atomic_load(&crowd_refused), CROWD - atomic_load(&crowd_taken));
}

static void of_200_parallel_attempts_exactly_the_limit_passes(void)
{
	limits(10, 10, 10);
	crowd(true, true);
	CHECK_INT(atomic_load(&crowd_taken), 10);
	limits(10, 10, 10);
	crowd(true, false);
	CHECK_INT(atomic_load(&crowd_taken), 10);
	limits(10, 10, 10);
	crowd(false, true);
	CHECK_INT(atomic_load(&crowd_taken), 10);
	/* What was refused left nothing behind: the names have all their attempts. */
	CHECK_INT(desk_redis(store_read("DBSIZE", NULL)).integer, 21);
}

static void without_redis_nothing_is_taken(void)
{
	limits(3, 3, 3);
	redis_kill();
	CHECK_INT(take_from("192.0.2.1", "alice"), THROTTLE_FAULT);
	throttle_give(&desk.auth, &desk.caller, "alice", true);
	CHECK_INT(throttle_forget_name(&desk.auth, &desk.caller, "alice"), THROTTLE_FAULT);
}

int main(void)
{
	desk_start();
	RUN(each_window_has_its_limit);
	RUN(hammering_from_one_address_takes_nothing_from_the_others);
	RUN(an_attempt_refused_by_one_window_counts_in_none);
	RUN(an_ipv6_network_is_one_address);
	RUN(an_ipv4_address_is_the_same_in_ipv6_form);
	RUN(an_unknown_address_is_an_address);
	RUN(every_window_expires_and_is_never_prolonged);
	RUN(a_new_window_begins_when_the_old_one_ended);
	RUN(a_counter_without_end_gets_one);
	RUN(what_is_given_back_can_be_taken_again);
	RUN(a_success_forgets_the_name_but_not_the_address);
	RUN(an_administrator_unblocks_a_name_everywhere);
	RUN(keys_hold_digests_only);
	RUN(of_200_parallel_attempts_exactly_the_limit_passes);
	RUN(without_redis_nothing_is_taken);
	desk_stop();
	return check_result();
}
