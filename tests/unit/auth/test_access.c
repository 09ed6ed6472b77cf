/* The check: who passes, who does not, and what a store that does not answer means. */
#include "auth/access.h"
#include "auth/rotation.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/counter.h"
#include "check.h"
#include "world.h"

static struct user alice;
static struct session session;
static const char *token;

static void fresh(const char *settings)
{
	redis_command("FLUSHALL");
	world_settings(settings);
	world_be("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	alice = world_user("alice", "staff");
	CHECK_INT(session_start(&world.auth, &world.caller, &alice,
			  &(struct session_wish){ .persist = false }, &session),
		SESSION_OK);
	token = token_mint(&world.auth, &world.caller, &session, &alice);
	CHECK(token != NULL);
}

static enum access_result ask_for(
	const char *method, const char *uri, const char *with, struct access *out)
{
	struct access_request request = { .token = with,
		.token_len = with ? strlen(with) : 0,
		.token_reason = REASON_NO_TOKEN,
		.method = method,
		.uri = uri,
		.navigation = true };

	world.caller.deadline = deadline_in_ms(2000);
	return access_decide(&world.auth, &world.caller, &request, out);
}

static enum access_result ask(struct access *out)
{
	return ask_for("GET", "/private/", token, out);
}

static void a_living_session_passes_with_its_identity(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.name, "alice");
	CHECK_TEXT(access.user.roles, "staff");
	CHECK_TEXT(access.token.sid, session.handle);
	CHECK(!access.anonymous);
}

static void without_a_token_nobody_passes(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask_for("GET", "/private/", NULL, &access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_NO_TOKEN);
	CHECK_INT(ask_for("GET", "/private/", "", &access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_MALFORMED);
}

static void an_ended_session_is_refused_at_once(void)
{
	struct access access;

	fresh("");
	CHECK_INT(session_end(&world.auth, &world.caller, &alice.id, session.handle), SESSION_OK);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
	CHECK(!access.elsewhere);
}

static void a_session_that_gave_way_to_a_newer_one_is_told_so(void)
{
	struct access access;
	struct session newer;

	fresh("[session]\nmax_sessions = 1\n");
	CHECK_INT(session_start(&world.auth, &world.caller, &alice,
			  &(struct session_wish){ .persist = false }, &newer),
		SESSION_OK);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
	CHECK(access.elsewhere);
}

static void roles_and_the_disabled_mark_count_at_the_next_request(void)
{
	struct access access;

	fresh("[rules]\n/admin/* = role:admin\n");
	CHECK_INT(ask_for("GET", "/admin/", token, &access), ACCESS_DENIED);
	CHECK_INT(access.reason, REASON_ROLE_MISSING);
	CHECK_TEXT(access.missing_role, "admin");
	user_update(&world.auth, &world.caller, &alice.id, "roles", "staff,admin");
	CHECK_INT(ask_for("GET", "/admin/", token, &access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.roles, "staff,admin");
	user_update(&world.auth, &world.caller, &alice.id, "disabled", "1");
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_USER_DISABLED);
}

static void a_raised_version_of_user_or_realm_refuses_what_was_issued(void)
{
	struct access access;

	fresh("");
	user_supersede(&world.auth, &world.caller, &alice.id);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_VERSION_SUPERSEDED);
	fresh("");
	user_supersede_all(&world.auth, &world.caller);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_VERSION_SUPERSEDED);
}

static void a_denied_jti_is_refused_while_its_session_lives(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	const char *key = store_key_deny(
		world.auth.store, world.caller.arena, alice.id.text, access.token.jti);
	world_redis(store_write("SET", key, "1", "EX", "60", NULL));
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_TOKEN_REVOKED);
}

