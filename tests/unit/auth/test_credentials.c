#include "auth/credentials.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "auth/password.h"
#include "auth/userfile.h"
#include "check.h"
#include "desk.h"

static const char battery[] = "correct-horse-battery";
static struct user out;
static int64_t retry_after_sec;

static enum credentials_result check_bytes(const char *name, const char *password, size_t len)
{
	struct credentials given = { .username = name, .password = password, .password_len = len };

	desk.caller.deadline = deadline_in_ms(10000);
	memset(&out, 0, sizeof out);
	return credentials_check(&desk.auth, &desk.caller, &given, &out, &retry_after_sec);
}

static enum credentials_result check(const char *name, const char *password)
{
	return check_bytes(name, password, strlen(password));
}

static struct user_id id_of(const char *name)
{
	struct user_id id;

	user_id_of(name, &id);
	return id;
}

static void begin(void)
{
	char hash[PASSWORD_HASH_MAX];

	desk_clear();
	desk.settings.throttle.per_both = 10;
	desk.settings.throttle.per_name = 50;
	desk.settings.throttle.per_address = 100;
	desk.settings.password.opslimit = 1;
	desk.settings.password.memlimit_mb = 1;
	desk.settings.password.max_parallel = 4;
	CHECK(password_init(&desk.settings));
	CHECK_INT(password_make(battery, strlen(battery), hash), PASSWORD_OK);
	CHECK_INT(user_add(&desk.auth, &desk.caller, "alice", hash, "admin,staff"), USER_OK);
	CHECK_INT(user_add(&desk.auth, &desk.caller, "dora", hash, ""), USER_OK);
	struct user_id dora = id_of("dora");
	CHECK_INT(user_update(&desk.auth, &desk.caller, &dora, "disabled", "1"), USER_OK);
	CHECK_INT(user_add(&desk.auth, &desk.caller, "nopass", NULL, ""), USER_OK);
}

static size_t events(void)
{
	return (size_t)desk_redis(store_read("XLEN", "dw:events", NULL)).integer;
}

static int64_t throttle_keys(void)
{
	return (int64_t)desk_redis(store_read("KEYS", "dw:throttle:*", NULL)).count;
}

static bool logged(const char *text)
{
	return strstr(desk_log(), text) != NULL;
}

static void the_right_password_signs_in(void)
{
	begin();
	CHECK_INT(check("alice", battery), CREDENTIALS_OK);
	CHECK_TEXT(out.name, "alice");
	CHECK_TEXT(out.roles, "admin,staff");
	CHECK_TEXT(out.id.text, id_of("alice").text);
	CHECK(out.ver > 0);
	CHECK(logged("\"login.ok\"") && logged("\"alice\"") && !logged("reason"));
	CHECK_INT(events(), 1);
	/* It cost nothing. */
	CHECK_INT(throttle_keys(), 0);
}

static void every_spelling_of_a_name_is_one_account_and_one_counter(void)
{
	begin();
	CHECK_INT(check(" ALICE  ", battery), CREDENTIALS_OK);
	desk.settings.throttle.per_both = 4;
	CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
	CHECK_INT(check("Alice", "wrong"), CREDENTIALS_REFUSED);
	CHECK_INT(check("alice ", "wrong"), CREDENTIALS_REFUSED);
	CHECK_INT(check("\xc2\xa0"
			"aLICE",
			  "wrong"),
		CREDENTIALS_REFUSED);
	CHECK_INT(check("ALICE", battery), CREDENTIALS_THROTTLED);
	CHECK(retry_after_sec > 0 && retry_after_sec <= 900);
}

