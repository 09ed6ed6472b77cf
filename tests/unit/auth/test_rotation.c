/* Refresh rotation and sessions: what must hold when many ask at once, late, or with a stolen copy.
 */
#include <pthread.h>

#include "auth/rotation.h"
#include "auth/session.h"
#include "auth/theft.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "check.h"
#include "world.h"

static struct user alice;

static void fresh(const char *settings)
{
	redis_command("FLUSHALL");
	world_settings(settings);
	world_be("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	alice = world_user("alice", "staff");
}

static struct session start(bool persist)
{
	struct session session;

	CHECK_INT(session_start(&world.auth, &world.caller, &alice,
			  &(struct session_wish){ .persist = persist }, &session),
		SESSION_OK);
	return session;
}

static struct rotation_token token_of(const struct session *session)
{
	struct rotation_token token = { "" };

	CHECK(rotation_format(world.auth.keys, session, NULL, &token));
	return token;
}

static enum rotation_result use(const char *text, struct rotation_outcome *out)
{
	world.caller.deadline = deadline_in_ms(5000);
	return rotation_use(&world.auth, &world.caller, text, false, out);
}

static long long exists(const char *handle)
{
	const char *key =
		store_key_session(world.auth.store, world.caller.arena, alice.id.text, handle);

	return world_redis(store_read("EXISTS", key, NULL)).integer;
}

/* Moves the rotation into the past, as if that time had gone by. */
static void age_rotation(const char *handle, long long ms)
{
	const char *key =
		store_key_session(world.auth.store, world.caller.arena, alice.id.text, handle);
	char by[32];

	snprintf(by, sizeof by, "-%lld", ms);
	world_redis(store_write("HINCRBY", key, "rotated_at", by, NULL));
}

static void a_refresh_token_is_rotated_to_its_successor(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(strlen(first.text), ROTATION_TOKEN_LEN);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	CHECK(strcmp(out.next.text, first.text) != 0);
	CHECK_INT(out.session.generation, 2);
	CHECK_TEXT(out.session.handle, session.handle);
	CHECK_TEXT(out.user.name, "alice");
	CHECK_INT(use(out.next.text, &out), ROTATION_OK);
	CHECK_INT(out.session.generation, 3);
}

static void within_the_grace_the_same_successor_is_handed_out_again(void)
{
	struct rotation_outcome one, two;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &one), ROTATION_OK);
	age_rotation(session.handle, 9000);
	CHECK_INT(use(first.text, &two), ROTATION_OK);
	CHECK_TEXT(two.next.text, one.next.text);
	CHECK_INT(two.session.rotated_at_sec, one.session.rotated_at_sec - 9);
}

static void a_repeat_does_not_prolong_the_grace(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	age_rotation(session.handle, 6000);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	age_rotation(session.handle, 6000);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_REFRESH_REUSED);
}

static void a_token_used_after_the_grace_ends_the_session_for_both_holders(void)
{
	struct rotation_outcome out, thief;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	age_rotation(session.handle, 10001);
	CHECK_INT(use(first.text, &thief), ROTATION_REFUSED);
	CHECK_INT(thief.why, REASON_REFRESH_REUSED);
	CHECK_INT(exists(session.handle), 0);
	CHECK_INT(use(out.next.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_SESSION_ENDED);
}

static void a_token_two_generations_old_is_reuse_even_at_once(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	CHECK_INT(use(out.next.text, &out), ROTATION_OK);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_REFRESH_REUSED);
}

static void a_repeat_from_another_browser_is_reuse(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	world_be("192.0.2.7", "curl/8.0");
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_REFRESH_REUSED);
}

static void with_no_grace_every_repeat_is_reuse(void)
{
	struct rotation_outcome out;

	fresh("[session]\nrefresh_grace = 0\n");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
}

static void a_generation_newer_than_the_store_knows_moves_the_store_forward(void)
{
	struct rotation_outcome out, again;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	struct rotation_token second = out.next;
	/* The failover: the last write is lost. */
	const char *key = store_key_session(
		world.auth.store, world.caller.arena, alice.id.text, session.handle);
	world_redis(store_write("HSET", key, "generation", "1", NULL));
	CHECK_INT(use(second.text, &out), ROTATION_OK);
	CHECK_INT(out.session.generation, 3);
	CHECK_INT(use(second.text, &again), ROTATION_OK);
	CHECK_TEXT(again.next.text, out.next.text);
}

struct racer {
	pthread_t thread;
	const char *token;
	struct rotation_outcome out;
	enum rotation_result result;
	const char *access;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct caller caller = world.caller;

