#include "auth/password.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "auth/apr1.h"
#include "base/log.h"
#include "base/settings.h"
#include "check.h"

static const char battery[] = "correct-horse-battery";

static void set_cost(int64_t opslimit, int64_t memlimit_mb, int64_t max_parallel)
{
	struct settings settings = { .server = { .responder_threads = 10 * max_parallel },
		.password = { .opslimit = opslimit,
			.memlimit_mb = memlimit_mb,
			.max_parallel = max_parallel } };

	CHECK(password_init(&settings));
}

static enum password_result verify(const char *hash, const char *password)
{
	return password_verify(hash, NULL, password, strlen(password));
}

/* ---- forms, with hashes made by other programs ---- */

static void hashes_of_other_programs_are_verified(void)
{
	static const char *const hashes[] = {
		/* argon2 -id, -id with 4 lanes, -i */
		"$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"tx17FcpiicGMX/7WdUCTCuDN3Zj8XfUBuQikzpppPyY",
		"$argon2id$v=19$m=1024,t=1,p=4$c2FsdHNhbHRzYWx0c2FsdA$"
		"t960edyC9l6xL+3ueq9NO68m2RRpHgPP49qe5aiwnJw",
		"$argon2i$v=19$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"knMlzdhfc2xIJ99Vj4ICz5FEkP4hOaRLAps9GfTEvDc",
		/* openssl passwd -apr1, -5, -6, -1 */
		"$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/",
		"$5$saltsalt$2fj8ypT7dXR.4QtJn8F7GSuUBL8P0GHzUstms.TWqj0",
		"$6$saltsalt$jKJLpBbbekCckUVga/LGkt0FkqoO4g5Hwy2vW6lD8eoI/"
		"9jQwfogyqh4ANlnOUBzAZS/8L1MDwO6tpeKUOjtF/",
		"$1$saltsalt$P.nxGaP.sFWtBc3qN.PPP1",
		/* htpasswd -m, -B, -2 */
		"$apr1$wMUw1/jV$c.diiJBkcwMXKIl4A2D9j1",
		"$2y$05$ruYw.X2TCMn4tU49CEtiXegkYISO/r5mecs319.9ops88oD6W1u6S",
		"$5$BdzvAOi8sG0VNE/n$PlrRzWD2aWgSxLf7FlT/wGGVhoEqvEv9SSDahgpJBt7",
		/* libxcrypt */
		"$2b$05$abcdefghijklmnopqrstuuSnF5tLPqPFqc0z9CY0HcSLFbSRlL67u",
		"$2a$04$abcdefghijklmnopqrstuupOWRSKKNe562z1DsLEArFuJDHVyRIMa",
		"$6$rounds=1000$abc$3ovwUvKGeAj0tk9o/8ZlptYyN/"
		"AiktsSGbMPJpAZUAozQLmFK7L6khrY6r3DlWy46m9C6HJ82tUvqChmMY0pJ1",
		"$y$j9T$abcdefghijkl$Gk6ZhQUW3C1qsY1Sxi3Aa.Xtt7jDegNSSBJbQroZX58",
	};

	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
		CHECK(password_is_known_form(hashes[i]));
		CHECK_INT(verify(hashes[i], battery), PASSWORD_OK);
		CHECK_INT(verify(hashes[i], "correct-horse-batterz"), PASSWORD_WRONG);
		CHECK_INT(verify(hashes[i], "Correct-horse-battery"), PASSWORD_WRONG);
		CHECK_INT(verify(hashes[i], "correct-horse-battery "), PASSWORD_WRONG);
		CHECK_INT(verify(hashes[i], "correct-horse-batter"), PASSWORD_WRONG);
		CHECK_INT(verify(hashes[i], ""), PASSWORD_WRONG);
		CHECK_INT(
			password_verify(hashes[i], NULL, battery, sizeof battery), PASSWORD_WRONG);
	}
}