static void wrong_unknown_disabled_and_absurd_are_one_answer_and_one_hash(void)
{
	static const struct {
		const char *name, *password, *reason;
	} tries[] = {
		{ "alice", "wrong", "bad_credentials" },
		{ "nobody", battery, "bad_credentials" },
		{ "nopass", battery, "bad_credentials" },
		{ "nopass", "", "bad_credentials" },
		{ "dora", "wrong", "bad_credentials" },
		{ "dora", battery, "user_disabled" },
		{ "", battery, "bad_credentials" },
		{ "a:b", battery, "bad_credentials" },
		{ "%s%n%s%n", battery, "bad_credentials" },
		{ "al ice", battery, "bad_credentials" },
		{ "alice\r\nSET x y", battery, "bad_credentials" },
		{ "\xff\xfe", battery, "bad_credentials" },
		{ "*", battery, "bad_credentials" },
	};

	begin();
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		uint64_t before = password_computed();
		int64_t commands = desk_redis(store_read("DBSIZE", NULL)).integer;
		CHECK_INT(truncate(desk.log_path, 0), 0);
		CHECK_INT(check(tries[i].name, tries[i].password), CREDENTIALS_REFUSED);
		CHECK_INT(password_computed(), before + 1);
		CHECK(logged("\"login.refused\"") && logged(tries[i].reason));
		CHECK(!out.name && !out.password);
		CHECK_INT(events(), i + 1);
		CHECK(desk_redis(store_read("DBSIZE", NULL)).integer <= commands + 4);
	}
	CHECK_INT(desk_redis(store_read("EXISTS", "x", NULL)).integer, 0);
}

static void a_name_of_64_kib_is_refused_like_any_other(void)
{
	char *name = malloc(65537);

	begin();
	memset(name, 'a', 65536);
	name[65536] = '\0';
	uint64_t before = password_computed();
	CHECK_INT(check(name, battery), CREDENTIALS_REFUSED);
	CHECK_INT(password_computed(), before + 1);
	CHECK(strlen(desk_log()) < 1000);
	free(name);
}

static void what_was_typed_is_written_nowhere_unless_it_is_a_user(void)
{
	begin();
	check("hunter2-in-the-wrong-field", "wrong-secret-1");
	check("alice", "wrong-secret-2");
	check("alice", battery);
	CHECK(!logged("hunter2") && !logged("wrong-secret") && !logged("correct-horse"));
	CHECK(logged(id_of("hunter2-in-the-wrong-field").text));
	CHECK(logged("no such user"));
	struct store_value keys = desk_redis(store_read("KEYS", "*", NULL));
	for (size_t i = 0; i < keys.count; i++)
		CHECK(!strstr(store_item_text(&keys, i), "hunter2"));
	struct store_value all = desk_redis(store_read("XRANGE", "dw:events", "-", "+", NULL));
	CHECK_INT(all.count, 3);
	for (size_t i = 0; i < all.count; i++)
		for (size_t f = 0; f < all.item[i].item[1].count; f++)
			CHECK(!strstr(store_item_text(&all.item[i].item[1], f), "hunter2"));
}

/* Of a processor, on all threads: the hash is computed on one that everything else goes before. */
static double seconds_of(const char *name, const char *password)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	CHECK_INT(check(name, password), CREDENTIALS_REFUSED);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static bool are_alike(const double least[4])
{
	for (int i = 1; i < 4; i++)
		if (least[i] < least[0] / 2 || least[i] > least[0] * 2)
			return false;
	return true;
}

/* The least of several, taken in turn, so that what else runs here disturbs all alike, of more
 * where it did not; a hash left out would be tens of times faster. */
static void a_refusal_takes_the_same_time_for_whatever_cause(void)
{
	char hash[PASSWORD_HASH_MAX];
	struct user_id alice = id_of("alice"), dora = id_of("dora");

	begin();
	desk.settings.password.memlimit_mb = 16;
	desk.settings.throttle.per_both = desk.settings.throttle.per_name =
		desk.settings.throttle.per_address = 1000;
	CHECK(password_init(&desk.settings));
	CHECK_INT(password_make(battery, strlen(battery), hash), PASSWORD_OK);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &alice, "password", hash), USER_OK);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &dora, "password", hash), USER_OK);
	static const char *const tries[][2] = { { "alice", "wrong" }, { "nobody", "wrong" },
		{ "dora", battery }, { "a\nb", "wrong" } };
	double least[4] = { 1e9, 1e9, 1e9, 1e9 };
	for (int round = 0; round < 50 && (round < 8 || !are_alike(least)); round++)
		for (int i = 0; i < 4; i++) {
			double took = seconds_of(tries[i][0], tries[i][1]);
			least[i] = took < least[i] ? took : least[i];
		}
	CHECK(are_alike(least));
}