	caller.arena = arena_new(1024 * 1024);
	caller.deadline = deadline_in_ms(20000);
	racer->result = rotation_use(&world.auth, &caller, racer->token, false, &racer->out);
	if (racer->result == ROTATION_OK) {
		const char *access =
			token_mint(&world.auth, &caller, &racer->out.session, &racer->out.user);
		racer->access = access ? strdup(access) : NULL;
	}
	arena_free(caller.arena);
	return NULL;
}

enum { RACERS = 100 };

static void a_hundred_at_once_get_one_successor(void)
{
	static struct racer racers[RACERS];
	struct token one, other;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	for (int i = 0; i < RACERS; i++) {
		racers[i].token = first.text;
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(racers[i].thread, NULL);
	for (int i = 0; i < RACERS; i++) {
		CHECK_INT(racers[i].result, ROTATION_OK);
		CHECK_TEXT(racers[i].out.next.text, racers[0].out.next.text);
		CHECK_INT(token_verify(world.auth.keys, world.settings, racers[i].access,
				  strlen(racers[i].access), &other),
			REASON_OK);
		if (i == 0)
			one = other;
		/* ES256 signatures differ; what is signed does not. */
		CHECK(memcmp(&one, &other, sizeof one) == 0);
		free((void *)(uintptr_t)racers[i].access);
	}
	const char *index = store_key_sessions(world.auth.store, world.caller.arena, alice.id.text);
	CHECK_INT(world_redis(store_read("ZCARD", index, NULL)).integer, 1);
}

static void a_forged_or_damaged_token_is_refused_and_touches_nothing(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token good = token_of(&session);
	for (size_t i = 0; i < ROTATION_TOKEN_LEN; i++) {
		struct rotation_token bad = good;
		bad.text[i] = bad.text[i] == 'A' ? 'B' : 'A';
		CHECK_INT(use(bad.text, &out), ROTATION_REFUSED);
		CHECK_INT(out.why, REASON_MALFORMED);
	}
	CHECK_INT(use("", &out), ROTATION_REFUSED);
	char cut[ROTATION_TOKEN_LEN + 1];
	snprintf(cut, sizeof cut, "%.*s", ROTATION_TOKEN_LEN - 1, good.text);
	CHECK_INT(use(cut, &out), ROTATION_REFUSED);
	CHECK_INT(use(good.text, &out), ROTATION_OK);
}

static void a_disabled_user_is_refused_and_the_token_is_not_used_up(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	user_update(&world.auth, &world.caller, &alice.id, "disabled", "1");
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_USER_DISABLED);
	user_update(&world.auth, &world.caller, &alice.id, "disabled", "");
	CHECK_INT(use(first.text, &out), ROTATION_OK);
}

static void a_raised_version_refuses_every_earlier_session(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(user_supersede(&world.auth, &world.caller, &alice.id), USER_OK);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_VERSION_SUPERSEDED);
	CHECK_INT(user_find(&world.auth, &world.caller, "alice", &alice), USER_OK);
	session = start(false);
	first = token_of(&session);
	CHECK_INT(user_supersede_all(&world.auth, &world.caller), USER_OK);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_VERSION_SUPERSEDED);
}

static void who_is_refused_for_the_version_and_tries_again_is_no_thief(void)
{
	struct rotation_outcome out;

	fresh("[session]\nrefresh_grace = 0\non_reuse = user\n");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(user_supersede(&world.auth, &world.caller, &alice.id), USER_OK);
	CHECK_INT(user_find(&world.auth, &world.caller, "alice", &alice), USER_OK);
	struct session later = start(false);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_VERSION_SUPERSEDED);
	CHECK_INT(exists(session.handle), 0);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_SESSION_ENDED);
	CHECK_INT(exists(later.handle), 1);
	first = token_of(&later);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
}

