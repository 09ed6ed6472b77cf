#include "auth/user.h"

#include "auth/userfile.h"
#include "check.h"
#include "desk.h"

static const char *normal(const char *typed)
{
	static char out[4][USER_NAME_MAX + 1];
	static int turn;
	char *name = out[turn++ % 4];

	return user_normalise(typed, name) ? name : NULL;
}

static const char *key_of(const char *name)
{
	struct user_id id;

	user_id_of(name, &id);
	return store_key_user(desk.auth.store, desk.caller.arena, id.text);
}

static struct user_id id_of(const char *name)
{
	struct user_id id;

	user_id_of(name, &id);
	return id;
}

static void add(const char *name, const char *roles)
{
	CHECK_INT(user_add(&desk.auth, &desk.caller, name, "$6$hash", roles), USER_OK);
}

static enum user_result find(const char *name, struct user *out)
{
	return user_find(&desk.auth, &desk.caller, name, out);
}

/* ---- names ---- */

static void case_spaces_and_composition_are_one_spelling(void)
{
	CHECK_TEXT(normal("alice"), "alice");
	CHECK_TEXT(normal("Alice"), "alice");
	CHECK_TEXT(normal("ALICE "), "alice");
	CHECK_TEXT(normal("  alice\xc2\xa0"), "alice");
	CHECK_TEXT(normal("Ren\xc3\xa9"), "ren\xc3\xa9");
	CHECK_TEXT(normal("rene\xcc\x81"), "ren\xc3\xa9");
	CHECK_TEXT(normal("RENE\xcc\x81"), "ren\xc3\xa9");
	CHECK_TEXT(normal("Stra\xc3\x9f"
			  "e"),
		"strasse");
	CHECK_TEXT(normal("STRASSE"), "strasse");
}

static void inner_spaces_of_any_kind_become_one(void)
{
	CHECK_TEXT(normal("anna  maria"), "anna maria");
	CHECK_TEXT(normal("anna\xc2\xa0maria"), "anna maria");
	CHECK_TEXT(normal("anna\xe2\x80\x83\xe3\x80\x80maria"), "anna maria");
	CHECK(normal("annamaria") && strcmp(normal("annamaria"), "anna maria") != 0);
}

static void equivalent_orders_of_marks_are_one_spelling(void)
{
	/* alpha, ypogegrammeni, acute: in both orders, and composed. */
	CHECK_TEXT(normal("\xce\xb1\xcd\x85\xcc\x81"), normal("\xce\xb1\xcc\x81\xcd\x85"));
	CHECK_TEXT(normal("\xe1\xbe\xb4"), normal("\xce\xb1\xcd\x85\xcc\x81"));
}

static void what_cannot_be_a_name_is_refused(void)
{
	CHECK(!normal(""));
	CHECK(!normal("   "));
	CHECK(!normal("\xc2\xa0"));
	CHECK(!normal("a,b"));
	CHECK(!normal("a:b"));
	CHECK(!normal("a\nb"));
	CHECK(!normal("a\r\nb"));
	CHECK(!normal("alice\t"));
	CHECK(!normal("a\x1b[31m"));
	CHECK(!normal("a\x7f"));
	CHECK(!normal("a\xc2\x85"));
	CHECK(!normal("a\xff"));
	CHECK(!normal("a\xc0\xaf"));
	CHECK(!normal("a\xed\xa0\x80"));
	CHECK(!normal("a\xe2\x80\xa8"
		      "b")); /* line separator */
}

static void invisible_and_unassigned_characters_are_refused(void)
{
	CHECK(!normal("al\xe2\x80\x8bice")); /* zero width space */
	CHECK(!normal("al\xc2\xad"
		      "ice")); /* soft hyphen */
	CHECK(!normal("alice\xef\xb8\x8f")); /* variation selector */
	CHECK(!normal("\xe2\x80\xae"
		      "alice")); /* right-to-left override */
	CHECK(!normal("alice\xe3\x85\xa4")); /* Hangul filler */
	CHECK(!normal("alice\xee\x80\x80")); /* private use */
	CHECK(!normal("alice\xcd\xb8")); /* U+0378, unassigned */
}