static void bytes_of_a_password_all_count(void)
{
	begin();
	CHECK_INT(check_bytes("alice", "correct-horse-battery\0x", 23), CREDENTIALS_REFUSED);
	CHECK_INT(check("alice", "correct-horse-battery "), CREDENTIALS_REFUSED);
	CHECK_INT(check("alice", "Correct-horse-battery"), CREDENTIALS_REFUSED);
	CHECK_INT(check("alice", battery), CREDENTIALS_OK);
}

static void an_overlong_password_is_refused_without_work(void)
{
	static char text[PASSWORD_MAX_BYTES + 1];

	begin();
	memset(text, 'x', sizeof text);
	uint64_t before = password_computed();
	CHECK_INT(check_bytes("alice", text, sizeof text), CREDENTIALS_REFUSED);
	CHECK_INT(password_computed(), before);
	CHECK_INT(throttle_keys(), 0);
	CHECK_INT(check_bytes("alice", text, PASSWORD_MAX_BYTES), CREDENTIALS_REFUSED);
	CHECK_INT(password_computed(), before + 1);
}

static void a_throttled_attempt_is_not_looked_at(void)
{
	begin();
	desk.settings.throttle.per_both = 2;
	CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
	CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
	uint64_t before = password_computed();
	CHECK_INT(check("alice", battery), CREDENTIALS_THROTTLED);
	CHECK_INT(password_computed(), before);
	CHECK(logged("\"login.throttled\""));
	/* Not in the stream. */
	CHECK_INT(events(), 2);
}

static void a_success_forgets_the_failures_before_it(void)
{
	begin();
	desk.settings.throttle.per_both = 3;
	for (int i = 0; i < 3; i++) {
		CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
		CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
		CHECK_INT(check("alice", battery), CREDENTIALS_OK);
	}
}

static void a_disabled_user_with_the_right_password_is_still_counted(void)
{
	begin();
	desk.settings.throttle.per_both = 2;
	CHECK_INT(check("dora", battery), CREDENTIALS_REFUSED);
	CHECK_INT(check("dora", battery), CREDENTIALS_REFUSED);
	CHECK_INT(check("dora", battery), CREDENTIALS_THROTTLED);
}

static void an_old_hash_is_made_anew_at_the_next_sign_in(void)
{
	struct user_id alice = id_of("alice");
	struct user user;

	begin();
	CHECK_INT(user_update(&desk.auth, &desk.caller, &alice, "password",
			  "$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/"),
		USER_OK);
	CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
	CHECK_INT(user_find(&desk.auth, &desk.caller, "alice", &user), USER_OK);
	CHECK_TEXT(user.password, "$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/");
	int64_t ver = user.ver;
	CHECK_INT(check("alice", battery), CREDENTIALS_OK);
	CHECK_INT(user_find(&desk.auth, &desk.caller, "alice", &user), USER_OK);
	CHECK(strncmp(user.password, "$argon2id$v=19$m=1024,t=1,p=1$", 30) == 0);
	/* No session is ended by it. */
	CHECK_INT(user.ver, ver);
	CHECK_INT(check("alice", battery), CREDENTIALS_OK);
}

static void a_hash_nobody_can_compute_is_like_no_account(void)
{
	struct user_id alice = id_of("alice");

	begin();
	CHECK_INT(user_update(&desk.auth, &desk.caller, &alice, "password", "{SHA}abc"), USER_OK);
	CHECK_INT(check("alice", battery), CREDENTIALS_REFUSED);
	CHECK(logged("\"login.refused\""));
	CHECK_INT(throttle_keys(), 3);
}