static void a_changed_hash_does_not_match(void)
{
	CHECK_INT(verify("$apr1$abcdefgh$q4yeL92qj22M.aESChFh6", battery), PASSWORD_WRONG);
	CHECK_INT(verify("$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/x", battery), PASSWORD_WRONG);
	CHECK_INT(verify("$apr1$abcdefgi$q4yeL92qj22M.aESChFh6/", battery), PASSWORD_WRONG);
	CHECK_INT(verify("$5$saltsalt$", battery), PASSWORD_WRONG);
	CHECK_INT(verify("$2y$05$ruYw.X2TCMn4tU49CEtiXegkYISO/r5mecs319.9ops88oD6W1u6T", battery),
		PASSWORD_WRONG);
}

static void apr1_agrees_with_openssl_and_htpasswd_at_its_edges(void)
{
	char out[APR1_LEN + 1], text[1026];

	CHECK(apr1_make("$apr1$x", "", 0, out));
	CHECK_TEXT(out, "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/");
	const char *umlauts = "p\xc3\xa4ssw\xc3\xb6rd mit Leerzeichen 0123456789";
	CHECK(apr1_make("$apr1$lKq./XYZ$", umlauts, strlen(umlauts), out));
	CHECK_TEXT(out, "$apr1$lKq./XYZ$IewpbWJo00.tAMPw64b.d0");
	memset(text, 'a', sizeof text);
	CHECK(apr1_make("$apr1$longlong", text, 200, out));
	CHECK_TEXT(out, "$apr1$longlong$libxhLiu3P2mtxxKQ6IN51");
	CHECK(apr1_make("$apr1$longlong", text, 1024, out));
	CHECK(!apr1_make("$apr1$longlong", text, 1025, out));
	CHECK(!apr1_make("$apr1$ninechars", text, 5, out));
	CHECK(!apr1_make("$1$abcdefgh$", text, 5, out));
	CHECK(!apr1_make("", text, 5, out));
}

static void by_a_hash_of_an_unknown_form_nobody_signs_in(void)
{
	static const char *const hashes[] = { "{SHA}+Xl5/0SpoaQQX0uub+gJcV4KCoQ=", "Ax6nRIfmEwT56",
		"correct-horse-battery", "", "$argon2d$v=19$m=1024,t=1,p=1$c2FsdA$x", "$2x$05$abc",
		"$3$abc", "$7$abc", "$argon2id" };

	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
		CHECK(!password_is_known_form(hashes[i]));
		CHECK_INT(verify(hashes[i], battery), PASSWORD_WRONG);
	}
}

static void a_hash_that_cannot_be_read_is_a_fault(void)
{
	CHECK_INT(verify("$argon2id$", battery), PASSWORD_FAULT);
	CHECK_INT(verify("$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$!!!", battery),
		PASSWORD_FAULT);
	CHECK_INT(verify("$2y$99$ruYw.X2TCMn4tU49CEtiXegkYISO", battery), PASSWORD_FAULT);
	CHECK_INT(verify("$2y$05$", battery), PASSWORD_FAULT);
	CHECK_INT(verify("$apr1$toolongsalt$abc", battery), PASSWORD_FAULT);
}

/* ---- what old forms would cut ---- */

static void bcrypt_never_matches_more_than_72_bytes(void)
{
	/* htpasswd -nbB -C 4 of 72 times b */
	static const char hash[] = "$2y$04$b7Y/920CBetDZW1hDBnRa.oKZIiTpYyrFhkgOMB7W0Awe6rt0R0cq";
	char text[80];

	memset(text, 'b', sizeof text);
	CHECK_INT(password_verify(hash, NULL, text, 72), PASSWORD_OK);
	CHECK_INT(password_verify(hash, NULL, text, 73), PASSWORD_WRONG);
	CHECK_INT(password_verify(hash, NULL, text, 71), PASSWORD_WRONG);
	/* bcrypt goes round: "b" and 72 times "b" differ only by where the NUL falls. */
	CHECK_INT(password_verify(hash, NULL, text, 1), PASSWORD_WRONG);
}