static void names_of_64_bytes_fit_and_longer_ones_do_not(void)
{
	char name[300];

	memset(name, 'a', sizeof name);
	name[64] = '\0';
	CHECK_TEXT(normal(name), name);
	name[64] = 'a';
	name[65] = '\0';
	CHECK(!normal(name));
	/* Short when normalised, but typed too long. */
	memset(name, ' ', sizeof name);
	name[0] = 'a';
	name[255] = '\0';
	CHECK_TEXT(normal(name), "a");
	name[255] = ' ';
	name[256] = ' ';
	name[257] = '\0';
	CHECK(!normal(name));
}

static void put_utf8(char out[8], unsigned c)
{
	memset(out, 0, 8);
	if (c < 0x80) {
		out[0] = (char)c;
	} else if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
	} else {
		out[0] = (char)(0xf0 | c >> 18);
		out[1] = (char)(0x80 | (c >> 12 & 63));
		out[2] = (char)(0x80 | (c >> 6 & 63));
		out[3] = (char)(0x80 | (c & 63));
	}
}

static void normalising_twice_changes_nothing_for_any_character(void)
{
	char typed[16], once[USER_NAME_MAX + 1], twice[USER_NAME_MAX + 1], c[8];
	size_t accepted = 0;

	for (unsigned code = 1; code < 0x110000; code++) {
		put_utf8(c, code);
		snprintf(typed, sizeof typed, "a%s\xcc\x81", c);
		if (!user_normalise(typed, once))
			continue;
		accepted++;
		if (!user_normalise(once, twice) || strcmp(once, twice) != 0) {
			CHECK_TEXT(twice, once);
			fprintf(stderr, "U+%04X\n", code);
		}
	}
	CHECK(accepted > 100000);
}

/* A space in front is cut off, and sends the name the long way. */
static void names_that_need_no_unicode_are_the_same_the_short_way_and_the_long_way(void)
{
	char typed[8], once[USER_NAME_MAX + 1], again[USER_NAME_MAX + 1];

	for (int c = 1; c < 128; c++) {
		snprintf(typed, sizeof typed, " a%cb", c);
		bool accepted = user_normalise(typed + 1, once);
		CHECK_INT(user_normalise(typed, again), accepted);
		if (accepted)
			CHECK_TEXT(once, again);
	}
	CHECK(!normal(""));
}

static void a_uid_is_a_digest_of_the_name(void)
{
	/* printf alice | openssl sha256 -binary | head -c 16 | basenc --base64url */
	CHECK_TEXT(id_of("alice").text, "K9gGyX8OAK8aH8Myj6djqQ");
}

/* ---- roles ---- */

static void a_role_is_letters_digits_and_three_marks(void)
{
	char role[66];

	memset(role, 'r', sizeof role);
	CHECK(user_is_role("admin", 5));
	CHECK(user_is_role("A.b_c-9", 7));
	CHECK(user_is_role(role, 64));
	CHECK(!user_is_role(role, 65));
	CHECK(!user_is_role("", 0));
	CHECK(!user_is_role("a,b", 3));
	CHECK(!user_is_role("a b", 3));
	CHECK(!user_is_role("a\n", 2));
	CHECK(!user_is_role("a@", 2));
	CHECK(!user_is_role("\xc3\xa9", 2));
}

static void a_role_is_found_whole_and_case_sensitive(void)
{
	CHECK(user_has_role("admin,staff", "admin", 5));
	CHECK(user_has_role("admin,staff", "staff", 5));
	CHECK(user_has_role("staff", "staffer", 5));
	CHECK(!user_has_role("admin,staff", "adm", 3));
	CHECK(!user_has_role("admin,staff", "Admin", 5));
	CHECK(!user_has_role("admin,staff", "admin,staff", 11));
	CHECK(!user_has_role("administrator", "admin", 5));
	CHECK(!user_has_role("", "admin", 5));
	CHECK(!user_has_role("", "", 0));
	CHECK(!user_has_role("a,,b", "", 0));
}