static void file_users_sign_in_and_unknown_ones_do_the_same_work(void)
{
	char path[] = "/tmp/doorward-users-XXXXXX", error[256];
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	begin();
	fputs("carol:$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/\nlocked:!\n", file);
	fclose(file);
	desk.settings.users.source = SETTINGS_USERS_FILE;
	desk.auth.userfile = userfile_load(path, "", error, sizeof error);
	CHECK(desk.auth.userfile != NULL);
	uint64_t before = password_computed();
	CHECK_INT(check("Carol", battery), CREDENTIALS_OK);
	CHECK_INT(check("carol", "wrong"), CREDENTIALS_REFUSED);
	CHECK_INT(check("nobody", battery), CREDENTIALS_REFUSED);
	CHECK_INT(check("locked", battery), CREDENTIALS_REFUSED);
	/* In Redis only. */
	CHECK_INT(check("alice", battery), CREDENTIALS_REFUSED);
	CHECK_INT(password_computed(), before + 5);
	userfile_free(desk.auth.userfile);
	desk.auth.userfile = NULL;
	desk.settings.users.source = SETTINGS_USERS_REDIS;
	unlink(path);
}

/* ---- many at once ---- */

enum { CROWD = 200 };

static atomic_int crowd_ok, crowd_refused, crowd_throttled, crowd_busy;

struct one {
	const char *password;
};

static void *one_attempt(void *context)
{
	const struct one *one = context;
	struct credentials given = { .username = "alice",
		.password = one->password,
		.password_len = strlen(one->password) };
	struct caller caller = desk.caller;
	struct user user;
	int64_t retry;

	caller.arena = arena_new(1 << 20);
	caller.deadline = deadline_in_ms(30000);
	switch (credentials_check(&desk.auth, &caller, &given, &user, &retry)) {
	case CREDENTIALS_OK:
		atomic_fetch_add(&crowd_ok, 1);
		break;
	case CREDENTIALS_REFUSED:
		atomic_fetch_add(&crowd_refused, 1);
		break;
	case CREDENTIALS_THROTTLED:
		atomic_fetch_add(&crowd_throttled, 1);
		break;
	case CREDENTIALS_BUSY:
		atomic_fetch_add(&crowd_busy, 1);
		break;
	case CREDENTIALS_FAULT:
		break;
	}
	arena_free(caller.arena);
	return NULL;
}

static void crowd(const char *password)
{
	pthread_t threads[CROWD];
	struct one one = { .password = password };

	crowd_ok = crowd_refused = crowd_throttled = crowd_busy = 0;
	for (int i = 0; i < CROWD; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, one_attempt, &one), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(crowd_ok + crowd_refused + crowd_throttled + crowd_busy, CROWD);
}

static void of_200_parallel_guesses_exactly_the_limit_is_judged(void)
{
	begin();
	uint64_t before = password_computed();
	crowd("wrong");
	CHECK_INT(crowd_refused, 10);
	CHECK_INT(crowd_throttled, 190);
	CHECK_INT(password_computed() - before, 10);
	CHECK_INT(check("alice", battery), CREDENTIALS_THROTTLED);
}

static void who_found_no_place_is_not_counted(void)
{
	begin();
	desk.settings.throttle.per_both = desk.settings.throttle.per_name =
		desk.settings.throttle.per_address = 1000;
	desk.settings.password.max_parallel = 1;
	desk.settings.password.memlimit_mb = 16;
	CHECK(password_init(&desk.settings));
	uint64_t before = password_computed();
	crowd("wrong");
	CHECK(crowd_busy > 0);
	CHECK_INT(crowd_refused, password_computed() - before);
	struct store_value keys = desk_redis(store_read("KEYS", "dw:throttle:both:*", NULL));
	CHECK_INT(keys.count, 1);
	struct store_value count = desk_redis(store_read("GET", store_item_text(&keys, 0), NULL));
	CHECK_INT(strtol(count.text, NULL, 10), crowd_refused);
}