static void sha_crypt_takes_511_bytes_and_never_matches_more(void)
{
	static const char hash[] = "$6$rounds=1000$abc$d6.lTXBIAAn3FrE7JC.wYqYm.cj9jOXDl9/"
				   "tfhTbXSCtvbyAg0YcEXDDgP1HFSK5N5LTzKoHAMs1Al458DFzp0";
	char text[1024];

	memset(text, 'c', sizeof text);
	CHECK_INT(password_verify(hash, NULL, text, 511), PASSWORD_OK);
	CHECK_INT(password_verify(hash, NULL, text, 512), PASSWORD_WRONG);
	CHECK_INT(password_verify(hash, NULL, text, 1024), PASSWORD_WRONG);
}

static void a_nul_ends_no_password(void)
{
	char hash[PASSWORD_HASH_MAX];

	CHECK_INT(password_make("a\0b-correct", 11, hash), PASSWORD_OK);
	CHECK_INT(password_verify(hash, NULL, "a\0b-correct", 11), PASSWORD_OK);
	CHECK_INT(password_verify(hash, NULL, "a\0c-correct", 11), PASSWORD_WRONG);
	CHECK_INT(password_verify(hash, NULL, "a", 1), PASSWORD_WRONG);
	CHECK_INT(password_verify("$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/", NULL,
			  "correct-horse-battery\0x", 23),
		PASSWORD_WRONG);
	/* What the crypt forms hash in its place is no password either. */
	CHECK_INT(password_verify("$apr1$abcdefgh$82JubPF2dQkt1tVfvLnXS.", NULL, "\0", 1),
		PASSWORD_WRONG);
}

static void argon2_tells_long_passwords_apart_at_their_end(void)
{
	char hash[PASSWORD_HASH_MAX], text[1025];

	memset(text, 'x', sizeof text);
	CHECK_INT(password_make(text, 1024, hash), PASSWORD_OK);
	CHECK_INT(password_verify(hash, NULL, text, 1024), PASSWORD_OK);
	CHECK_INT(password_verify(hash, NULL, text, 1023), PASSWORD_WRONG);
	text[1023] = 'y';
	CHECK_INT(password_verify(hash, NULL, text, 1024), PASSWORD_WRONG);
	text[1023] = 'x';
	uint64_t before = password_computed();
	CHECK_INT(password_verify(hash, NULL, text, 1025), PASSWORD_WRONG);
	CHECK_INT(password_computed(), before);
}

/* ---- making, outdated ---- */

static void a_made_hash_is_argon2id_as_set_with_a_salt_of_its_own(void)
{
	char one[PASSWORD_HASH_MAX], other[PASSWORD_HASH_MAX];

	set_cost(2, 2, 4);
	CHECK_INT(password_make(battery, strlen(battery), one), PASSWORD_OK);
	CHECK_INT(password_make(battery, strlen(battery), other), PASSWORD_OK);
	CHECK(strncmp(one, "$argon2id$v=19$m=2048,t=2,p=1$", 30) == 0);
	CHECK(strcmp(one, other) != 0);
	CHECK_INT(verify(one, battery), PASSWORD_OK);
	set_cost(1, 1, 4);
}

static void weaker_and_older_hashes_are_outdated_and_stronger_ones_are_not(void)
{
	set_cost(2, 2, 4);
	CHECK(!password_is_outdated("$argon2id$v=19$m=2048,t=2,p=1$c2FsdA$x"));
	CHECK(!password_is_outdated("$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$x"));
	CHECK(password_is_outdated("$argon2id$v=19$m=1024,t=2,p=1$c2FsdA$x"));
	CHECK(password_is_outdated("$argon2id$v=19$m=2048,t=1,p=1$c2FsdA$x"));
	CHECK(password_is_outdated("$argon2i$v=19$m=65536,t=3,p=1$c2FsdA$x"));
	CHECK(password_is_outdated("$argon2id$v=16$m=65536,t=3,p=1$c2FsdA$x"));
	CHECK(password_is_outdated("$2y$12$abc"));
	CHECK(password_is_outdated("$6$abc$def"));
	set_cost(1, 1, 4);
}