/* ---- records ---- */

static void an_added_user_is_found_by_name_and_by_uid(void)
{
	struct user user;
	struct user_id id = id_of("alice");

	desk_clear();
	add("alice", "admin,staff");
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK_TEXT(user.name, "alice");
	CHECK_TEXT(user.password, "$6$hash");
	CHECK_TEXT(user.roles, "admin,staff");
	CHECK(!user.disabled);
	CHECK(user.created > 1600000000);
	CHECK_INT(user_find_id(&desk.auth, &desk.caller, &id, &user), USER_OK);
	CHECK_TEXT(user.name, "alice");
	CHECK_TEXT(user.id.text, id.text);
	CHECK_INT(desk_redis(store_read("TTL", key_of("alice"), NULL)).integer, -1);
}

static void an_unknown_user_still_has_name_and_uid(void)
{
	struct user user;

	desk_clear();
	CHECK_INT(find("nobody", &user), USER_UNKNOWN);
	CHECK_TEXT(user.name, "nobody");
	CHECK_TEXT(user.id.text, id_of("nobody").text);
	CHECK(!user.password);
}

static void a_user_is_not_added_twice(void)
{
	struct user user;

	desk_clear();
	add("alice", "admin");
	CHECK_INT(user_add(&desk.auth, &desk.caller, "alice", "$6$other", ""), USER_EXISTS);
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK_TEXT(user.password, "$6$hash");
	CHECK_TEXT(user.roles, "admin");
}

static void a_record_of_a_password_alone_is_not_overwritten_and_is_no_user(void)
{
	struct user user;

	desk_clear();
	desk_redis(store_write("HSET", key_of("alice"), "password", "$6$x", NULL));
	CHECK_INT(user_add(&desk.auth, &desk.caller, "alice", "$6$other", ""), USER_EXISTS);
	CHECK_INT(find("alice", &user), USER_UNKNOWN);
}

static void a_user_without_password_has_none(void)
{
	struct user user;

	desk_clear();
	CHECK_INT(user_add(&desk.auth, &desk.caller, "alice", NULL, ""), USER_OK);
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK(!user.password);
	CHECK_TEXT(user.roles, "");
}

static void strange_names_are_one_argument(void)
{
	static const char *const names[] = { "%s%n%s", "a b c", "*", "$(id)", "a'b\"c", "{x}" };
	struct user user;

	desk_clear();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		add(names[i], "");
		CHECK_INT(find(names[i], &user), USER_OK);
		CHECK_TEXT(user.name, names[i]);
	}
	CHECK_INT(desk_redis(store_read("DBSIZE", NULL)).integer, 6);
}

static void fields_are_set_and_deleted(void)
{
	struct user user;
	struct user_id id = id_of("alice");

	desk_clear();
	add("alice", "staff");
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "roles", "admin"), USER_OK);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "disabled", "1"), USER_OK);
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK_TEXT(user.roles, "admin");
	CHECK(user.disabled);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "disabled", ""), USER_OK);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "roles", ""), USER_OK);
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK(!user.disabled);
	CHECK_TEXT(user.roles, "");
}

static void an_unknown_user_is_not_made_by_an_update(void)
{
	struct user_id id = id_of("nobody");

	desk_clear();
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "roles", "admin"), USER_UNKNOWN);
	CHECK_INT(user_supersede(&desk.auth, &desk.caller, &id), USER_UNKNOWN);
	CHECK_INT(desk_redis(store_read("DBSIZE", NULL)).integer, 0);
}

