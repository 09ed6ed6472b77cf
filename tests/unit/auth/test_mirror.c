/* Checks answered from the mirror: never stale, never later than the lease, whatever breaks. (It
 * stands with auth because it is the check that must be right.) */
#include <pthread.h>
#include <stdatomic.h>

#include "auth/access.h"
#include "auth/facts.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/clock.h"
#include "check.h"
#include "store/mirror.h"
#include "world.h"

enum { HEARTBEAT_MS = 50, LEASE_MS = 200 };

static struct user alice;
static struct session session;
static const char *token;
/* What another program writes, on connections without a mirror. */
static struct store *other;

static void wait_for_mirror(void)
{
	for (int i = 0; i < 400 && !mirror_is_leased(store_mirror(world.auth.store)); i++)
		redis_sleep_ms(10);
	CHECK(mirror_is_leased(store_mirror(world.auth.store)));
}

static void fresh(void)
{
	redis_command("FLUSHALL");
	redis_sleep_ms(20);
	world_be("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	alice = world_user("alice", "staff");
	CHECK_INT(session_start(&world.auth, &world.caller, &alice,
			  &(struct session_wish){ .persist = false }, &session),
		SESSION_OK);
	token = token_mint(&world.auth, &world.caller, &session, &alice);
	/* The messages about what was just written: one that came later would throw away what the
	 * check finds. */
	redis_sleep_ms(2 * HEARTBEAT_MS);
	wait_for_mirror();
}

static enum access_result ask(struct access *out)
{
	struct access_request request = { .token = token,
		.token_len = strlen(token),
		.token_reason = REASON_NO_TOKEN,
		.method = "GET",
		.uri = "/private/" };

	world.caller.deadline = deadline_in_ms(2000);
	return access_decide(&world.auth, &world.caller, &request, out);
}

/* How often Redis was asked so since it counts. */
static long long calls_of(const char *name)
{
	struct arena *arena = world.caller.arena;
	struct store_value info = { 0 };
	struct store_command command = store_read("INFO", "commandstats", NULL);
	const char *line = arena_printf(arena, "cmdstat_%s:calls=", name);

	CHECK_INT(store_run_one(other, arena, deadline_in_ms(2000), &command, &info), STORE_OK);
	const char *at = strstr(info.text, line);
	return at ? strtoll(at + strlen(line), NULL, 10) : 0;
}

static long long commands_processed(void)
{
	return calls_of("hmget");
}

static void a_second_check_asks_redis_nothing(void)
{
	struct access access;

	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	long long before = commands_processed();
	for (int i = 0; i < 100; i++)
		CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(commands_processed(), before);
	CHECK_TEXT(access.user.name, "alice");
	CHECK_TEXT(access.user.roles, "staff");
	CHECK(access.idle_left_sec > 600000);
}

/* A write by somebody else, then the check: in effect after the way of one message, and after the
 * lease whatever became of that. */
static void write_elsewhere(struct store_command command)
{
	struct store_value reply = { 0 };

	CHECK_INT(store_run_one(other, world.caller.arena, deadline_in_ms(2000), &command, &reply),
		STORE_OK);
	redis_sleep_ms(LEASE_MS);
}

static void every_kind_of_revocation_is_seen_at_the_next_check(void)
{
	struct access access;
	struct arena *arena = world.caller.arena;

	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	write_elsewhere(store_write(
		"HSET", store_key_user(other, arena, alice.id.text), "roles", "admin", NULL));
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.roles, "admin");
	write_elsewhere(
		store_write("SET", store_key_deny(other, arena, alice.id.text, access.token.jti),
			"1", "EX", "60", NULL));
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_TOKEN_REVOKED);
	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	write_elsewhere(store_write("HINCRBY", store_key(other, arena, "realm"), "ver", "1", NULL));
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_VERSION_SUPERSEDED);
	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	write_elsewhere(store_write(
		"DEL", store_key_session(other, arena, alice.id.text, session.handle), NULL));
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
}

/* On a thread that accepts: nothing is asked, and what memory does not know is no answer. */
static enum access_result ask_memory(struct access *out)
{
	world.caller.patience = CALLER_MEMORY_ONLY;
	long long before = commands_processed();
	enum access_result result = ask(out);
	CHECK_INT(commands_processed(), before);
	world.caller.patience = CALLER_WAITS;
	return result;
}