/* ---- decoys ---- */

static void a_decoy_is_computed_once_and_is_always_wrong(void)
{
	static const char *const like[] = { NULL,
		"$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"tx17FcpiicGMX/7WdUCTCuDN3Zj8XfUBuQikzpppPyY",
		"$2y$05$ruYw.X2TCMn4tU49CEtiXegkYISO/r5mecs319.9ops88oD6W1u6S",
		"$apr1$abcdefgh$q4yeL92qj22M.aESChFh6/", "{SHA}+Xl5/0SpoaQQX0uub+gJcV4KCoQ=" };

	for (size_t i = 0; i < sizeof like / sizeof *like; i++) {
		uint64_t before = password_computed();
		/* Also the very password whose hash serves as the decoy. */
		CHECK_INT(password_verify(NULL, like[i], battery, strlen(battery)), PASSWORD_WRONG);
		CHECK_INT(password_computed(), before + 1);
	}
	CHECK_INT(verify(NULL, "the password of nobody"), PASSWORD_WRONG);
	CHECK_INT(password_verify(NULL, "$2y$05$", battery, 5), PASSWORD_WRONG);
}

/* Of a processor, on all threads: the hash is computed on one that everything else goes before. */
static double seconds_of(const char *hash, const char *like)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	password_verify(hash, like, "some password or other", 22);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static bool are_alike(double one, double other)
{
	return other > one / 2 && other < one * 2;
}

/* The least of several, taken in turn, so that what else runs here disturbs both alike; of more
 * where it did not. */
static void decoy_takes_as_long_as(const char *hash, const char *like)
{
	double least_real = 1e9, least_decoy = 1e9;

	for (int round = 0; round < 100 && (round < 8 || !are_alike(least_real, least_decoy));
		round++) {
		double real = seconds_of(hash, NULL), decoy = seconds_of(NULL, like);
		least_real = real < least_real ? real : least_real;
		least_decoy = decoy < least_decoy ? decoy : least_decoy;
	}
	CHECK(are_alike(least_real, least_decoy));
}

static void a_decoy_takes_as_long_as_a_hash_of_its_kind(void)
{
	static const char bcrypt[] = "$2y$08$ruYw.X2TCMn4tU49CEtiXegkYISO/r5mecs319.9ops88oD6W1u6S";
	char hash[PASSWORD_HASH_MAX];

	set_cost(2, 8, 4);
	CHECK_INT(password_make(battery, strlen(battery), hash), PASSWORD_OK);
	decoy_takes_as_long_as(hash, NULL);
	decoy_takes_as_long_as(bcrypt, bcrypt);
	set_cost(1, 1, 4);
}

/* ---- memory, parallel work ---- */

/* Room for 56 MiB more (a thread that AddressSanitizer watches wants some) and for nothing beyond;
 * returns the limit that was. */
static struct rlimit allow_little_memory(void)
{
	struct rlimit before, little;
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	CHECK(file && fscanf(file, "%lu", &pages) == 1);
	if (file)
		fclose(file);
	getrlimit(RLIMIT_AS, &before);
	little = before;
	little.rlim_cur = pages * 4096 + (56 << 20);
	setrlimit(RLIMIT_AS, &little);
	return before;
}

static void no_memory_is_a_fault_and_no_wrong_password(void)
{
	char hash[PASSWORD_HASH_MAX];

	set_cost(1, 64, 4);
	CHECK_INT(password_make(battery, strlen(battery), hash), PASSWORD_OK);
	struct rlimit before = allow_little_memory();
	enum password_result right = verify(hash, battery);
	enum password_result wrong = verify(hash, "wrong");
	enum password_result decoy = verify(NULL, "wrong");
	enum password_result made = password_make(battery, strlen(battery), hash);
	setrlimit(RLIMIT_AS, &before);
	CHECK_INT(right, PASSWORD_FAULT);
	CHECK_INT(wrong, PASSWORD_FAULT);
	CHECK_INT(decoy, PASSWORD_FAULT);
	CHECK_INT(made, PASSWORD_FAULT);
	CHECK_INT(verify(hash, battery), PASSWORD_OK);
	set_cost(1, 1, 4);
}