static void a_bound_session_ends_when_the_context_changes(void)
{
	struct rotation_outcome out;

	fresh("[session]\nbind = both\n");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	world_be("192.0.2.200", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	CHECK_INT(use(first.text, &out), ROTATION_OK); /* the same /24 */
	first = out.next;
	world_be("198.51.100.1", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_CONTEXT_CHANGED);
	CHECK_INT(exists(session.handle), 0);
}

static void the_absolute_end_is_not_moved_by_rotation(void)
{
	struct rotation_outcome out;

	fresh("[session]\nidle_timeout = 100\nabsolute_timeout = 100\naccess_lifetime = 60\n");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	CHECK_INT(out.session.absolute_end, session.absolute_end);
	const char *key = store_key_session(
		world.auth.store, world.caller.arena, alice.id.text, session.handle);
	CHECK(world_redis(store_read("EXPIRETIME", key, NULL)).integer <= session.absolute_end);
	world_redis(store_write("HSET", key, "absolute_end", "1000", NULL));
	CHECK_INT(use(out.next.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_ABSOLUTE_TIMEOUT);
	CHECK_INT(exists(session.handle), 0);
}

static void a_script_does_not_prolong_where_only_navigation_counts(void)
{
	struct rotation_outcome out;

	fresh("[session]\nactivity = navigation\nidle_timeout = 1000\n");
	struct session session = start(false);
	out.next = token_of(&session);
	const char *key = store_key_session(
		world.auth.store, world.caller.arena, alice.id.text, session.handle);
	world_redis(store_write("EXPIRE", key, "500", NULL));
	CHECK_INT(use(out.next.text, &out), ROTATION_OK);
	CHECK_INT(out.session.generation, 2);
	CHECK(out.session.idle_end - out.session.now_sec <= 501);
	struct rotation_token before = out.next;
	CHECK_INT(rotation_use(&world.auth, &world.caller, before.text, true, &out), ROTATION_OK);
	CHECK_INT(out.session.idle_end - out.session.now_sec, 1000);
	CHECK_INT(world_redis(store_read("EXPIRETIME", key, NULL)).integer, out.session.idle_end);
}

static void remember_me_has_limits_of_its_own(void)
{
	fresh("[session]\nidle_timeout = 100\nabsolute_timeout = 200\naccess_lifetime = 60\n"
	      "remember_idle = 1000\nremember_absolute = 2000\n");
	struct session plain = start(false), remembered = start(true);
	CHECK_INT(plain.idle_end - plain.now_sec, 100);
	CHECK_INT(plain.absolute_end - plain.now_sec, 200);
	CHECK_INT(remembered.idle_end - remembered.now_sec, 1000);
	CHECK_INT(remembered.absolute_end - remembered.now_sec, 2000);
}

static void the_limit_ends_the_oldest_or_refuses(void)
{
	struct rotation_outcome out;
	struct session more;

	fresh("[session]\nmax_sessions = 1\n");
	struct session first = start(false);
	struct rotation_token token = token_of(&first);
	start(false);
	CHECK_INT(use(token.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_SESSION_ENDED);
	fresh("[session]\nmax_sessions = 2\non_limit = refuse\n");
	start(false);
	start(false);
	CHECK_INT(session_start(&world.auth, &world.caller, &alice,
			  &(struct session_wish){ .persist = false }, &more),
		SESSION_LIMIT);
}

static void *race_start(void *argument)
{
	struct racer *racer = argument;
	struct caller caller = world.caller;
	struct session session;

	caller.arena = arena_new(4 * 1024 * 1024);
	caller.deadline = deadline_in_ms(20000);
	racer->result = (enum rotation_result)session_start(
		&world.auth, &caller, &alice, &(struct session_wish){ .persist = false }, &session);
	arena_free(caller.arena);
	return NULL;
}

static void signing_in_again_in_a_browser_takes_the_place_of_its_own_session(void)
{
	struct session again;

	fresh("[session]\nmax_sessions = 2\non_limit = refuse\n");
	struct session phone = start(false), laptop = start(false);
	struct session_wish wish = { .replaces = laptop.handle };
	CHECK_INT(session_start(&world.auth, &world.caller, &alice, &wish, &again), SESSION_OK);
	CHECK_INT(exists(phone.handle), 1);
	CHECK_INT(exists(laptop.handle), 0);
	CHECK_INT(exists(again.handle), 1);
}

static void thousands_of_sessions_are_listed_in_part_and_ended_whole(void)
{
	struct session_info *list = NULL;
	size_t count = 0;

	fresh("");
	for (int i = 0; i < 2500; i++) {
		char handle[32];
		snprintf(handle, sizeof handle, "handle-%015d", i);
		world_redis(store_write("ZADD",
			store_key_sessions(world.auth.store, world.caller.arena, alice.id.text),
			"99999999999", handle, NULL));
	}
	struct session session = start(false);
	world_be("192.0.2.7", "x");
	CHECK_INT(session_list(&world.auth, &world.caller, &alice.id, &list, &count), SESSION_OK);
	CHECK(count <= SESSION_LIST_MAX);
	CHECK_INT(session_end_all(&world.auth, &world.caller, &alice.id, NULL, &count), SESSION_OK);
	CHECK_INT(exists(session.handle), 0);
	CHECK_INT(world_redis(store_read("EXISTS",
				      store_key_sessions(
					      world.auth.store, world.caller.arena, alice.id.text),
				      NULL))
			  .integer,
		0);
}

static void parallel_sign_ins_never_pass_the_limit(void)
{
	static struct racer racers[16];

	fresh("[session]\nmax_sessions = 3\non_limit = refuse\n");
	int ok = 0;
	for (int i = 0; i < 16; i++)
		pthread_create(&racers[i].thread, NULL, race_start, &racers[i]);
	for (int i = 0; i < 16; i++) {
		pthread_join(racers[i].thread, NULL);
		ok += racers[i].result == (enum rotation_result)SESSION_OK;
	}
	CHECK_INT(ok, 3);
	const char *index = store_key_sessions(world.auth.store, world.caller.arena, alice.id.text);
	CHECK_INT(world_redis(store_read("ZCARD", index, NULL)).integer, 3);
}

static void sessions_are_listed_and_ended_by_their_owner_only(void)
{
	struct session_info *list = NULL;
	size_t count = 0;

	fresh("");
	struct session one = start(false), two = start(false);
	CHECK_INT(session_list(&world.auth, &world.caller, &alice.id, &list, &count), SESSION_OK);
	CHECK_INT(count, 2);
	CHECK_TEXT(list[0].agent, "Firefox on Linux");
	CHECK_TEXT(list[0].address, "192.0.2.7");
	struct user bob = world_user("bob", "");
	CHECK_INT(session_end(&world.auth, &world.caller, &bob.id, one.handle), SESSION_ABSENT);
	CHECK_INT(exists(one.handle), 1);
	CHECK_INT(session_end(&world.auth, &world.caller, &alice.id, one.handle), SESSION_OK);
	CHECK_INT(session_end(&world.auth, &world.caller, &alice.id, one.handle), SESSION_ABSENT);
	start(false);
	CHECK_INT(session_end_all(&world.auth, &world.caller, &alice.id, two.handle, &count),
		SESSION_OK);
	CHECK_INT(count, 1);
	CHECK_INT(exists(two.handle), 1);
	CHECK_INT(session_end_all(&world.auth, &world.caller, &alice.id, NULL, &count), SESSION_OK);
	CHECK_INT(exists(two.handle), 0);
}

static void every_key_of_a_session_has_an_expiry(void)
{
	struct rotation_outcome out;

	fresh("");
	struct session session = start(true);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	struct store_value keys = world_redis(store_read("KEYS", "*", NULL));
	CHECK(keys.count >= 4);
	for (size_t i = 0; i < keys.count; i++) {
		const char *key = store_item_text(&keys, i);
		bool lasts = strncmp(key, "dw:user:", 8) == 0 || strcmp(key, "dw:realm") == 0;
		long long ends = world_redis(store_read("TTL", key, NULL)).integer;
		CHECK(lasts ? ends == -1 : ends > 0);
	}
}

static void a_dead_store_is_a_fault_and_the_token_stays_good(void)
{
	struct rotation_outcome out;
	struct session session;

	fresh("");
	session = start(false);
	struct rotation_token first = token_of(&session);
	redis_pause();
	CHECK_INT(use(first.text, &out), ROTATION_FAULT);
	CHECK_INT(
		session_end(&world.auth, &world.caller, &alice.id, session.handle), SESSION_FAULT);
	struct session more;
	CHECK_INT(session_start(&world.auth, &world.caller, &alice,
			  &(struct session_wish){ .persist = false }, &more),
		SESSION_FAULT);
	redis_resume();
	redis_sleep_ms(400);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
}

static void after_reuse_the_user_finds_a_notice_once(void)
{
	struct rotation_outcome out;
	struct theft_notice notice;

	fresh("");
	struct session session = start(false), other = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	theft_find_notice(&world.auth, &world.caller, &alice.id, &notice);
	CHECK_INT(notice.at, 0);
	age_rotation(session.handle, 60000);
	world_be("198.51.100.9", "curl/8.0");
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	theft_find_notice(&world.auth, &world.caller, &alice.id, &notice);
	CHECK(notice.at > 0);
	CHECK_TEXT(notice.device, "curl");
	CHECK_TEXT(notice.address, "198.51.100.9");
	CHECK_INT(exists(other.handle), 1);
	theft_forget_notice(&world.auth, &world.caller, &alice.id);
	theft_find_notice(&world.auth, &world.caller, &alice.id, &notice);
	CHECK_INT(notice.at, 0);
}

static void reuse_can_end_every_session_of_the_user(void)
{
	struct rotation_outcome out;

	fresh("[session]\non_reuse = user\n");
	struct session session = start(false), other = start(false);
	struct rotation_token first = token_of(&session), second = token_of(&other);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	age_rotation(session.handle, 60000);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(exists(other.handle), 0);
	CHECK_INT(use(second.text, &out), ROTATION_REFUSED);
}

static long long unusual_events(void)
{
	struct store_value events = world_redis(store_read("XRANGE", "dw:events", "-", "+", NULL));
	long long count = 0;

	for (size_t i = 0; i < events.count; i++) {
		const struct store_value *fields = &events.item[i].item[1];
		for (size_t j = 0; j < fields->count; j++) {
			const char *text = store_item_text(fields, j);
			count += text && strcmp(text, "refresh.unusual") == 0;
		}
	}
	return count;
}

static void unusual_refreshing_is_reported_once_a_window(void)
{
	struct rotation_outcome out;
	static const char *const places[] = { "192.0.2.1", "198.51.100.1" };

	fresh("[session]\naccess_lifetime = 1h\n");
	struct session session = start(false);
	out.next = token_of(&session);
	for (int i = 0; i < 24; i++)
		CHECK_INT(use(out.next.text, &out), ROTATION_OK);
	CHECK_INT(unusual_events(), 0);
	for (int i = 0; i < 4; i++)
		CHECK_INT(use(out.next.text, &out), ROTATION_OK);
	CHECK_INT(unusual_events(), 1);
	fresh("");
	session = start(false);
	out.next = token_of(&session);
	for (int i = 1; i < 9; i++) {
		world_be(places[i % 2], "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
		CHECK_INT(use(out.next.text, &out), ROTATION_OK);
	}
	CHECK_INT(unusual_events(), 1);
	struct rotation_token before = out.next;
	CHECK_INT(use(before.text, &out), ROTATION_OK);
	for (int i = 0; i < 202; i++)
		CHECK_INT(use(before.text, &out), ROTATION_OK);
	CHECK_INT(unusual_events(), 2);
}

static void too_few_replicas_end_no_session_and_hide_no_reuse(void)
{
	struct rotation_outcome out;

	fresh("[store]\nrotation_replicas = 1\n[session]\nrefresh_grace = 0\n");
	struct session session = start(false);
	struct rotation_token first = token_of(&session);
	CHECK_INT(use(first.text, &out), ROTATION_OK);
	struct rotation_token second = out.next;
	CHECK_INT(use(second.text, &out), ROTATION_OK);
	CHECK_INT(use(first.text, &out), ROTATION_REFUSED);
	CHECK_INT(out.why, REASON_REFRESH_REUSED);
}

int main(void)
{
	world_start("");
	RUN(a_refresh_token_is_rotated_to_its_successor);
	RUN(within_the_grace_the_same_successor_is_handed_out_again);
	RUN(a_repeat_does_not_prolong_the_grace);
	RUN(a_token_used_after_the_grace_ends_the_session_for_both_holders);
	RUN(a_token_two_generations_old_is_reuse_even_at_once);
	RUN(a_repeat_from_another_browser_is_reuse);
	RUN(with_no_grace_every_repeat_is_reuse);
	RUN(a_generation_newer_than_the_store_knows_moves_the_store_forward);
	RUN(a_hundred_at_once_get_one_successor);
	RUN(a_forged_or_damaged_token_is_refused_and_touches_nothing);
	RUN(a_disabled_user_is_refused_and_the_token_is_not_used_up);
	RUN(a_raised_version_refuses_every_earlier_session);
	RUN(who_is_refused_for_the_version_and_tries_again_is_no_thief);
	RUN(a_bound_session_ends_when_the_context_changes);
	RUN(the_absolute_end_is_not_moved_by_rotation);
	RUN(a_script_does_not_prolong_where_only_navigation_counts);
	RUN(remember_me_has_limits_of_its_own);
	RUN(the_limit_ends_the_oldest_or_refuses);
	RUN(signing_in_again_in_a_browser_takes_the_place_of_its_own_session);
	RUN(thousands_of_sessions_are_listed_in_part_and_ended_whole);
	RUN(parallel_sign_ins_never_pass_the_limit);
	RUN(sessions_are_listed_and_ended_by_their_owner_only);
	RUN(every_key_of_a_session_has_an_expiry);
	RUN(a_dead_store_is_a_fault_and_the_token_stays_good);
	RUN(too_few_replicas_end_no_session_and_hide_no_reuse);
	RUN(after_reuse_the_user_finds_a_notice_once);
	RUN(reuse_can_end_every_session_of_the_user);
	RUN(unusual_refreshing_is_reported_once_a_window);
	world_stop();
	return check_result();
}