static void superseding_raises_the_version_by_one(void)
{
	struct user before, after;
	struct user_id id = id_of("alice");

	desk_clear();
	add("alice", "");
	CHECK_INT(find("alice", &before), USER_OK);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "roles", "x"), USER_OK);
	CHECK_INT(find("alice", &after), USER_OK);
	CHECK_INT(after.ver, before.ver);
	CHECK_INT(user_supersede(&desk.auth, &desk.caller, &id), USER_OK);
	CHECK_INT(user_update_and_supersede(&desk.auth, &desk.caller, &id, "password", "$6$n"),
		USER_OK);
	CHECK_INT(find("alice", &after), USER_OK);
	CHECK_INT(after.ver, before.ver + 2);
	CHECK_TEXT(after.password, "$6$n");
}

static void the_realm_counts_into_every_version(void)
{
	struct user before, after;

	desk_clear();
	add("alice", "");
	CHECK_INT(find("alice", &before), USER_OK);
	CHECK_INT(user_supersede_all(&desk.auth, &desk.caller), USER_OK);
	CHECK_INT(find("alice", &after), USER_OK);
	CHECK_INT(after.ver, before.ver + 1);
}

static void a_record_without_version_has_version_0(void)
{
	struct user user;

	desk_clear();
	desk_redis(store_write("HSET", key_of("alice"), "name", "alice", NULL));
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK_INT(user.ver, 0);
}

static void a_user_made_anew_has_a_higher_version_than_the_deleted_one(void)
{
	struct user before, after;
	struct user_id id = id_of("alice");

	desk_clear();
	add("alice", "");
	for (int i = 0; i < 5; i++)
		CHECK_INT(user_supersede(&desk.auth, &desk.caller, &id), USER_OK);
	CHECK_INT(find("alice", &before), USER_OK);
	redis_sleep_ms(20);
	CHECK_INT(user_delete(&desk.auth, &desk.caller, &id), USER_OK);
	CHECK_INT(find("alice", &after), USER_UNKNOWN);
	CHECK_INT(user_delete(&desk.auth, &desk.caller, &id), USER_UNKNOWN);
	add("alice", "");
	CHECK_INT(find("alice", &after), USER_OK);
	CHECK(after.ver > before.ver);
}

static void an_upgrade_does_not_undo_a_change_of_password(void)
{
	struct user user, now;
	struct user_id id = id_of("alice");

	desk_clear();
	add("alice", "");
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK_INT(user_upgrade_password(&desk.auth, &desk.caller, &user, "$6$better"), USER_OK);
	CHECK_INT(find("alice", &now), USER_OK);
	CHECK_TEXT(now.password, "$6$better");
	CHECK_INT(now.ver, user.ver);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "password", "$6$admin"), USER_OK);
	CHECK_INT(user_upgrade_password(&desk.auth, &desk.caller, &now, "$6$late"), USER_UNKNOWN);
	CHECK_INT(find("alice", &now), USER_OK);
	CHECK_TEXT(now.password, "$6$admin");
}

static void whatever_stands_in_disabled_but_0_disables(void)
{
	struct user user;

	desk_clear();
	add("alice", "");
	desk_redis(store_write("HSET", key_of("alice"), "disabled", "yes", NULL));
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK(user.disabled);
	desk_redis(store_write("HSET", key_of("alice"), "disabled", "0", NULL));
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK(!user.disabled);
}

static void a_broken_record_is_a_fault_for_that_user_only(void)
{
	struct user user;

	desk_clear();
	add("alice", "");
	add("bob", "");
	add("carol", "");
	desk_redis(store_write("HSET", key_of("alice"), "ver", "many", NULL));
	CHECK_INT(find("alice", &user), USER_FAULT);
	desk_redis(store_write("HSET", key_of("bob"), "name", "alice", NULL));
	CHECK_INT(find("bob", &user), USER_FAULT);
	desk_redis(store_write("DEL", key_of("dave"), NULL));
	desk_redis(store_write("SET", key_of("dave"), "x", NULL));
	CHECK_INT(find("dave", &user), USER_FAULT);
	CHECK_INT(find("carol", &user), USER_OK);
}

