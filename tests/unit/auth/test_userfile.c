#include "auth/userfile.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/user.h"
#include "base/arena.h"
#include "base/log.h"
#include "check.h"

static char folder[64] = "/tmp/doorward-userfile-XXXXXX";
static char users_path[96], groups_path[96];
static char error[512];
static struct arena *arena;

/* Written in place, as htpasswd does, and as if that had been `age_sec` ago. */
static void write_file(const char *path, const char *text, int age_sec)
{
	FILE *file = fopen(path, "w");
	struct timespec times[2];

	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age_sec;
	times[1] = times[0];
	CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
}

static struct userfile *load(const char *users, const char *groups)
{
	error[0] = '\0';
	write_file(users_path, users, 10);
	write_file(groups_path, groups ? groups : "", 10);
	return userfile_load(users_path, groups ? groups_path : "", error, sizeof error);
}

static bool has(struct userfile *file, const char *name)
{
	struct userfile_entry entry;

	return userfile_find(file, arena, name, &entry);
}

static const char *roles_of(struct userfile *file, const char *name)
{
	struct userfile_entry entry;

	return userfile_find(file, arena, name, &entry) ? entry.roles : NULL;
}

static const char *hash_of(struct userfile *file, const char *name)
{
	struct userfile_entry entry;

	return userfile_find(file, arena, name, &entry) ? entry.hash : NULL;
}

static void users_are_found_by_their_normalised_name(void)
{
	struct userfile *file = load("# people\n\nalice:$apr1$a$b\n  Ren\xc3\xa9 :$6$c$d\r\n"
				     "bob:$2y$05$x:more\nAnna  Maria:$5$e",
		NULL);
	struct userfile_entry entry;

	CHECK(file != NULL);
	CHECK_TEXT(hash_of(file, "alice"), "$apr1$a$b");
	CHECK_TEXT(hash_of(file, "ren\xc3\xa9"), "$6$c$d");
	CHECK_TEXT(hash_of(file, "bob"), "$2y$05$x");
	CHECK_TEXT(hash_of(file, "anna maria"), "$5$e");
	CHECK(!has(file, "carol"));
	CHECK(!has(file, "# people"));
	CHECK(userfile_find_id(file, arena, "K9gGyX8OAK8aH8Myj6djqQ", &entry));
	CHECK_TEXT(entry.name, "alice");
	CHECK(!userfile_find_id(file, arena, "K9gGyX8OAK8aH8Myj6djqq", &entry));
	CHECK(!userfile_find_id(file, arena, "", &entry));
	userfile_free(file);
}

static void groups_become_roles_in_their_order(void)
{
	struct userfile *file = load("alice:$6$a\nbob:$6$b\nanna maria:$6$c\n",
		"# groups\nstaff: alice  bob\tALICE\nadmin:alice nobody\nempty:\n"
		"zoo: \"anna maria\" bob\nstaff: bob\n");

	CHECK_TEXT(roles_of(file, "alice"), "staff,admin");
	CHECK_TEXT(roles_of(file, "bob"), "staff,zoo");
	CHECK_TEXT(roles_of(file, "anna maria"), "zoo");
	userfile_free(file);
	file = load("alice:$6$a\n", NULL);
	CHECK_TEXT(roles_of(file, "alice"), "");
	userfile_free(file);
}

static void an_account_that_is_locked_has_no_hash(void)
{
	struct userfile *file = load("alice:\nbob:!$6$x\ncarol:*\ndave:$6$y\n", NULL);

	CHECK(has(file, "alice") && !hash_of(file, "alice"));
	CHECK(has(file, "bob") && !hash_of(file, "bob"));
	CHECK(has(file, "carol") && !hash_of(file, "carol"));
	CHECK_TEXT(userfile_any_hash(file, arena, "anybody"), "$6$y");
	userfile_free(file);
}

static void an_empty_file_has_no_users(void)
{
	struct userfile *file = load("", "");

	CHECK(file != NULL);
	CHECK(!has(file, "alice"));
	CHECK(!userfile_any_hash(file, arena, "alice"));
	CHECK(!userfile_name_at(file, arena, 0));
	userfile_free(file);
}

static void refused(const char *users, const char *groups, const char *message)
{
	char expected[512];
	const char *colon = strchr(message, ' ');

	CHECK(!load(users, groups));
	snprintf(expected, sizeof expected, "%s:%.*s%s", groups ? groups_path : users_path,
		(int)(colon - message), message, colon);
	CHECK_TEXT(error, expected);
}

