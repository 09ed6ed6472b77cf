/* What the store said last, for the time when it says nothing: who passes by it, and who never. */
#include "auth/known.h"
#include "auth/access.h"
#include "auth/facts.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/clock.h"
#include "check.h"
#include "world.h"

static const char stale[] = "[failure]\non_store_failure = stale\nstale_max = 60\n";
static struct user alice;
static struct session session;
static const char *token;

static const char *sign_in(const struct user *user, struct session *out)
{
	CHECK_INT(session_start(&world.auth, &world.caller, user,
			  &(struct session_wish){ .persist = false }, out),
		SESSION_OK);
	return token_mint(&world.auth, &world.caller, out, user);
}

static void fresh(const char *settings)
{
	redis_command("FLUSHALL");
	world_settings(settings);
	known_free(world.auth.known);
	world.auth.known = known_new(4096);
	world_be("192.0.2.7", "Firefox");
	alice = world_user("alice", "staff");
	token = sign_in(&alice, &session);
}

static enum access_result ask_for(const char *uri, const char *with, struct access *out)
{
	struct access_request request = { .token = with,
		.token_len = strlen(with),
		.token_reason = REASON_NO_TOKEN,
		.method = "GET",
		.uri = uri };

	world.caller.deadline = deadline_in_ms(2000);
	return access_decide(&world.auth, &world.caller, &request, out);
}

static enum access_result ask(const char *with)
{
	struct access access;

	return ask_for("/private/", with, &access);
}

/* Redis is killed once for several questions: each is put with the breaker open. */
static void with_no_store(void (*questions)(void))
{
	redis_kill();
	questions();
	redis_revive();
	for (int i = 0; i < 200; i++) {
		struct store_command ping = store_read("PING", NULL);
		struct store_value reply = { 0 };

		if (store_run_one(world.auth.store, world.caller.arena, deadline_in_ms(500), &ping,
			    &reply) == STORE_OK)
			return;
		redis_sleep_ms(20);
	}
	CHECK(!"Redis is back");
}

/* ---- by default nobody ---- */

static void ask_by_default(void)
{
	CHECK_INT(ask(token), ACCESS_FAULT);
}

static void a_record_that_is_too_long_is_not_kept(void)
{
	char context[6000];

	fresh(stale);
	memset(context, 'c', sizeof context - 1);
	context[sizeof context - 1] = '\0';
	world_redis(store_write("HSET",
		store_key_session(
			world.auth.store, world.caller.arena, alice.id.text, session.handle),
		"context", context, NULL));
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	with_no_store(ask_by_default);
}

static void by_default_a_fault_lets_nobody_in(void)
{
	fresh("");
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	with_no_store(ask_by_default);
}

/* ---- stale ---- */

static const char *unseen;

static void ask_stale(void)
{
	struct access access;

	CHECK_INT(ask_for("/private/", token, &access), ACCESS_ALLOWED);
	CHECK(access.degraded);
	CHECK(access.tell_degraded);
	CHECK_TEXT(access.user.name, "alice");
	CHECK_TEXT(access.user.roles, "staff");
	CHECK_TEXT(access.token.sid, session.handle);
	CHECK_INT(access.extra_count, 1);
	CHECK_TEXT(access.extra[0].name, "AUTH_MAIL");
	CHECK_TEXT(access.extra[0].value, "alice@example.org");
	CHECK_INT(ask_for("/private/", token, &access), ACCESS_ALLOWED);
	CHECK(access.degraded && !access.tell_degraded);
	CHECK_INT(ask(unseen), ACCESS_FAULT);
	/* A page of ours, which asks without an address. */
	CHECK_INT(ask_for(NULL, token, &access), ACCESS_FAULT);
	CHECK(!access.degraded);
	world.caller.patience = CALLER_MEMORY_ONLY;
	CHECK_INT(ask(token), ACCESS_FAULT);
	world.caller.patience = CALLER_HURRIED;
	CHECK_INT(ask(token), ACCESS_FAULT);
	world.caller.patience = CALLER_WAITS;
}

static void a_session_seen_alive_passes_and_another_does_not(void)
{
	struct session other;
	char settings[256];

	snprintf(settings, sizeof settings, "%s[users]\nextra_fields = phone, mail\n", stale);
	fresh(settings);
	world_redis(store_write("HSET",
		store_key_user(world.auth.store, world.caller.arena, alice.id.text), "mail",
		"alice@example.org", NULL));
	unseen = sign_in(&alice, &other);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	with_no_store(ask_stale);
}

