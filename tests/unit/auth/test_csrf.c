#include "check.h"

#include "auth/auth.h"
#include "auth/csrf.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/encode.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define HANDLE "c2lkLXNpZC1zaWQtc2lkLQ"

static char dir[] = "/tmp/doorward-csrf-XXXXXX";
static struct keys *keys;
static struct auth auth;

static void load_keys(void)
{
	char error[400] = "";
	keys_free(keys);
	keys = keys_load(dir, error, sizeof(error));
	CHECK_TEXT(error, "");
	auth.keys = keys;
}

static void make_keys(int64_t from)
{
	char error[400] = "";
	CHECK(keys_make(dir, CRYPTO_ES256, from, NULL, error, sizeof(error)));
	load_keys();
}

static void a_pair_is_accepted(void)
{
	struct csrf pair;
	csrf_make(&auth, "", &pair);
	CHECK_INT(strlen(pair.cookie), CSRF_LEN);
	CHECK_INT(strlen(pair.field), CSRF_FIELD_LEN);
	CHECK(csrf_check(&auth, "", pair.cookie, pair.field));
	csrf_make(&auth, HANDLE, &pair);
	CHECK(csrf_check(&auth, HANDLE, pair.cookie, pair.field));
}

static void every_pair_is_new(void)
{
	struct csrf one, two;
	csrf_make(&auth, "", &one);
	csrf_make(&auth, "", &two);
	CHECK(strcmp(one.cookie, two.cookie) != 0);
	CHECK(strcmp(one.field, two.field) != 0);
}

static void the_page_does_not_tell_the_cookie(void)
{
	struct csrf pair;
	csrf_make(&auth, HANDLE, &pair);
	for (size_t i = 0; i + 6 <= CSRF_FIELD_LEN; i++) {
		char piece[7];
		snprintf(piece, sizeof(piece), "%.6s", pair.field + i);
		CHECK(!strstr(pair.cookie, piece));
	}
	/* And neither is the other. */
	CHECK(!csrf_check(&auth, HANDLE, pair.field, pair.field));
	CHECK(!csrf_check(&auth, HANDLE, pair.cookie, pair.cookie));
	char tail[CSRF_FIELD_LEN + 1];
	snprintf(tail, sizeof(tail), "%.43s", pair.cookie + CSRF_LEN - CSRF_FIELD_LEN);
	CHECK(!csrf_check(&auth, HANDLE, pair.cookie, tail));
}

static void cookie_and_field_of_two_pairs_do_not_mix(void)
{
	struct csrf one, two;
	csrf_make(&auth, "", &one);
	csrf_make(&auth, "", &two);
	CHECK(!csrf_check(&auth, "", one.cookie, two.field));
	CHECK(!csrf_check(&auth, "", two.cookie, one.field));
}

static void a_pair_from_before_signing_in_is_useless_afterwards(void)
{
	struct csrf pair;
	csrf_make(&auth, "", &pair);
	CHECK(!csrf_check(&auth, HANDLE, pair.cookie, pair.field));
	csrf_make(&auth, HANDLE, &pair);
	CHECK(!csrf_check(&auth, "", pair.cookie, pair.field));
	CHECK(!csrf_check(&auth, "c2lkLXNpZC1zaWQtc2lkLA", pair.cookie, pair.field));
}