static void a_broken_file_is_named_with_its_line(void)
{
	refused("alice:$6$a\nbob\n", NULL, "2: no colon after the name");
	refused("alice:$6$a\n\n:$6$b\n", NULL, "3: this cannot be a user's name");
	refused("al\xffice:$6$a\n", NULL, "1: this cannot be a user's name");
	refused("a:$6$a\nAlice:$6$a\nb:$6$b\nalice :$6$c\n", NULL,
		"4: the name is there already, in line 2");
	refused("alice:$6$a\n", "staff alice\n", "1: no colon after the group");
	refused("alice:$6$a\n", "a:alice\nst aff: alice\n", "2: this cannot be a role's name");
	refused("alice:$6$a\n", "a,b: alice\n", "1: this cannot be a role's name");
}

static void more_than_32_roles_are_refused(void)
{
	char groups[2048];
	size_t len = 0;

	for (int i = 0; i < 33; i++) {
		if (i == 32) {
			struct userfile *file = load("alice:$6$a\n", groups);
			CHECK(file != NULL);
			userfile_free(file);
		}
		len += (size_t)snprintf(groups + len, sizeof groups - len, "r%d: alice\n", i);
	}
	refused("alice:$6$a\n", groups, "33: alice is in more than 32 groups");
}

static void a_missing_file_a_folder_and_a_nul_byte_are_refused(void)
{
	CHECK(!userfile_load("/nonexistent/users", "", error, sizeof error));
	CHECK_TEXT(error, "/nonexistent/users: No such file or directory");
	CHECK(!userfile_load(folder, "", error, sizeof error));
	CHECK(strstr(error, "not a file") != NULL);
	write_file(users_path, "alice:$6$a\n", 10);
	CHECK(!userfile_load(users_path, "/nonexistent/groups", error, sizeof error));
	CHECK_TEXT(error, "/nonexistent/groups: No such file or directory");
	FILE *file = fopen(users_path, "w");
	fwrite("alice:$6$a\0\nbob:$6$b\n", 1, 21, file);
	fclose(file);
	CHECK(!userfile_load(users_path, "", error, sizeof error));
	CHECK(strstr(error, "holds a NUL byte") != NULL);
}

static void a_file_over_16_mib_is_refused(void)
{
	write_file(users_path, "alice:$6$a\n", 10);
	CHECK_INT(truncate(users_path, (16 << 20) + 1), 0);
	CHECK(!userfile_load(users_path, "", error, sizeof error));
	CHECK(strstr(error, "16 MiB") != NULL);
}

static void a_changed_file_is_read_again(void)
{
	struct userfile *file = load("alice:$6$a\n", "staff: alice bob\n");

	write_file(users_path, "bob:$6$b\n", 5);
	CHECK(!has(file, "alice"));
	CHECK_TEXT(roles_of(file, "bob"), "staff");
	write_file(groups_path, "admin: bob\n", 5);
	CHECK_TEXT(roles_of(file, "bob"), "admin");
	userfile_free(file);
}

static void a_file_being_written_is_left_alone(void)
{
	struct userfile *file = load("alice:$6$a\nbob:$6$b\n", NULL);

	write_file(users_path, "alice:$6$a\n", 0);
	CHECK(has(file, "bob"));
	write_file(users_path, "alice:$6$a\n", 5);
	CHECK(!has(file, "bob"));
	userfile_free(file);
}

static void a_file_renamed_over_it_is_seen_whatever_its_time(void)
{
	struct userfile *file = load("alice:$6$a\n", NULL);
	char other[128];

	snprintf(other, sizeof other, "%s/other", folder);
	write_file(other, "carol:$6$a\n", 10);
	CHECK_INT(rename(other, users_path), 0);
	CHECK(has(file, "carol"));
	/* A time in the future must not keep a file out for ever. */
	write_file(users_path, "dave:$6$a\n", -3600);
	CHECK(has(file, "dave"));
	userfile_free(file);
}

static void a_file_that_broke_or_vanished_keeps_the_last_good_one(void)
{
	struct userfile *file = load("alice:$6$a\n", NULL);

	write_file(users_path, "alice:$6$a\nnonsense\n", 5);
	CHECK(has(file, "alice"));
	CHECK_INT(unlink(users_path), 0);
	CHECK(has(file, "alice"));
	CHECK(has(file, "alice"));
	write_file(users_path, "bob:$6$b\n", 5);
	CHECK(has(file, "bob"));
	CHECK(!has(file, "alice"));
	userfile_free(file);
}