static void without_redis_it_is_a_fault_that_costs_no_attempt(void)
{
	begin();
	CHECK_INT(check("alice", "wrong"), CREDENTIALS_REFUSED);
	uint64_t before = password_computed();
	redis_kill();
	CHECK_INT(check("alice", battery), CREDENTIALS_FAULT);
	CHECK_INT(check("nobody", battery), CREDENTIALS_FAULT);
	CHECK(logged("\"login.fault\"") && logged("store_unavailable"));
	CHECK_INT(password_computed(), before);
}

/* The throttle answers, the user's record cannot be read. */
static void a_fault_after_the_throttle_gives_the_attempt_back(void)
{
	struct user_id alice = id_of("alice");

	begin();
	const char *key = store_key_user(desk.auth.store, desk.caller.arena, alice.text);
	desk_redis(store_write("DEL", key, NULL));
	desk_redis(store_write("SET", key, "x", NULL));
	CHECK_INT(check("alice", battery), CREDENTIALS_FAULT);
	CHECK_INT(throttle_keys(), 0);
}

/* Room for 32 MiB more, where a hash takes 64. */
static void a_hash_that_gets_no_memory_costs_no_attempt(void)
{
	char hash[PASSWORD_HASH_MAX];
	struct rlimit before, little;
	unsigned long pages = 0;

	begin();
	desk.settings.password.memlimit_mb = 64;
	CHECK(password_init(&desk.settings));
	CHECK_INT(password_make(battery, strlen(battery), hash), PASSWORD_OK);
	CHECK_INT(user_add(&desk.auth, &desk.caller, "zoe", hash, ""), USER_OK);
	FILE *file = fopen("/proc/self/statm", "r");
	CHECK(file && fscanf(file, "%lu", &pages) == 1);
	if (file)
		fclose(file);
	getrlimit(RLIMIT_AS, &before);
	little = before;
	little.rlim_cur = pages * 4096 + (32 << 20);
	setrlimit(RLIMIT_AS, &little);
	enum credentials_result right = check("zoe", battery), wrong = check("zoe", "wrong"),
				unknown = check("nobody", "wrong");
	setrlimit(RLIMIT_AS, &before);
	CHECK_INT(right, CREDENTIALS_FAULT);
	CHECK_INT(wrong, CREDENTIALS_FAULT);
	CHECK_INT(unknown, CREDENTIALS_FAULT);
	CHECK_INT(throttle_keys(), 0);
	CHECK_INT(check("zoe", battery), CREDENTIALS_OK);
}

int main(void)
{
	desk_start();
	RUN(the_right_password_signs_in);
	RUN(every_spelling_of_a_name_is_one_account_and_one_counter);
	RUN(wrong_unknown_disabled_and_absurd_are_one_answer_and_one_hash);
	RUN(a_name_of_64_kib_is_refused_like_any_other);
	RUN(what_was_typed_is_written_nowhere_unless_it_is_a_user);
	RUN(a_refusal_takes_the_same_time_for_whatever_cause);
	RUN(bytes_of_a_password_all_count);
	RUN(an_overlong_password_is_refused_without_work);
	RUN(a_throttled_attempt_is_not_looked_at);
	RUN(a_success_forgets_the_failures_before_it);
	RUN(a_disabled_user_with_the_right_password_is_still_counted);
	RUN(an_old_hash_is_made_anew_at_the_next_sign_in);
	RUN(a_hash_nobody_can_compute_is_like_no_account);
	RUN(file_users_sign_in_and_unknown_ones_do_the_same_work);
	RUN(of_200_parallel_guesses_exactly_the_limit_is_judged);
	RUN(who_found_no_place_is_not_counted);
	RUN(a_fault_after_the_throttle_gives_the_attempt_back);
	RUN(a_hash_that_gets_no_memory_costs_no_attempt);
	RUN(without_redis_it_is_a_fault_that_costs_no_attempt);
	desk_stop();
	return check_result();
}