enum { CROWD = 40 };

static void *one_of_the_crowd(void *result)
{
	*(enum password_result *)result = verify(NULL, "wrong");
	return NULL;
}

static void a_crowd_is_bounded_and_the_rest_is_busy_at_once(void)
{
	pthread_t threads[CROWD];
	enum password_result results[CROWD];
	int wrong = 0, busy = 0;

	set_cost(4, 16, 1);
	uint64_t before = password_computed();
	for (int i = 0; i < CROWD; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, one_of_the_crowd, &results[i]), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CROWD; i++) {
		wrong += results[i] == PASSWORD_WRONG;
		busy += results[i] == PASSWORD_BUSY;
	}
	CHECK_INT(wrong + busy, CROWD);
	CHECK(wrong >= 5);
	CHECK(busy > 0);
	CHECK_INT(password_computed() - before, wrong);
	/* All places are free again. */
	for (int i = 0; i < 3; i++)
		CHECK_INT(verify(NULL, "wrong"), PASSWORD_WRONG);
	set_cost(1, 1, 4);
}

/* ---- new passwords ---- */

static bool is_weak(const char *password, const char *name)
{
	return password_weakness(password, strlen(password), name) != NULL;
}

static void short_and_overlong_passwords_are_refused(void)
{
	char text[1026];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + (i * i * i + i / 7) * 7 % 101 % 26);
	CHECK(is_weak("", "alice"));
	CHECK(is_weak("Tr0ub4dor&3xyz", "alice"));
	CHECK(!is_weak("Tr0ub4dor&3xyzq", "alice"));
	/* 14 characters of two bytes each, then 15. */
	CHECK(is_weak("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xaa"
		      "\xc3\xab\xc3\xa0\xc3\xa1\xc3\xa2\xc3\xa5\xc3\xa6\xc3\xa7",
		"alice"));
	CHECK(!is_weak("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xaa"
		       "\xc3\xab\xc3\xa0\xc3\xa1\xc3\xa2\xc3\xa5\xc3\xa6\xc3\xa7\xc3\xb1",
		"alice"));
	CHECK(!password_weakness(text, 1024, "alice"));
	CHECK(password_weakness(text, 1025, "alice") != NULL);
}

static void the_name_may_not_be_in_it(void)
{
	CHECK(is_weak("my-Alice-is-great", "alice"));
	CHECK(is_weak("vexed-gloom-ALICE", "alice"));
	CHECK(!is_weak("vexed-gloom-marzipan", "alice"));
	CHECK(!is_weak("bobbing-gloomy-crate", "bob"));
	CHECK(is_weak("Doorward-is-vexed", "alice"));
}

