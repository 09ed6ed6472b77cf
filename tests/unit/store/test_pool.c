#include "store/ask.h"
#include "store/fake.h"

#include "store/pool.h"

#include <pthread.h>
#include <stdatomic.h>

static void the_same_connection_is_used_again(void)
{
	begin();
	const char *first = say(store_read("CLIENT", "ID", NULL));
	CHECK_TEXT(say(store_read("CLIENT", "ID", NULL)), first);
	CHECK_TEXT(say(store_read("GET", NULL)), "fault");
	CHECK(strcmp(say(store_read("CLIENT", "ID", NULL)), first) != 0);
}

static void a_restarted_server_is_found_out_before_anything_is_sent(void)
{
	begin();
	CHECK_TEXT(say(store_write("INCR", "n", NULL)), ":1");
	redis_restart();
	CHECK_TEXT(say(store_write("INCR", "n", NULL)), ":1");
}

static void hang_up(int fd)
{
	(void)fake_hear(fd);
}

static void only_what_is_repeatable_is_sent_again_when_the_connection_breaks(void)
{
	struct store_value reply;
	fake_start(hang_up);
	struct store *broken = new_store(fake.url, NULL);
	CHECK_INT(run_on(broken, store_read("GET", "a", NULL), &reply), STORE_FAULT);
	int reads = atomic_load(&fake.questions);
	CHECK_INT(run_on(broken, store_write("INCR", "a", NULL), &reply), STORE_FAULT);
	fake_stop();
	CHECK_INT(reads, 2);
	CHECK_INT(atomic_load(&fake.questions), 3);
	store_free(broken);
}

static void speak_unasked(int fd)
{
	if (!fake_hear(fd))
		return;
	fake_send(fd, "+first\r\n", 8);
	fake_sleep_ms(20);
	fake_send(fd, "+stale\r\n", 8);
	(void)fake_hear(fd);
}

static void what_a_server_says_unasked_answers_nothing(void)
{
	struct store_value reply;
	fake_start(speak_unasked);
	struct store *asked = new_store(fake.url, NULL);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(run_on(asked, store_read("GET", "a", NULL), &reply), STORE_OK);
		CHECK_TEXT(reply.text, "first");
		redis_sleep_ms(60);
	}
	store_free(asked);
	fake_stop();
}

static struct wire *open_wire(void)
{
	struct target target;
	struct wire *wire = NULL;
	struct wire_login login = { .password = NULL };
	struct wire_call call = { .arena = arena, .deadline = deadline_in_ms(5000) };
	CHECK(!target_parse_unix(&target, redis_server.path));
	CHECK_INT(wire_open(&wire, &target, &login, &call), WIRE_OK);
	return wire;
}

static void a_connection_to_an_older_address_is_never_used_again(void)
{
	struct pool pool;
	struct target target;
	unsigned generation, later;
	CHECK(!target_parse_unix(&target, redis_server.path));
	pool_init(&pool, &target);
	CHECK(!pool_take(&pool, &generation));
	pool_give(&pool, open_wire(), generation);
	struct wire *in_use = open_wire();
	struct wire *idle = pool_take(&pool, &later);
	CHECK(idle != NULL);
	CHECK_INT(later, generation);
	pool_give(&pool, idle, later);
	pool_renew(&pool, &target);
	CHECK(!pool_take(&pool, &later));
	CHECK(later != generation);
	/* One that was in use while the address changed. */
	pool_give(&pool, in_use, generation);
	CHECK(!pool_take(&pool, &later));
	CHECK(!pool_renew_from(&pool, &generation));
	CHECK(pool_renew_from(&pool, &later));
	CHECK_INT(later, pool_generation(&pool));
	pool_wipe(&pool);
}

enum { THREADS = 8, CALLS = 500 };
static atomic_int crossed, faults;

/* Asks for what only this call can know; now and then without the time to wait for it. */
static void ask_mine(struct arena *mine, int thread, int call)
{
	const char *text = arena_printf(mine, "%d of %d", call, thread);
	struct store_command commands[2] = { store_read("ECHO", text, NULL),
		store_read("HMGET", "h", text, text, NULL) };
	struct store_value replies[2];
	struct deadline deadline = deadline_in_ms(call % 50 == 7 ? 1 : 5000);
	if (store_run(store, mine, deadline, commands, replies, 2) != STORE_OK)
		atomic_fetch_add(&faults, call % 50 == 7 ? 0 : 1);
	else if (strcmp(replies[0].text, text) != 0 || replies[1].count != 2)
		atomic_fetch_add(&crossed, 1);
}

static void *ask_often(void *number)
{
	struct arena *mine = arena_new(1 << 20);
	for (int i = 0; i < CALLS; i++) {
		ask_mine(mine, *(const int *)number, i);
		arena_reset(mine);
	}
	arena_free(mine);
	return NULL;
}

static void answers_of_many_threads_are_never_crossed(void)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];
	begin();
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, ask_often, &numbers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(atomic_load(&crossed), 0);
	CHECK_INT(atomic_load(&faults), 0);
}

int main(void)
{
	ask_start();
	RUN(the_same_connection_is_used_again);
	RUN(a_restarted_server_is_found_out_before_anything_is_sent);
	RUN(only_what_is_repeatable_is_sent_again_when_the_connection_breaks);
	RUN(what_a_server_says_unasked_answers_nothing);
	RUN(a_connection_to_an_older_address_is_never_used_again);
	RUN(answers_of_many_threads_are_never_crossed);
	return ask_stop();
}
