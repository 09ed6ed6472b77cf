#include "store/ask.h"
#include "store/breaker.h"
#include "store/fake.h"

#include <pthread.h>
#include <stdatomic.h>

static void a_request_in_a_hurry_does_not_shut_out_the_others(void)
{
	struct store_value reply;
	struct store_command sleep = store_read("BLPOP", "absent", "1", NULL);
	begin();
	CHECK_INT(store_run_one(store, arena, deadline_in_ms(10), &sleep, &reply), STORE_FAULT);
	CHECK_TEXT(say_get("a"), "nil");
}

static void a_hundred_calls_to_a_hung_server_cost_about_one_time_out(void)
{
	begin();
	CHECK_TEXT(say_get("a"), "nil");
	redis_pause();
	int64_t start_ms = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		CHECK_TEXT(say_get("a"), "fault");
	int64_t took_ms = clock_mono_ms() - start_ms;
	redis_resume();
	CHECK(took_ms >= TIME_MS && took_ms < TIME_MS * 20);
	CHECK(wait_until_it_answers(store) < 5000);
	CHECK_TEXT(say_get("a"), "nil");
}

static void a_late_reply_never_answers_the_next_question(void)
{
	begin();
	CHECK_TEXT(say(store_read("ECHO", "early", NULL)), "early");
	redis_pause();
	CHECK_TEXT(say(store_read("ECHO", "late", NULL)), "fault");
	redis_resume();
	(void)wait_until_it_answers(store);
	for (int i = 0; i < 5; i++)
		CHECK_TEXT(say(store_read("ECHO", "next", NULL)), "next");
}

static void a_killed_server_is_refused_at_once_and_found_again(void)
{
	begin();
	CHECK_TEXT(say(store_write("SET", "a", "before", NULL)), "OK");
	redis_kill();
	int64_t start_ms = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		CHECK_TEXT(say_get("a"), "fault");
	CHECK(clock_mono_ms() - start_ms < TIME_MS * 20);
	redis_revive();
	CHECK(wait_until_it_answers(store) < 5000);
	CHECK_TEXT(say_get("a"), "nil");
}

static void the_store_may_be_absent_at_the_start(void)
{
	begin();
	redis_kill();
	CHECK_TEXT(say_get("a"), "fault");
	redis_revive();
	CHECK(wait_until_it_answers(store) < 5000);
}

/* Begun while the server hung, given up after it answers others again. */
static void what_fails_late_shuts_out_nobody_when_the_store_is_back(void)
{
	struct breaker breaker = { .opened_at_ms = 0 };
	int64_t open_ms, refused, before_ms = clock_mono_ms() - 50;
	CHECK_INT(breaker_enter(&breaker, 100), BREAKER_PASS);
	CHECK(breaker_open(&breaker, before_ms, false));
	CHECK_INT(breaker_enter(&breaker, 100), BREAKER_REFUSE);
	CHECK(breaker_close(&breaker, &open_ms, &refused));
	CHECK(!breaker_open(&breaker, before_ms, false));
	CHECK_INT(breaker_enter(&breaker, 100), BREAKER_PASS);
	CHECK(breaker_open(&breaker, clock_mono_ms(), false));
	CHECK_INT(breaker_enter(&breaker, 100), BREAKER_REFUSE);
}

static void never_answer(int fd)
{
	while (fake_hear(fd))
		continue;
}

static void after_a_time_out_the_next_calls_do_not_ask(void)
{
	struct store_value reply;
	fake_start(never_answer);
	struct store *asked = new_store(fake.url, NULL);
	for (int i = 0; i < 20; i++)
		CHECK_INT(run_on(asked, store_read("GET", "a", NULL), &reply), STORE_FAULT);
	store_free(asked);
	fake_sleep_ms(20);
	fake_stop();
	CHECK_INT(atomic_load(&fake.connections), 1);
}

static void *hold_a_connection(void *unused)
{
	struct arena *mine = arena_new(1 << 20);
	struct store_value reply;
	struct store_command wait = store_read("BLPOP", "absent", "0.1", NULL);
	CHECK_INT(store_run_one(store, mine, deadline_in_ms(5000), &wait, &reply), STORE_OK);
	arena_free(mine);
	return unused;
}

/* They may be dead without a sign, and each would cost a time-out to find out. */
static void after_a_time_out_no_older_connection_is_used(void)
{
	pthread_t threads[3];
	begin();
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, hold_a_connection, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK(!strstr(say(store_read("INFO", "clients", NULL)), "connected_clients:1\r\n"));
	redis_pause();
	CHECK_TEXT(say_get("a"), "fault");
	redis_resume();
	(void)wait_until_it_answers(store);
	CHECK(strstr(say(store_read("INFO", "clients", NULL)), "connected_clients:1\r\n"));
}

enum { CALLERS = 4, CALL_FOR_MS = 700 };
static struct store *silent;
static atomic_int calls;

static void *call_all_the_time(void *unused)
{
	struct arena *mine = arena_new(1 << 20);
	int64_t end_ms = clock_mono_ms() + CALL_FOR_MS;
	while (clock_mono_ms() < end_ms || atomic_load(&calls) <= 100) {
		struct store_value reply;
		struct store_command get = store_read("GET", "a", NULL);
		if (store_run_one(silent, mine, deadline_in_ms(5000), &get, &reply) == STORE_FAULT)
			atomic_fetch_add(&calls, 1);
		arena_reset(mine);
		redis_sleep_ms(1);
	}
	arena_free(mine);
	return unused;
}

/* First each caller waits for once, then a probe starts every TIME_MS + 200 at most, however long
 * it takes. */
static void one_caller_at_a_time_probes_a_silent_server(void)
{
	pthread_t threads[CALLERS];
	int64_t start_ms = clock_mono_ms();
	fake_start(never_answer);
	silent = new_store(fake.url, NULL);
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&threads[i], NULL, call_all_the_time, NULL);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	store_free(silent);
	fake_sleep_ms(20);
	fake_stop();
	CHECK(atomic_load(&fake.connections) >= 2);
	CHECK(atomic_load(&fake.connections) <=
		CALLERS + 1 + (clock_mono_ms() - start_ms) / (TIME_MS + 200));
}

static void an_outage_is_logged_when_it_begins_and_when_it_ends(void)
{
	begin();
	clear_log();
	redis_kill();
	for (int i = 0; i < 50; i++)
		(void)say_get("a");
	CHECK_INT(count_in_log("\n"), 1);
	CHECK_INT(count_in_log("refused until it answers"), 1);
	redis_revive();
	(void)wait_until_it_answers(store);
	CHECK_INT(count_in_log("\n"), 2);
	CHECK_INT(count_in_log("answers again after"), 1);
}

int main(void)
{
	timeout_ms = TIME_MS;
	ask_start();
	RUN(a_request_in_a_hurry_does_not_shut_out_the_others);
	RUN(a_hundred_calls_to_a_hung_server_cost_about_one_time_out);
	RUN(a_late_reply_never_answers_the_next_question);
	RUN(a_killed_server_is_refused_at_once_and_found_again);
	RUN(the_store_may_be_absent_at_the_start);
	RUN(what_fails_late_shuts_out_nobody_when_the_store_is_back);
	RUN(after_a_time_out_the_next_calls_do_not_ask);
	RUN(after_a_time_out_no_older_connection_is_used);
	RUN(one_caller_at_a_time_probes_a_silent_server);
	RUN(an_outage_is_logged_when_it_begins_and_when_it_ends);
	return ask_stop();
}