struct seen {
	size_t count;
	size_t alices, bobs;
};

static void see(const struct user *user, void *context)
{
	struct seen *seen = context;

	seen->count++;
	seen->alices += strcmp(user->name, "alice") == 0;
	seen->bobs += strcmp(user->name, "bob") == 0;
}

static void every_user_is_visited(void)
{
	struct seen seen = { 0 };
	char name[32];

	desk_clear();
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof name, "user %d", i);
		add(name, "");
	}
	add("alice", "admin");
	add("bob", "");
	desk_redis(store_write("SET", "dw:user:{other}", "x", NULL));
	desk_redis(store_write("HSET", "dw:user:{oth}", "name", "alice", NULL));
	desk_redis(store_write("HSET", key_of("bob"), "ver", "many", NULL));
	CHECK_INT(user_each(&desk.auth, &desk.caller, see, &seen), USER_OK);
	CHECK_INT(seen.count, 1201);
	CHECK_INT(seen.alices, 1);
	CHECK_INT(seen.bobs, 0);
}

static void a_prefix_is_no_pattern(void)
{
	char error[256];
	struct store_config config = { .url = redis_url(), .prefix = "d*[w]:", .timeout_ms = 5000 };
	struct auth other = { .settings = &desk.settings,
		.store = store_new(&config, error, sizeof error) };
	struct seen seen = { 0 };

	desk_clear();
	add("alice", "");
	CHECK_INT(user_add(&other, &desk.caller, "bob", NULL, ""), USER_OK);
	CHECK_INT(user_each(&other, &desk.caller, see, &seen), USER_OK);
	CHECK_INT(seen.count, 1);
	CHECK_INT(seen.bobs, 1);
	store_free(other.store);
}

/* ---- users from a file ---- */

static void use_file(const char *users)
{
	static char path[] = "/tmp/doorward-users-XXXXXX";
	char error[256];
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	fputs(users, file);
	fclose(file);
	desk.settings.users.source = SETTINGS_USERS_FILE;
	desk.auth.userfile = userfile_load(path, "", error, sizeof error);
	CHECK(desk.auth.userfile != NULL);
	unlink(path);
	snprintf(path, sizeof path, "/tmp/doorward-users-XXXXXX");
}

static void use_redis(void)
{
	userfile_free(desk.auth.userfile);
	desk.auth.userfile = NULL;
	desk.settings.users.source = SETTINGS_USERS_REDIS;
}

static void file_users_have_version_and_disabled_in_redis(void)
{
	struct user user;
	struct user_id id = id_of("alice"), nobody = id_of("nobody");

	desk_clear();
	use_file("Alice:$6$file\n");
	CHECK_INT(find("alice", &user), USER_OK);
	CHECK_TEXT(user.password, "$6$file");
	CHECK_INT(user.ver, 0);
	CHECK_INT(user_supersede(&desk.auth, &desk.caller, &id), USER_OK);
	CHECK_INT(
		user_update_and_supersede(&desk.auth, &desk.caller, &id, "disabled", "1"), USER_OK);
	CHECK_INT(user_find_id(&desk.auth, &desk.caller, &id, &user), USER_OK);
	CHECK_TEXT(user.name, "alice");
	CHECK_INT(user.ver, 2);
	CHECK(user.disabled);
	CHECK_INT(user_supersede(&desk.auth, &desk.caller, &nobody), USER_UNKNOWN);
	CHECK_INT(find("nobody", &user), USER_UNKNOWN);
	use_redis();
}

static void a_record_in_redis_is_no_user_when_users_come_from_a_file(void)
{
	struct user user;

	desk_clear();
	add("bob", "admin");
	use_file("alice:$6$file\n");
	CHECK_INT(find("bob", &user), USER_UNKNOWN);
	use_redis();
}