static void nothing_and_rubbish_are_refused(void)
{
	struct csrf pair;
	csrf_make(&auth, "", &pair);
	CHECK(!csrf_check(&auth, "", NULL, pair.field));
	CHECK(!csrf_check(&auth, "", pair.cookie, NULL));
	CHECK(!csrf_check(&auth, "", NULL, NULL));
	CHECK(!csrf_check(&auth, "", "", ""));
	CHECK(!csrf_check(&auth, "", pair.cookie, ""));
	CHECK(!csrf_check(&auth, "", "", pair.field));
	/* J5: an access token, a refresh token. */
	CHECK(!csrf_check(&auth, "", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", pair.field));
	char text[99];
	uint8_t bytes[73] = { 1 };
	encode_base64url(text, bytes, sizeof(bytes));
	CHECK(!csrf_check(&auth, "", text, pair.field));
}

static void a_pair_with_any_bit_flipped_is_refused(void)
{
	struct csrf pair;
	int accepted = 0;
	csrf_make(&auth, HANDLE, &pair);
	for (size_t i = 0; i < CSRF_LEN * 8; i++) {
		pair.cookie[i / 8] ^= (char)(1 << i % 8);
		accepted += csrf_check(&auth, HANDLE, pair.cookie, pair.field);
		pair.cookie[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t i = 0; i < CSRF_FIELD_LEN * 8; i++) {
		pair.field[i / 8] ^= (char)(1 << i % 8);
		accepted += csrf_check(&auth, HANDLE, pair.cookie, pair.field);
		pair.field[i / 8] ^= (char)(1 << i % 8);
	}
	CHECK_INT(accepted, 0);
	CHECK(csrf_check(&auth, HANDLE, pair.cookie, pair.field));
}

static void a_longer_or_shorter_text_is_refused(void)
{
	struct csrf pair;
	char text[CSRF_LEN + 3];
	csrf_make(&auth, "", &pair);
	snprintf(text, sizeof(text), "%s=", pair.cookie);
	CHECK(!csrf_check(&auth, "", text, pair.field));
	snprintf(text, sizeof(text), "%.74s", pair.cookie);
	CHECK(!csrf_check(&auth, "", text, pair.field));
	snprintf(text, sizeof(text), "%s=", pair.field);
	CHECK(!csrf_check(&auth, "", pair.cookie, text));
	snprintf(text, sizeof(text), "%.42s", pair.field);
	CHECK(!csrf_check(&auth, "", pair.cookie, text));
}

static void a_pair_lives_an_hour(void)
{
	struct csrf pair;
	csrf_make(&auth, "", &pair);
	clock_shift_sec(CSRF_LIFETIME_SEC - 5);
	CHECK(csrf_check(&auth, "", pair.cookie, pair.field));
	clock_shift_sec(CSRF_LIFETIME_SEC);
	CHECK(!csrf_check(&auth, "", pair.cookie, pair.field));
	CHECK(!csrf_reuse(&auth, "", pair.cookie, &pair));
	clock_shift_sec(0);
	CHECK(csrf_check(&auth, "", pair.cookie, pair.field));
}

static void a_clock_that_is_behind_does_not_refuse_it(void)
{
	struct csrf pair;
	csrf_make(&auth, "", &pair);
	clock_shift_sec(-300);
	CHECK(csrf_check(&auth, "", pair.cookie, pair.field));
	clock_shift_sec(-3 * 86400);
	CHECK(!csrf_check(&auth, "", pair.cookie, pair.field));
	clock_shift_sec(0);
}

static void a_cookie_used_again_gives_the_same_field(void)
{
	struct csrf pair, again;
	csrf_make(&auth, HANDLE, &pair);
	CHECK(csrf_reuse(&auth, HANDLE, pair.cookie, &again));
	CHECK_TEXT(again.cookie, pair.cookie);
	CHECK_TEXT(again.field, pair.field);
	CHECK(!csrf_reuse(&auth, "", pair.cookie, &again));
	CHECK(!csrf_reuse(&auth, HANDLE, NULL, &again));
	CHECK(!csrf_reuse(&auth, HANDLE, pair.field, &again));
}

static void a_new_key_does_not_end_what_an_older_one_made(void)
{
	struct csrf before, after;
	int64_t now = clock_now_sec();
	csrf_make(&auth, "", &before);
	make_keys(now + 100);
	CHECK(csrf_check(&auth, "", before.cookie, before.field));
	clock_shift_sec(101);
	CHECK(csrf_check(&auth, "", before.cookie, before.field));
	csrf_make(&auth, "", &after);
	CHECK(csrf_check(&auth, "", after.cookie, after.field));
	clock_shift_sec(0);
	CHECK(csrf_check(&auth, "", after.cookie, after.field));
}

static void keys_of_another_realm_refuse_it(void)
{
	struct csrf pair;
	struct keys *own = keys;
	char first[sizeof(dir)], error[400];
	csrf_make(&auth, "", &pair);
	memcpy(first, dir, sizeof(dir));
	snprintf(dir, sizeof(dir), "/tmp/doorward-csrf-XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	CHECK(keys_make(dir, CRYPTO_ES256, 0, NULL, error, sizeof(error)));
	keys = NULL;
	load_keys();
	CHECK(!csrf_check(&auth, "", pair.cookie, pair.field));
	keys_free(keys);
	DIR *stream = opendir(dir);
	for (struct dirent *entry; stream && (entry = readdir(stream));)
		unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
	rmdir(dir);
	memcpy(dir, first, sizeof(dir));
	keys = own;
	auth.keys = own;
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	make_keys(1000);
	RUN(a_pair_is_accepted);
	RUN(every_pair_is_new);
	RUN(the_page_does_not_tell_the_cookie);
	RUN(cookie_and_field_of_two_pairs_do_not_mix);
	RUN(a_pair_from_before_signing_in_is_useless_afterwards);
	RUN(nothing_and_rubbish_are_refused);
	RUN(a_pair_with_any_bit_flipped_is_refused);
	RUN(a_longer_or_shorter_text_is_refused);
	RUN(a_pair_lives_an_hour);
	RUN(a_clock_that_is_behind_does_not_refuse_it);
	RUN(a_cookie_used_again_gives_the_same_field);
	RUN(a_new_key_does_not_end_what_an_older_one_made);
	RUN(keys_of_another_realm_refuse_it);
	DIR *stream = opendir(dir);
	for (struct dirent *entry; stream && (entry = readdir(stream));)
		unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
	rmdir(dir);
	keys_free(keys);
	return check_result();
}