static void any_hash_is_the_same_for_a_name_and_each_serves(void)
{
	struct userfile *file = load("a:$6$a\nb:$2y$b\nc:$apr1$c\nd:{SHA}d\n", NULL);
	int sha = 0, bcrypt = 0, apr1 = 0;
	char name[24];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "name %d", i);
		const char *hash = userfile_any_hash(file, arena, name);
		CHECK_TEXT(userfile_any_hash(file, arena, name), hash);
		sha += strcmp(hash, "$6$a") == 0;
		bcrypt += strcmp(hash, "$2y$b") == 0;
		apr1 += strcmp(hash, "$apr1$c") == 0;
	}
	CHECK(sha > 30 && bcrypt > 30 && apr1 > 30);
	CHECK_INT(sha + bcrypt + apr1, 300);
	userfile_free(file);
}

static void names_can_be_listed(void)
{
	struct userfile *file = load("a:$6$a\nb:$6$b\nc:$6$c\n", NULL);
	const char *name;
	char seen[4] = "";
	size_t count = 0;

	while (count < 3 && (name = userfile_name_at(file, arena, count)) != NULL)
		seen[count++] = *name;
	CHECK_INT(count, 3);
	CHECK(strchr(seen, 'a') && strchr(seen, 'b') && strchr(seen, 'c'));
	CHECK(!userfile_name_at(file, arena, 3));
	userfile_free(file);
}

static void many_users_are_read_fast_and_all_found(void)
{
	enum { MANY = 20000 };
	char *text = malloc(MANY * 32);
	size_t len = 0, found = 0;
	char name[32];

	for (int i = 0; i < MANY; i++)
		len += (size_t)snprintf(text + len, 32, "user%d:$6$hash%d\n", i, i);
	struct userfile *file = load(text, NULL);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "user%d", i);
		found += has(file, name);
	}
	CHECK_INT(found, MANY);
	userfile_free(file);
	free(text);
}

static atomic_bool stop;

struct looker {
	struct userfile *file;
	size_t missed;
};

static void *look_and_look(void *context)
{
	struct looker *looker = context;
	struct arena *own = arena_new(1 << 20);
	struct userfile_entry entry;

	while (!atomic_load(&stop)) {
		looker->missed += !userfile_find(looker->file, own, "alice", &entry);
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

static void threads_find_users_while_the_file_is_changed(void)
{
	struct looker each[4];
	pthread_t threads[4];
	struct userfile *file = load("alice:$6$a\n", NULL);
	char other[128];

	snprintf(other, sizeof other, "%s/other", folder);
	atomic_store(&stop, false);
	for (int i = 0; i < 4; i++) {
		each[i] = (struct looker){ .file = file };
		pthread_create(&threads[i], NULL, look_and_look, &each[i]);
	}
	for (int i = 0; i < 50; i++) {
		write_file(other, i % 2 ? "alice:$6$a\n" : "bob:$6$b\nalice:$6$a\n", 5);
		CHECK_INT(rename(other, users_path), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		CHECK_INT(each[i].missed, 0);
	}
	userfile_free(file);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 2;
	snprintf(users_path, sizeof users_path, "%s/users", folder);
	snprintf(groups_path, sizeof groups_path, "%s/groups", folder);
	log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	arena = arena_new(64 << 20);
	RUN(users_are_found_by_their_normalised_name);
	RUN(groups_become_roles_in_their_order);
	RUN(an_account_that_is_locked_has_no_hash);
	RUN(an_empty_file_has_no_users);
	RUN(a_broken_file_is_named_with_its_line);
	RUN(more_than_32_roles_are_refused);
	RUN(a_missing_file_a_folder_and_a_nul_byte_are_refused);
	RUN(a_file_over_16_mib_is_refused);
	RUN(a_changed_file_is_read_again);
	RUN(a_file_being_written_is_left_alone);
	RUN(a_file_renamed_over_it_is_seen_whatever_its_time);
	RUN(a_file_that_broke_or_vanished_keeps_the_last_good_one);
	RUN(any_hash_is_the_same_for_a_name_and_each_serves);
	RUN(names_can_be_listed);
	RUN(many_users_are_read_fast_and_all_found);
	RUN(threads_find_users_while_the_file_is_changed);
	arena_free(arena);
	unlink(users_path);
	unlink(groups_path);
	rmdir(folder);
	return check_result();
}