static void the_file_is_not_changed_from_here(void)
{
	struct user_id id = id_of("alice");

	desk_clear();
	use_file("alice:$6$file\n");
	CHECK_INT(user_add(&desk.auth, &desk.caller, "bob", NULL, ""), USER_FAULT);
	CHECK_INT(user_delete(&desk.auth, &desk.caller, &id), USER_FAULT);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "password", "x"), USER_FAULT);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "roles", "x"), USER_FAULT);
	CHECK_INT(desk_redis(store_read("DBSIZE", NULL)).integer, 0);
	use_redis();
}

static void every_user_of_the_file_is_visited(void)
{
	struct seen seen = { 0 };

	desk_clear();
	use_file("alice:$6$a\nbob:$6$b\ncarol:$6$c\n");
	CHECK_INT(user_each(&desk.auth, &desk.caller, see, &seen), USER_OK);
	CHECK_INT(seen.count, 3);
	CHECK_INT(seen.alices, 1);
	use_redis();
}

static void without_redis_everything_is_a_fault(void)
{
	struct user user;
	struct user_id id = id_of("alice");
	struct seen seen = { 0 };

	desk_clear();
	redis_kill();
	CHECK_INT(find("alice", &user), USER_FAULT);
	CHECK_TEXT(user.name, "alice");
	CHECK_INT(user_find_id(&desk.auth, &desk.caller, &id, &user), USER_FAULT);
	CHECK_INT(user_add(&desk.auth, &desk.caller, "alice", NULL, ""), USER_FAULT);
	CHECK_INT(user_update(&desk.auth, &desk.caller, &id, "roles", "x"), USER_FAULT);
	CHECK_INT(user_supersede_all(&desk.auth, &desk.caller), USER_FAULT);
	CHECK_INT(user_delete(&desk.auth, &desk.caller, &id), USER_FAULT);
	CHECK_INT(user_each(&desk.auth, &desk.caller, see, &seen), USER_FAULT);
}

int main(void)
{
	RUN(case_spaces_and_composition_are_one_spelling);
	RUN(inner_spaces_of_any_kind_become_one);
	RUN(equivalent_orders_of_marks_are_one_spelling);
	RUN(what_cannot_be_a_name_is_refused);
	RUN(invisible_and_unassigned_characters_are_refused);
	RUN(names_of_64_bytes_fit_and_longer_ones_do_not);
	RUN(normalising_twice_changes_nothing_for_any_character);
	RUN(names_that_need_no_unicode_are_the_same_the_short_way_and_the_long_way);
	RUN(a_uid_is_a_digest_of_the_name);
	RUN(a_role_is_letters_digits_and_three_marks);
	RUN(a_role_is_found_whole_and_case_sensitive);
	desk_start();
	RUN(an_added_user_is_found_by_name_and_by_uid);
	RUN(an_unknown_user_still_has_name_and_uid);
	RUN(a_user_is_not_added_twice);
	RUN(a_record_of_a_password_alone_is_not_overwritten_and_is_no_user);
	RUN(a_user_without_password_has_none);
	RUN(strange_names_are_one_argument);
	RUN(fields_are_set_and_deleted);
	RUN(an_unknown_user_is_not_made_by_an_update);
	RUN(superseding_raises_the_version_by_one);
	RUN(the_realm_counts_into_every_version);
	RUN(a_record_without_version_has_version_0);
	RUN(a_user_made_anew_has_a_higher_version_than_the_deleted_one);
	RUN(an_upgrade_does_not_undo_a_change_of_password);
	RUN(whatever_stands_in_disabled_but_0_disables);
	RUN(a_broken_record_is_a_fault_for_that_user_only);
	RUN(every_user_is_visited);
	RUN(a_prefix_is_no_pattern);
	RUN(file_users_have_version_and_disabled_in_redis);
	RUN(a_record_in_redis_is_no_user_when_users_come_from_a_file);
	RUN(the_file_is_not_changed_from_here);
	RUN(every_user_of_the_file_is_visited);
	RUN(without_redis_everything_is_a_fault);
	desk_stop();
	return check_result();
}