static void a_bound_session_is_refused_from_elsewhere_and_lives_on(void)
{
	struct access access;

	fresh("[session]\nbind = agent\n");
	world_be("198.51.100.1", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	world_be("192.0.2.7", "curl/8");
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_CONTEXT_CHANGED);
	world_be("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
}

static void rules_say_who_passes_without_identity(void)
{
	struct access access;

	fresh("[rules]\n/open/* = anyone\n/maybe/* = optional\n/never/* = deny\n");
	CHECK_INT(ask_for("GET", "/open/x", NULL, &access), ACCESS_ALLOWED);
	CHECK(access.anonymous);
	CHECK_INT(ask_for("GET", "/maybe/x", NULL, &access), ACCESS_ALLOWED);
	CHECK(access.anonymous);
	CHECK_INT(ask_for("GET", "/maybe/x", token, &access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.name, "alice");
	CHECK_INT(ask_for("GET", "/never/x", token, &access), ACCESS_DENIED);
	CHECK_INT(ask_for("GET", "/open/../private/", NULL, &access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(ask_for("GET", "/open/%2e%2e/private/", NULL, &access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(ask_for("GET", "/open/%2fx", NULL, &access), ACCESS_DENIED);
	CHECK_INT(ask_for("GET", "/open/%zz", token, &access), ACCESS_DENIED);
	CHECK_INT(ask_for("GET", "/private/?x=/open/", NULL, &access), ACCESS_UNAUTHENTICATED);
}

static void extra_fields_of_the_user_are_handed_on(void)
{
	struct access access;

	fresh("[users]\nextra_fields = mail, phone, team\n");
	const char *key = store_key_user(world.auth.store, world.caller.arena, alice.id.text);
	world_redis(store_write("HSET", key, "mail", "a@example.org", "team", "blue", NULL));
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(access.extra_count, 2);
	CHECK_TEXT(access.extra[0].name, "AUTH_MAIL");
	CHECK_TEXT(access.extra[0].value, "a@example.org");
	CHECK_TEXT(access.extra[1].name, "AUTH_TEAM");
}

static void an_expired_token_is_refused_without_asking_the_store(void)
{
	struct access access;

	fresh("");
	clock_shift_sec(16 * 60);
	redis_pause();
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_EXPIRED);
	redis_resume();
	clock_shift_sec(0);
}

static void a_token_that_ended_with_its_session_says_absolute_timeout(void)
{
	struct access access;

	fresh("[session]\nstyle = sliding\nidle_timeout = 2h\nabsolute_timeout = 8h\n");
	clock_shift_sec(8 * 3600 + 60);
	CHECK_INT(ask(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_ABSOLUTE_TIMEOUT);
	clock_shift_sec(0);
}

static void a_store_that_does_not_answer_is_no_no(void)
{
	struct access access;

	fresh("[rules]\n/admin/* = role:admin\n");
	redis_pause();
	CHECK_INT(ask(&access), ACCESS_FAULT);
	CHECK_INT(access.reason, REASON_STORE_UNAVAILABLE);
	CHECK_INT(ask_for("GET", "/admin/", token, &access), ACCESS_FAULT);
	CHECK_INT(ask_for("GET", "/private/", NULL, &access), ACCESS_UNAUTHENTICATED);
	redis_resume();
	redis_sleep_ms(500);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
}

static void a_record_that_cannot_be_believed_lets_nobody_in(void)
{
	struct access access;

	fresh("");
	const char *key = store_key_user(world.auth.store, world.caller.arena, alice.id.text);
	world_redis(store_write("HSET", key, "ver", "garbage", NULL));
	CHECK_INT(ask(&access), ACCESS_FAULT);
	fresh("");
	world_redis(store_write("HSET", key, "name", "bob", NULL));
	CHECK_INT(ask(&access), ACCESS_FAULT);
	fresh("");
	world_redis(store_write("HSET", "dw:realm", "ver", "x", NULL));
	CHECK_INT(ask(&access), ACCESS_FAULT);
}

static void a_full_store_still_answers_checks(void)
{
	struct access access;

	fresh("");
	redis_command("CONFIG SET maxmemory 1");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_command("CONFIG SET maxmemory 0");
}

static void a_sliding_session_is_prolonged_by_use_and_never_past_its_end(void)
{
	struct access access;

	fresh("[session]\nstyle = sliding\nidle_timeout = 2h\nabsolute_timeout = 8h\n"
	      "renew_below = 1h\nrenew_by = 1h\n");
	const char *key = store_key_session(
		world.auth.store, world.caller.arena, alice.id.text, session.handle);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(access.token.exp, session.absolute_end);
	CHECK(access.idle_left_sec > 7190);
	world_redis(store_write("EXPIRE", key, "3000", NULL));
	struct access_request question = { .token = token,
		.token_len = strlen(token),
		.method = "GET",
		.navigation = true,
		.passive = true };
	CHECK_INT(access_decide(&world.auth, &world.caller, &question, &access), ACCESS_ALLOWED);
	CHECK(access.idle_left_sec <= 3000);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(access.idle_left_sec / 10, 660);
	char end[32];
	long long now = (long long)(session.absolute_end - 8 * 3600);
	snprintf(end, sizeof end, "%lld", now + 3600);
	world_redis(store_write("HSET", key, "absolute_end", end, NULL));
	world_redis(store_write("EXPIRE", key, "3000", NULL));
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK(access.idle_left_sec <= 3600);
}

/* As on a thread that accepts. */
static enum access_result ask_in_a_hurry(struct access *out)
{
	struct access_request request = {
		.token = token, .token_len = strlen(token), .method = "GET", .uri = "/private/"
	};

	world.caller.patience = CALLER_HURRIED;
	world.caller.deadline = store_brief_deadline(world.auth.store, deadline_in_ms(2000));
	enum access_result result = access_decide(&world.auth, &world.caller, &request, out);
	world.caller.patience = CALLER_WAITS;
	return result;
}

/* And again where the machine was too busy for an answer within a moment. */
static enum access_result ask_hurriedly(struct access *out)
{
	enum access_result result = ask_in_a_hurry(out);

	for (int i = 0; i < 50 && result == ACCESS_FAULT; i++) {
		(void)ask(out);
		result = ask_in_a_hurry(out);
	}
	return result;
}

static void in_a_hurry_the_store_is_asked_but_no_signature_verified(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask_in_a_hurry(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(ask_hurriedly(&access), ACCESS_ALLOWED);
	CHECK_TEXT(access.user.name, "alice");
	world.caller.deadline = deadline_in_ms(2000);
	CHECK_INT(session_end(&world.auth, &world.caller, &alice.id, session.handle), SESSION_OK);
	CHECK_INT(ask_hurriedly(&access), ACCESS_UNAUTHENTICATED);
	CHECK_INT(access.reason, REASON_SESSION_ENDED);
}

/* Nor is a store silent that lets a hurried caller wait: the next patient one gets its answer. */
static void in_a_hurry_nobody_waits_for_the_store(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_pause();
	int64_t start_ms = clock_mono_ms();
	CHECK_INT(ask_in_a_hurry(&access), ACCESS_FAULT);
	CHECK(clock_mono_ms() - start_ms < 1900);
	CHECK(!store_is_quick(world.auth.store));
	redis_resume();
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	for (int i = 0; i < 100 && !store_is_quick(world.auth.store); i++)
		CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK(store_is_quick(world.auth.store));
}

/* It could not wait for the answer, and every try would put off the one that does. */
static void in_a_hurry_nobody_looks_whether_the_store_is_back(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	redis_pause();
	CHECK_INT(ask(&access), ACCESS_FAULT);
	redis_resume();
	redis_sleep_ms(300);
	CHECK_INT(ask_in_a_hurry(&access), ACCESS_FAULT);
	CHECK(!store_is_quick(world.auth.store));
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(ask_hurriedly(&access), ACCESS_ALLOWED);
}

static void a_use_that_is_to_be_noted_is_for_who_waits(void)
{
	struct access access;

	fresh("");
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	CHECK_INT(ask_hurriedly(&access), ACCESS_ALLOWED);
	world.settings->session.seen_every = 1;
	redis_sleep_ms(1100);
	CHECK_INT(ask_in_a_hurry(&access), ACCESS_FAULT);
	CHECK_INT(ask(&access), ACCESS_ALLOWED);
	world.settings->session.seen_every = 60;
}

static void a_brief_call_without_time_is_not_made_and_not_counted(void)
{
	struct store_command command = store_read("TIME", NULL);
	struct store_value reply;
	struct deadline passed = store_brief_deadline(world.auth.store, deadline_in_ms(0));
	uint64_t calls = counter_get(COUNTER_STORE_CALLS),
		 faults = counter_get(COUNTER_STORE_FAULTS);

	CHECK_INT(store_run_one(world.auth.store, world.caller.arena, passed, &command, &reply),
		STORE_FAULT);
	CHECK(counter_get(COUNTER_STORE_CALLS) == calls);
	CHECK(counter_get(COUNTER_STORE_FAULTS) == faults);
}

static void a_store_behind_sentinels_is_not_for_who_is_in_a_hurry(void)
{
	struct store_config config = { .prefix = "dw:", .timeout_ms = 250 };
	char error[256] = "";

	config.url = "sentinel://127.0.0.1:1/mymaster";
	struct store *sentinels = store_new(&config, error, sizeof error);
	config.url = "redis://127.0.0.1:1/";
	struct store *server = store_new(&config, error, sizeof error);
	CHECK_TEXT(error, "");
	CHECK(!store_is_quick(sentinels));
	CHECK(store_is_quick(server));
	store_free(sentinels);
	store_free(server);
}

int main(void)
{
	world_start("");
	RUN(a_living_session_passes_with_its_identity);
	RUN(without_a_token_nobody_passes);
	RUN(an_ended_session_is_refused_at_once);
	RUN(a_session_that_gave_way_to_a_newer_one_is_told_so);
	RUN(roles_and_the_disabled_mark_count_at_the_next_request);
	RUN(a_raised_version_of_user_or_realm_refuses_what_was_issued);
	RUN(a_denied_jti_is_refused_while_its_session_lives);
	RUN(a_bound_session_is_refused_from_elsewhere_and_lives_on);
	RUN(rules_say_who_passes_without_identity);
	RUN(extra_fields_of_the_user_are_handed_on);
	RUN(an_expired_token_is_refused_without_asking_the_store);
	RUN(a_token_that_ended_with_its_session_says_absolute_timeout);
	RUN(a_store_that_does_not_answer_is_no_no);
	RUN(a_record_that_cannot_be_believed_lets_nobody_in);
	RUN(a_full_store_still_answers_checks);
	RUN(a_sliding_session_is_prolonged_by_use_and_never_past_its_end);
	RUN(in_a_hurry_the_store_is_asked_but_no_signature_verified);
	RUN(in_a_hurry_nobody_waits_for_the_store);
	RUN(in_a_hurry_nobody_looks_whether_the_store_is_back);
	RUN(a_use_that_is_to_be_noted_is_for_who_waits);
	RUN(a_brief_call_without_time_is_not_made_and_not_counted);
	RUN(a_store_behind_sentinels_is_not_for_who_is_in_a_hurry);
	world_stop();
	return check_result();
}