static void from_memory_alone_it_is_the_same_answer_or_none(void)
{
	struct access access;

	fresh();
	CHECK_INT(ask_memory(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(ask_memory(&access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.name, "alice");
	CHECK_TEXT(access.user.roles, "staff");
	CHECK(access.idle_left_sec > 600000);
	write_elsewhere(store_write("DEL",
		store_key_session(other, world.caller.arena, alice.id.text, session.handle), NULL));
	CHECK_INT(ask_memory(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(ask_memory(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
}

static void a_token_that_was_never_verified_is_none_for_a_thread_that_accepts(void)
{
	struct access access;
	char forged[4096];

	fresh();
	snprintf(forged, sizeof forged, "%s", token);
	size_t at = strlen(forged) - 20;
	forged[at] = forged[at] == 'A' ? 'B' : 'A';
	token = forged;
	CHECK_INT(ask_memory(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_BAD_SIGNATURE);
	CHECK_INT(ask_memory(&access), ACCESS_FAULT);
}

static void from_memory_alone_nobody_is_taken_for_a_stranger(void)
{
	struct access access;

	world_settings("[rules]\n/private/* = optional\n");
	fresh();
	CHECK_INT(ask_memory(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK(!access.anonymous);
	CHECK_INT(ask_memory(&access), ACCESS_ALLOWED);
	CHECK(!access.anonymous);
	world_settings("");
}

static void a_session_that_expires_is_not_kept_longer(void)
{
	struct access access;

	fresh();
	write_elsewhere(store_write("PEXPIRE",
		store_key_session(other, world.caller.arena, alice.id.text, session.handle), "2000",
		NULL));
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_sleep_ms(2100);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
}

static void a_hung_store_is_believed_for_the_lease_and_no_longer(void)
{
	struct access access;

	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_pause();
	redis_sleep_ms(LEASE_MS + 2 * HEARTBEAT_MS);
	CHECK_INT(ask(&access), ACCESS_FAULT);
	redis_resume();
	redis_sleep_ms(600);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
}

static void a_lost_tracking_connection_flushes_and_comes_back(void)
{
	struct access access;

	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_command("CLIENT KILL TYPE pubsub");
	write_elsewhere(store_write("DEL",
		store_key_session(other, world.caller.arena, alice.id.text, session.handle), NULL));
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	wait_for_mirror();
}

static void a_restarted_store_that_lost_all_is_seen(void)
{
	struct access access;

	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_restart();
	for (int i = 0; i < 300 && ask(&access) == ACCESS_FAULT; i++)
		redis_sleep_ms(10);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
	wait_for_mirror();
}

/* ---- writers and readers on few keys: what is kept at the end is what Redis has ---- */

enum { RACE_KEYS = 8, RACE_READERS = 3, RACE_MS = 1500 };

static atomic_bool race_over;
static atomic_long race_reads;

static void race_read(struct arena *arena, int i, struct store_value *reply)
{
	char key[32];

	snprintf(key, sizeof key, "dw:user:{race%d}", i);
	struct store_command command = store_read("HMGET", key, "n", NULL);
	command.mirrored = true;
	if (store_look_up(world.auth.store, arena, deadline_in_ms(2000), &command, reply, 1) !=
		STORE_OK)
		reply->type = STORE_NIL;
}

static void *race_reader(void *unused)
{
	struct arena *arena = arena_new(1024 * 1024);
	struct store_value reply;

	(void)unused;
	for (int i = 0; !atomic_load(&race_over); i++) {
		race_read(arena, i % RACE_KEYS, &reply);
		atomic_fetch_add(&race_reads, 1);
		arena_reset(arena);
	}
	arena_free(arena);
	return NULL;
}

static void *race_writer(void *argument)
{
	long *last = argument;
	struct arena *arena = arena_new(1024 * 1024);
	struct store_value reply;
	char key[32], number[32];

	for (long n = 1; !atomic_load(&race_over); n++) {
		snprintf(key, sizeof key, "dw:user:{race%ld}", n % RACE_KEYS);
		snprintf(number, sizeof number, "%ld", n);
		struct store_command command = store_write("HSET", key, "n", number, NULL);
		if (store_run_one(other, arena, deadline_in_ms(2000), &command, &reply) == STORE_OK)
			last[n % RACE_KEYS] = n;
		arena_reset(arena);
	}
	arena_free(arena);
	return NULL;
}

static void writers_and_readers_leave_nothing_stale(void)
{
	static long last[RACE_KEYS];
	pthread_t reader[RACE_READERS], writer;
	struct store_value reply;

	fresh();
	pthread_create(&writer, NULL, race_writer, last);
	for (int i = 0; i < RACE_READERS; i++)
		pthread_create(&reader[i], NULL, race_reader, NULL);
	redis_sleep_ms(RACE_MS);
	atomic_store(&race_over, true);
	pthread_join(writer, NULL);
	for (int i = 0; i < RACE_READERS; i++)
		pthread_join(reader[i], NULL);
	redis_sleep_ms(20);
	CHECK(atomic_load(&race_reads) > 100);
	for (int i = 0; i < RACE_KEYS; i++) {
		race_read(world.caller.arena, i, &reply);
		CHECK_INT(store_item_int(&reply, 0, -1), last[i]);
	}
}

static void what_is_kept_is_bounded(void)
{
	struct mirror *mirror = mirror_new(1000);
	struct store_value value = { .type = STORE_INT, .integer = 7, .text = "" }, got;
	struct mirror_answer answer = { &value, 1, -1, 0, 0 }, found = { &got, 1, 0, 0, 0 };
	int kept = 0;
	char key[32];

	mirror_lease_until(mirror, 0, clock_mono_ms() + 10000);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		mirror_fill(mirror, key, mirror_expect(mirror, key), &answer);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		kept += mirror_find(mirror, key, world.caller.arena, &found);
	}
	CHECK(kept > 500 && kept <= 1024);
	mirror_lease_until(mirror, 0, 0);
	CHECK(!mirror_find(mirror, "key19999", world.caller.arena, &found));
	mirror_free(mirror);
}

static void an_answer_overtaken_by_a_change_is_not_kept(void)
{
	struct mirror *mirror = mirror_new(1000);
	struct store_value value = { .type = STORE_TEXT, .text = "old", .len = 3 }, got;
	struct mirror_answer answer = { &value, 1, -1, 0, 0 }, found = { &got, 1, 0, 0, 0 };

	mirror_lease_until(mirror, 0, clock_mono_ms() + 10000);
	uint64_t ticket = mirror_expect(mirror, "k");
	mirror_forget(mirror, "k", 1);
	mirror_fill(mirror, "k", ticket, &answer);
	CHECK(!mirror_find(mirror, "k", world.caller.arena, &found));
	ticket = mirror_expect(mirror, "k");
	uint64_t later = mirror_expect(mirror, "k");
	mirror_fill(mirror, "k", ticket, &answer);
	CHECK(!mirror_find(mirror, "k", world.caller.arena, &found));
	answer.left_ms = 5000;
	mirror_fill(mirror, "k", later, &answer);
	CHECK(mirror_find(mirror, "k", world.caller.arena, &found));
	CHECK_TEXT(got.text, "old");
	CHECK(found.left_ms > 4000 && found.left_ms <= 5000);
	mirror_free(mirror);
}

enum { CROWD = 8000 };

/* Uses of so many sessions, one after the other. They need not exist to be noted. */
static void use_crowd(void)
{
	struct token crowd = { .sub = alice.id, .jti = "jjjjjjjjjjjjjjjjjjjjjj" };
	struct caller caller = world.caller;
	struct facts facts;

	caller.arena = arena_new(1 << 20);
	for (int i = 0; i < CROWD; i++) {
		arena_reset(caller.arena);
		caller.deadline = deadline_in_ms(2000);
		snprintf(crowd.sid, sizeof crowd.sid, "session%d", i);
		CHECK_INT(facts_read(&world.auth, &caller, &crowd, &facts), FACTS_OK);
	}
	arena_free(caller.arena);
}

static void a_session_in_use_is_noted_once_a_minute_however_many_others_are(void)
{
	fresh();
	long long before = calls_of("evalsha");
	int64_t started_ms = clock_mono_ms();
	use_crowd();
	CHECK_INT(calls_of("evalsha") - before, CROWD);
	before = calls_of("evalsha");
	use_crowd();
	long long fell_due = CROWD * (clock_mono_ms() - started_ms + 1000) / 60000;
	CHECK(calls_of("evalsha") - before <= fell_due);
}

static const char *noted_at(void)
{
	struct arena *arena = world.caller.arena;
	struct store_value reply = { 0 };
	struct store_command command = store_read(
		"HGET", store_key_seen(other, arena, alice.id.text, session.handle), "at", NULL);

	CHECK_INT(store_run_one(other, arena, deadline_in_ms(2000), &command, &reply), STORE_OK);
	return reply.type == STORE_TEXT ? reply.text : "";
}

/* As another node would, from an address of its own choice. */
static void note_elsewhere(const char *address)
{
	struct arena *arena = world.caller.arena;
	struct store_value reply = { 0 };
	struct store_command command = store_call(STORE_SESSION_SEEN, 2, true);

	store_arg(&command, store_key_session(other, arena, alice.id.text, session.handle));
	store_arg(&command, store_key_seen(other, arena, alice.id.text, session.handle));
	store_arg(&command, address);
	store_arg(&command, "Firefox on Linux");
	store_arg(&command, "60");
	CHECK_INT(store_run_one(other, arena, deadline_in_ms(2000), &command, &reply), STORE_OK);
	CHECK_INT(reply.integer, 1);
}

static void what_another_node_noted_a_moment_ago_is_not_written_again(void)
{
	struct arena *arena = world.caller.arena;

	fresh();
	const char *key = store_key_seen(other, arena, alice.id.text, session.handle);
	const char *old = arena_printf(arena, "%lld", (long long)clock_agreed_sec() - 100);
	note_elsewhere("192.0.2.7");
	CHECK(*noted_at());
	long long before = calls_of("hset");
	note_elsewhere("192.0.2.7");
	CHECK_INT(calls_of("hset"), before);
	/* Another address is news, and so is a use after a while. */
	note_elsewhere("198.51.100.1");
	CHECK_INT(calls_of("hset"), before + 1);
	(void)redis_command(arena_printf(arena, "HSET %s at %s", key, old));
	note_elsewhere("198.51.100.1");
	CHECK(strcmp(noted_at(), old) != 0);
}

/* However late Redis' own word of it comes. */
static void what_this_process_ends_is_over_at_once(void)
{
	struct access access;
	struct store_value reply;
	struct arena *arena = world.caller.arena;

	fresh();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(ask_memory(&access), ACCESS_ALLOWED);
	struct store_command end = store_write("DEL", "other",
		store_key_session(world.auth.store, arena, alice.id.text, session.handle), NULL);
	CHECK_INT(store_run_one(world.auth.store, arena, world.caller.deadline, &end, &reply),
		STORE_OK);
	CHECK_INT(ask_memory(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
}

int main(void)
{
	static const struct store_mirror_config mirror = { 10000, HEARTBEAT_MS, LEASE_MS };
	char error[256];

	world_start("");
	struct store_config config = { .url = redis_url(), .prefix = "dw:", .timeout_ms = 2000 };
	other = store_new(&config, error, sizeof error);
	store_start_mirror(world.auth.store, &mirror);
	RUN(what_is_kept_is_bounded);
	RUN(what_this_process_ends_is_over_at_once);
	RUN(an_answer_overtaken_by_a_change_is_not_kept);
	RUN(a_second_check_asks_redis_nothing);
	RUN(from_memory_alone_it_is_the_same_answer_or_none);
	RUN(a_token_that_was_never_verified_is_none_for_a_thread_that_accepts);
	RUN(from_memory_alone_nobody_is_taken_for_a_stranger);
	RUN(every_kind_of_revocation_is_seen_at_the_next_check);
	RUN(a_session_that_expires_is_not_kept_longer);
	RUN(a_hung_store_is_believed_for_the_lease_and_no_longer);
	RUN(a_lost_tracking_connection_flushes_and_comes_back);
	RUN(writers_and_readers_leave_nothing_stale);
	RUN(a_session_in_use_is_noted_once_a_minute_however_many_others_are);
	RUN(what_another_node_noted_a_moment_ago_is_not_written_again);
	RUN(a_restarted_store_that_lost_all_is_seen);
	store_free(other);
	world_stop();
	return check_result();
}