static void well_known_long_passwords_are_refused(void)
{
	/* Those of 15 characters and more among the 50,000 most used. */
	static const char *const known[] = { "mailcreated5240", "polniypizdec0211",
		"123456789987654321", "1qaz2wsx3edc4rfv", "momsanaladventure", "hd764nw5d7e1vb1",
		"qazwsxedcrfvtgb", "23176djivanfros", "123456789qwerty", "12345678900987654321",
		"qwerty123456789", "polniypizdec110211", "12345678987654321", "q1w2e3r4t5y6u7i8",
		"zqjphsyf6ctifgu", "lhbjkjubz2957704", "1qazxsw23edcvfr4", "nemvxyheqdd5oqxyxyzi",
		"passwordpassword", "1234qwerasdfzxcv", "1234567890987654321", "1234567890qwerty",
		"q1w2e3r4t5y6u7i8o9p0", "passwordstandard", "bpgjldsgjldthnf", "1234567887654321",
		"zxcvbnm123456789", "122333444455555", "111222333444555", "qwertyuiop12345",
		"1qa2ws3ed4rf5tg", "nick1234-rem936", "qwertasdfgzxcvb", "passwordassword",
		"420842084208555", "polniypizdec1102", "ne_e_pod_chehyl", "hd764nw5d7e1vbv",
		"bhrh0h2oof6xbqjeh", "lytdybrbdfvgbhf",
		/* and what people make of a rule about the length */
		"123456789012345", "qwertyuiopasdfg", "QWERTYUIOPASDFGHJKL", "aaaaaaaaaaaaaaaa",
		"abcabcabcabcabc", "abcdefghijklmnop", "zyxwvutsrqponml", "passwordpassword1",
		"Password123456789", "P@ssw0rdP@ssw0rd", "MyP@ssw0rd12345!", "administrator123",
		"Administrator2024!", "letmeinletmein1", "iloveyouiloveyou", "welcomewelcome!",
		"changemechangeme", "correcthorsebatterystaple", "correct horse battery staple",
		"Correct-Horse-Battery-Staple", "trustno1trustno1", "thisispassword123",
		"000000000000000", "abababababababab", "               ", "1q2w3e4r5t6y7u8i9o0p",
		"asdfghjklasdfghjkl", "testtesttesttest", "admin1234567890", "qwertyqwertyqwerty" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!is_weak(known[i], "alice"))
			CHECK_TEXT(known[i], "refused");
}

static void good_passwords_are_accepted(void)
{
	static const char *const good[] = { "correct-horse-battery", "vexed gloom marzipan tulip",
		"kX9#mQ2$vL5@nR8", "g7Qp2mVz81LkWc0", "der Apfel faellt nicht weit vom Stamm",
		"my dog likes the new sofa",
		"\xd0\xba\xd0\xbe\xd1\x88\xd0\xba\xd0\xb0 \xd1\x81\xd0\xbf\xd0\xb8\xd1\x82 \xd0\xbd\xd0\xb0 x7",
		"9f86d081884c7d659a2f", "entirely lowercase", "password-but-with-rhubarb-pie",
		"Sommer-Regen-Kiesel", "mIsTy!HaRbOr%tWiNe" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK_TEXT(password_weakness(good[i], strlen(good[i]), "alice"), NULL);
}

static void the_libraries_say_their_versions(void)
{
	CHECK(strstr(password_version(), "libsodium 1.") != NULL);
	CHECK(strstr(password_version(), "libxcrypt 4.") != NULL);
}

int main(void)
{
	log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	set_cost(1, 1, 4);
	RUN(hashes_of_other_programs_are_verified);
	RUN(a_changed_hash_does_not_match);
	RUN(apr1_agrees_with_openssl_and_htpasswd_at_its_edges);
	RUN(by_a_hash_of_an_unknown_form_nobody_signs_in);
	RUN(a_hash_that_cannot_be_read_is_a_fault);
	RUN(bcrypt_never_matches_more_than_72_bytes);
	RUN(sha_crypt_takes_511_bytes_and_never_matches_more);
	RUN(a_nul_ends_no_password);
	RUN(argon2_tells_long_passwords_apart_at_their_end);
	RUN(a_made_hash_is_argon2id_as_set_with_a_salt_of_its_own);
	RUN(weaker_and_older_hashes_are_outdated_and_stronger_ones_are_not);
	RUN(a_decoy_is_computed_once_and_is_always_wrong);
	RUN(a_decoy_takes_as_long_as_a_hash_of_its_kind);
	RUN(no_memory_is_a_fault_and_no_wrong_password);
	RUN(a_crowd_is_bounded_and_the_rest_is_busy_at_once);
	RUN(short_and_overlong_passwords_are_refused);
	RUN(the_name_may_not_be_in_it);
	RUN(well_known_long_passwords_are_refused);
	RUN(good_passwords_are_accepted);
	RUN(the_libraries_say_their_versions);
	return check_result();
}