static void ask_rules(void)
{
	struct access access;

	CHECK_INT(ask_for("/strict/", token, &access), ACCESS_FAULT);
	CHECK_INT(ask_for("/admin/", token, &access), ACCESS_FAULT);
	CHECK_INT(access.reason, REASON_STORE_UNAVAILABLE);
	CHECK_INT(ask_for("/staff/", token, &access), ACCESS_ALLOWED);
	CHECK_INT(ask_for("/else/", token, &access), ACCESS_FAULT);
	CHECK_INT(ask_for("/maybe/", token, &access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.name, "alice");
	CHECK(access.degraded);
}

static void each_rule_says_whether_it_holds(void)
{
	fresh("[rules]\n/strict/* = signed-in on_store_failure:deny\n"
	      "/admin/* = role:admin on_store_failure:stale\n"
	      "/staff/* = role:boss, role:staff  on_store_failure:stale\n"
	      "/maybe/* = optional on_store_failure:stale\n");
	CHECK(rules_any_stale(world.auth.rules));
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	with_no_store(ask_rules);
}

static void ask_other_browser(void)
{
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	world_be("192.0.2.7", "Chromium");
	CHECK_INT(ask(token), ACCESS_FAULT);
}

static void another_browser_does_not_pass(void)
{
	char settings[256];

	snprintf(settings, sizeof settings, "%s[session]\nbind = agent\n", stale);
	fresh(settings);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	with_no_store(ask_other_browser);
	world_be("192.0.2.7", "Firefox");
}

static void ask_none(void)
{
	CHECK_INT(ask(token), ACCESS_FAULT);
}

static void what_was_ended_here_does_not_pass_even_where_nobody_looked_again(void)
{
	fresh(stale);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	CHECK_INT(session_end(&world.auth, &world.caller, &alice.id, session.handle), SESSION_OK);
	with_no_store(ask_none);
}

/* Another session of the same user learns of it. */
static void what_another_session_learnt_of_the_user_counts(void)
{
	struct session other;

	fresh(stale);
	const char *second = sign_in(&alice, &other);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	world_redis(store_write("HSET",
		store_key_user(world.auth.store, world.caller.arena, alice.id.text), "disabled",
		"1", NULL));
	CHECK_INT(ask(second), ACCESS_UNAUTHENTICATED);
	with_no_store(ask_none);
}

static void the_realms_version_counts_for_everybody(void)
{
	struct session other;

	fresh(stale);
	struct user bob = world_user("bob", "staff");
	const char *second = sign_in(&bob, &other);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	world_redis(store_write("HINCRBY", store_key(world.auth.store, world.caller.arena, "realm"),
		"ver", "1", NULL));
	CHECK_INT(ask(second), ACCESS_UNAUTHENTICATED);
	with_no_store(ask_none);
}

static void a_record_that_cannot_be_believed_is_no_silence(void)
{
	fresh(stale);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	world_redis(store_write("HSET",
		store_key_user(world.auth.store, world.caller.arena, alice.id.text), "ver", "many",
		NULL));
	CHECK_INT(ask(token), ACCESS_FAULT);
	with_no_store(ask_none);
}

static void ask_in_an_hour(void)
{
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	clock_shift_sec(-3600);
	CHECK(ask(token) != ACCESS_ALLOWED);
	clock_shift_sec(3600);
	CHECK(ask(token) != ACCESS_ALLOWED);
	clock_shift_sec(0);
}

static void times_count_by_the_agreed_clock(void)
{
	fresh(stale);
	CHECK_INT(ask(token), ACCESS_ALLOWED);
	with_no_store(ask_in_an_hour);
}

/* ---- the table alone ---- */

static struct known *known;
static struct facts living = { .session_lives = true,
	.context = "",
	.user_exists = true,
	.name = "alice",
	.roles = "staff",
	.left_sec = 600 };

static struct token token_of(unsigned number, const char *jti)
{
	struct token made = { .exp = clock_agreed_sec() + 600 };

	snprintf(made.sub.text, sizeof made.sub.text, "user%018u", number);
	snprintf(made.sid, sizeof made.sid, "session%015u", number);
	snprintf(made.jti, sizeof made.jti, "%s", jti);
	return made;
}

static bool finds(const struct token *about, int64_t max_age_sec)
{
	struct facts facts;
	struct known_answer answer = { .facts = &facts };

	return known_find(known, world.caller.arena, about, max_age_sec, &answer);
}

static void start_known(size_t max_entries)
{
	known_free(known);
	known = known_new(max_entries);
}

static void it_counts_until_stale_max_and_not_longer(void)
{
	struct token one = token_of(1, "a");

	start_known(256);
	known_note(known, &one, &living, clock_mono_ms() - 1900);
	CHECK(finds(&one, 2));
	redis_sleep_ms(120);
	CHECK(!finds(&one, 2));
	CHECK(finds(&one, 3));
	/* An older answer that comes later makes it no younger, and none older. */
	known_note(known, &one, &living, clock_mono_ms() - 5000);
	CHECK(finds(&one, 3));
}

static void it_outlives_neither_the_session_nor_its_absolute_end(void)
{
	struct token one = token_of(1, "a");
	struct facts ends = living;

	start_known(256);
	known_note(known, &one, &living, clock_mono_ms());
	clock_shift_sec(601);
	CHECK(!finds(&one, 60));
	clock_shift_sec(0);
	CHECK(finds(&one, 60));
	ends.absolute_end = clock_agreed_sec();
	known_note(known, &one, &ends, clock_mono_ms());
	CHECK(!finds(&one, 60));
}

static void a_denied_token_never_passes_and_its_sibling_does(void)
{
	struct token one = token_of(1, "a"), sibling = token_of(1, "b");
	struct facts denied = living;

	start_known(256);
	denied.denied = true;
	known_note(known, &sibling, &living, clock_mono_ms());
	known_note(known, &one, &denied, clock_mono_ms());
	CHECK(!finds(&one, 60));
	CHECK(finds(&sibling, 60));
	known_note(known, &sibling, &living, clock_mono_ms());
	CHECK(!finds(&one, 60));
	for (int i = 0; i < 5; i++) {
		char jti[16];

		snprintf(jti, sizeof jti, "c%d", i);
		struct token more = token_of(1, jti);
		known_note(known, &more, &denied, clock_mono_ms());
	}
	CHECK(!finds(&one, 60));
	CHECK(!finds(&sibling, 60));
}

static void an_answer_that_was_on_its_way_does_not_revive(void)
{
	struct token one = token_of(1, "a");
	struct facts ended = living;

	start_known(256);
	known_end_session(known, one.sub.text, one.sid);
	known_note(known, &one, &living, clock_mono_ms());
	CHECK(!finds(&one, 60));
	known_note(known, &one, &living, clock_mono_ms() + 11000);
	CHECK(finds(&one, 60));
	ended.session_lives = false;
	known_note(known, &one, &ended, clock_mono_ms());
	CHECK(!finds(&one, 60));
}

static void an_older_version_of_the_user_is_not_believed(void)
{
	struct token one = token_of(1, "a");
	struct facts raised = living, facts;
	struct known_answer answer = { .facts = &facts };

	start_known(256);
	raised.ver = 3;
	raised.realm_ver = 1;
	known_note(known, &one, &raised, clock_mono_ms());
	known_note(known, &one, &living, clock_mono_ms());
	CHECK(known_find(known, world.caller.arena, &one, 60, &answer));
	CHECK_INT(facts.ver, 3);
}

static void it_is_bounded_and_a_denial_that_made_room_is_not_forgotten(void)
{
	struct token one = token_of(0, "a"), sibling = token_of(0, "b");
	struct facts denied = living;
	int found = 0;

	start_known(256);
	denied.denied = true;
	known_note(known, &sibling, &living, clock_mono_ms());
	known_note(known, &one, &denied, clock_mono_ms());
	for (unsigned i = 1; i <= 4000; i++) {
		struct token other = token_of(i, "a");
		known_note(known, &other, &living, clock_mono_ms());
	}
	for (unsigned i = 1; i <= 4000; i++) {
		struct token other = token_of(i, "a");
		found += finds(&other, 60);
	}
	CHECK(found > 20 && found <= 128); /* each with its user */
	known_note(known, &sibling, &living, clock_mono_ms());
	CHECK(!finds(&one, 60));
}

static void without_a_table_nothing_is_known(void)
{
	struct token one = token_of(1, "a");

	known_note(NULL, &one, &living, 0);
	known_end_session(NULL, "a", "b");
	known_end_user(NULL, "a");
	CHECK(!known_find(NULL, world.caller.arena, &one, 60, &(struct known_answer){ 0 }));
	known_free(NULL);
}

int main(void)
{
	world_start(stale);
	RUN(a_record_that_is_too_long_is_not_kept);
	RUN(by_default_a_fault_lets_nobody_in);
	RUN(a_session_seen_alive_passes_and_another_does_not);
	RUN(each_rule_says_whether_it_holds);
	RUN(another_browser_does_not_pass);
	RUN(what_was_ended_here_does_not_pass_even_where_nobody_looked_again);
	RUN(what_another_session_learnt_of_the_user_counts);
	RUN(the_realms_version_counts_for_everybody);
	RUN(a_record_that_cannot_be_believed_is_no_silence);
	RUN(times_count_by_the_agreed_clock);
	RUN(it_counts_until_stale_max_and_not_longer);
	RUN(it_outlives_neither_the_session_nor_its_absolute_end);
	RUN(a_denied_token_never_passes_and_its_sibling_does);
	RUN(an_answer_that_was_on_its_way_does_not_revive);
	RUN(an_older_version_of_the_user_is_not_believed);
	RUN(it_is_bounded_and_a_denial_that_made_room_is_not_forgotten);
	RUN(without_a_table_nothing_is_known);
	known_free(known);
	known_free(world.auth.known);
	world_stop();
	return check_result();
}
