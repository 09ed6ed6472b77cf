#include "check.h"

#include "auth/path.h"
#include "auth/rules.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/settings.h"

#include <stdlib.h>

static struct arena *arena;
static struct rules *rules;
static char error[600];

/* Rules from pairs of pattern and requirement, on lines 11, 12, ... */
static struct rules *parse(const char *const pairs[][2], size_t count)
{
	struct settings_rule lines[20];
	struct settings settings = { .rules = lines, .rules_count = count, .path = "test.conf" };
	for (size_t i = 0; i < count; i++)
		lines[i] = (struct settings_rule){ pairs[i][0], pairs[i][1], 11 + (int)i };
	rules_free(rules);
	error[0] = '\0';
	rules = rules_parse(&settings, error, sizeof(error));
	return rules;
}

static struct rules *parse_one(const char *pattern, const char *requirement)
{
	const char *const pairs[][2] = { { pattern, requirement } };
	return parse(pairs, 1);
}

static bool is_refused(const char *pattern, const char *requirement, const char *word)
{
	bool ok = !parse_one(pattern, requirement) && strncmp(error, "test.conf:11: ", 14) == 0 &&
		  strstr(error, word);
	if (!ok)
		fprintf(stderr, "%s = %s: <%s>, expected <%s>\n", pattern, requirement, error,
			word);
	return ok;
}

static int line_for(const char *method, const char *path)
{
	return rules_find(rules, method, path)->line;
}

/* ---- which rule ---- */

static void without_rules_every_path_needs_a_sign_in(void)
{
	CHECK(parse(NULL, 0) != NULL);
	const struct rule *rule = rules_find(rules, "GET", "/");
	CHECK_INT(rule->need, RULES_SIGNED_IN);
	CHECK_INT(rule->line, 0);
}

static void the_first_match_wins_and_the_rest_needs_a_sign_in(void)
{
	static const char *const pairs[][2] = { { "/public/secret/*", "deny" },
		{ "/public/*", "anyone" }, { "/maybe", "optional" },
		{ "/admin/*", "role:admin,role:ops" }, { "/admin/*", "anyone" },
		{ "/in/*", "signed-in" } };
	CHECK(parse(pairs, 6) != NULL);
	CHECK_TEXT(error, "");
	CHECK_INT(rules_find(rules, "GET", "/public/x")->need, RULES_ANYONE);
	CHECK_INT(rules_find(rules, "GET", "/public/secret/x")->need, RULES_DENY);
	CHECK_INT(rules_find(rules, "GET", "/maybe")->need, RULES_OPTIONAL);
	CHECK_INT(rules_find(rules, "GET", "/admin/x")->need, RULES_ROLE);
	CHECK_TEXT(rules_find(rules, "GET", "/admin/x")->roles, "admin,ops");
	CHECK_INT(rules_find(rules, "GET", "/admin/x")->line, 14);
	CHECK_INT(rules_find(rules, "GET", "/in/x")->need, RULES_SIGNED_IN);
	CHECK_INT(line_for("GET", "/in/x"), 16);
	CHECK_INT(rules_find(rules, "GET", "/other")->need, RULES_SIGNED_IN);
	CHECK_INT(line_for("GET", "/other"), 0);
}

static void a_method_list_is_compared_exactly_and_get_holds_for_head(void)
{
	static const char *const pairs[][2] = { { "GET /read", "anyone" },
		{ "POST,PUT /write", "role:w" }, { "POST, DELETE\t/spaced out", "deny" },
		{ "HEAD /head", "deny" }, { "M-SEARCH /odd", "deny" } };
	CHECK(parse(pairs, 5) != NULL);
	CHECK_TEXT(error, "");
	CHECK_INT(line_for("GET", "/read"), 11);
	CHECK_INT(line_for("HEAD", "/read"), 11);
	CHECK_INT(line_for("POST", "/read"), 0);
	CHECK_INT(line_for("get", "/read"), 0);
	CHECK_INT(line_for("", "/read"), 0);
	CHECK_INT(line_for("GETS", "/read"), 0);
	CHECK_INT(line_for("POST", "/write"), 12);
	CHECK_INT(line_for("PUT", "/write"), 12);
	CHECK_INT(line_for("POST,PUT", "/write"), 0);
	CHECK_INT(line_for("HEAD", "/write"), 0);
	CHECK_INT(line_for("DELETE", "/spaced out"), 13);
	CHECK_INT(line_for("HEAD", "/head"), 14);
	CHECK_INT(line_for("GET", "/head"), 0);
	CHECK_INT(line_for("M-SEARCH", "/odd"), 15);
}

/* ---- what a line may say ---- */

static void a_requirement_that_is_none_is_refused(void)
{
	static const char *const bad[] = { "", "any", "Anyone", "signed_in", "role",
		"role:", "role:a b", "role:a,", ",role:a", "role:a,b", "role:a,,role:b", "ROLE:a",
		"role:a;b", "role:a,deny", "roles:a", "anyone,role:a", "role:\xc3\xa9",
		"role:a/b" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(is_refused("/x", bad[i], "anyone, optional, signed-in, deny"));
	CHECK(parse_one("/x", "role:a, role:B-2_.") != NULL);
	CHECK_TEXT(rules ? rules_find(rules, "GET", "/x")->roles : "", "a,B-2_.");
}

static void a_pattern_that_can_match_nothing_is_refused(void)
{
	CHECK(is_refused("", "deny", "starts with '/'"));
	CHECK(is_refused("admin", "deny", "starts with '/'"));
	CHECK(is_refused("*", "deny", "starts with '/'"));
	CHECK(is_refused("admin/x", "deny", "starts with '/'"));
	CHECK(is_refused("GET", "deny", "starts with '/'"));
	CHECK(is_refused("GET/x", "deny", "starts with '/'"));
	CHECK(is_refused("get /x", "deny", "\"get\" is no method"));
	CHECK(is_refused("GET; /x", "deny", "no method"));
	CHECK(is_refused("GET, /x", "deny", "no method"));
	CHECK(is_refused("GET POST /x", "deny", "no method"));
	CHECK(is_refused("* /x", "deny", "no method"));
	CHECK(is_refused("/a//b", "deny", "//"));
	CHECK(is_refused("//a", "deny", "//"));
	CHECK(is_refused("/a/../b", "deny", ". or .."));
	CHECK(is_refused("/a/.", "deny", ". or .."));
	CHECK(is_refused("/./*", "deny", ". or .."));
	CHECK(is_refused("/a%20b", "deny", "decoded"));
	CHECK(is_refused("/a\\b", "deny", "backslash"));
	CHECK(is_refused("/a\x01", "deny", "control"));
	char pattern[600];
	memset(pattern, 'a', sizeof(pattern));
	pattern[0] = '/';
	pattern[513] = '\0';
	CHECK(is_refused(pattern, "deny", "too long"));
	pattern[512] = '\0';
	CHECK(parse_one(pattern, "deny") != NULL);
	CHECK(parse_one("/.*", "deny") && parse_one("/a/.git/*", "deny"));
	CHECK(parse_one("/100%", "deny") && parse_one("/...", "deny"));
}

static void the_sentence_names_the_line_and_fits(void)
{
	static const char *const pairs[][2] = { { "/a", "anyone" }, { "/b", "nobody" } };
	CHECK(!parse(pairs, 2));
	CHECK_TEXT(error,
		"test.conf:12: \"nobody\" is no requirement; allowed are anyone, optional, signed-in, "
		"deny, or role:NAME[,role:NAME...] (a name: letters, digits, '.', '_', '-')");
	struct settings_rule line = { "/b", "nobody", 12 };
	struct settings settings = { .rules = &line, .rules_count = 1, .path = "test.conf" };
	char small[10] = "123456789";
	CHECK(!rules_parse(&settings, small, 5));
	CHECK_TEXT(small, "test");
	CHECK(!rules_parse(&settings, small, sizeof(small)));
	rules_free(NULL);
}

/* ---- patterns ---- */

static void patterns_match_as_written(void)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = { { "/", "/", true }, { "/", "/x", false }, { "/x", "/x", true },
		{ "/x", "/x/", false }, { "/x", "/X", false }, { "/x", "/xy", false },
		{ "/xy", "/x", false }, { "/*", "/", true }, { "/*", "/a/b/c", true },
		{ "/x/*", "/x", true }, { "/x/*", "/x/", true }, { "/x/*", "/x/a/b", true },
		{ "/x/*", "/xy", false }, { "/x/*", "/", false }, { "/x/*", "/X/a", false },
		{ "/x*", "/x", true }, { "/x*", "/xyz/a", true }, { "/x/**", "/x/a", true },
		{ "/*.php", "/a.php", true }, { "/*.php", "/a/b.php", true },
		{ "/*.php", "/a.php/x", false }, { "/*.php", "/a.phpx", false },
		{ "/*.php", "/.php", true }, { "/*.php", "/php", false },
		{ "/a/*/z", "/a/b/c/z", true }, { "/a/*/z", "/a//z", true },
		{ "/a/*/z", "/a/z", false }, { "/a/*/*", "/a/b", true },
		{ "/a*b*c", "/aXbYc", true }, { "/a*b*c", "/abbbcc", true },
		{ "/a*b*c", "/abcb", false }, { "/?", "/a", true }, { "/?", "/", false },
		{ "/?", "/ab", false }, { "/?", "/\xc3\xa9", true },
		{ "/?", "/\xf0\x9f\x98\x80", true }, { "/??", "/\xc3\xa9", false },
		{ "/a?c", "/a/c", true }, { "/a?c", "/ac", false }, { "/*?", "/a", true },
		{ "/*?", "/", false }, { "/*a?", "/aab", true }, { "/\xc3\xa9", "/\xc3\xa9", true },
		{ "/[a]", "/a", false }, { "/[a]", "/[a]", true }, { "/a.c", "/abc", false },
		{ "/%", "/%", true } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool got = path_matches(cases[i].pattern, cases[i].path);
		if (got != cases[i].matches)
			fprintf(stderr, "%s against %s: %d\n", cases[i].pattern, cases[i].path,
				got);
		CHECK(got == cases[i].matches);
	}
}

static void a_pattern_of_many_stars_takes_no_time(void)
{
	char path[8001] = "/";
	memset(path + 1, 'a', sizeof(path) - 2);
	int64_t start_ms = clock_mono_ms();
	CHECK(!path_matches("/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
	CHECK(!path_matches("/*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", path));
	CHECK(clock_mono_ms() - start_ms < 10000);
}

/* ---- paths ---- */

static void check_path(const char *target, const char *expected)
{
	/* Exactly as long as the text: AddressSanitizer sees a byte too many. */
	char *copy = strdup(target);
	const char *got = rules_normalise(arena, copy);
	if ((got == NULL) != (expected == NULL) || (got && strcmp(got, expected) != 0))
		fprintf(stderr, "target %s\n", target);
	CHECK_TEXT(got, expected);
	free(copy);
}

static void ordinary_paths_stay_as_they_are(void)
{
	static const char *const paths[] = { "/", "/a", "/a/", "/a/b.html", "/a;x=1/b", "/a,b",
		"/~user/", "/a/.hidden", "/...", "/.../x", "/..a", "/a..", "/a..b/", "/a:b@c",
		"/\xc3\xa9", "/\xe9", "/+", "/a;..", "/;" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		check_path(paths[i], paths[i]);
}

static void query_and_fragment_are_cut_before_anything_else(void)
{
	check_path("/private/x?y=/public/", "/private/x");
	check_path("/private/x#/public", "/private/x");
	check_path("/private/x?a#b?c", "/private/x");
	check_path("/private/x#a?b", "/private/x");
	check_path("/x?../../%zz%00\\", "/x");
	check_path("/?", "/");
	check_path("/#", "/");
	check_path("/a%3fb", "/a?b");
	check_path("/a%23b", "/a#b");
}

/* Each means the protected file, or another name that no server serves that file for, or is refused
 * (CVE-2021-32637, CVE-2026-95811). */
static void the_spellings_of_a_file_have_one_meaning_or_none(void)
{
	static const struct {
		const char *target, *path;
	} spellings[] = {
		{ "/private/secret.txt", "/private/secret.txt" },
		{ "//private/secret.txt", "/private/secret.txt" },
		{ "/private//secret.txt", "/private/secret.txt" },
		{ "///private///secret.txt", "/private/secret.txt" },
		{ "/./private/secret.txt", "/private/secret.txt" },
		{ "/private/./secret.txt", "/private/secret.txt" },
		{ "/public/../private/secret.txt", "/private/secret.txt" },
		{ "/public/..//private/secret.txt", "/private/secret.txt" },
		{ "/%70rivate/secret.txt", "/private/secret.txt" },
		{ "/private/%73ecret%2Etxt", "/private/secret.txt" },
		{ "/public/%2e%2e/private/secret.txt", "/private/secret.txt" },
		{ "/public/.%2E/private/secret.txt", "/private/secret.txt" },
		{ "/%2e/private/secret.txt", "/private/secret.txt" },
		{ "/private%2fsecret.txt", NULL },
		{ "/public/..%2fprivate/secret.txt", NULL },
		{ "/public%2F..%2Fprivate/secret.txt", NULL },
		{ "/PRIVATE/secret.txt", "/PRIVATE/secret.txt" },
		{ "/private/secret.txt;x", "/private/secret.txt;x" },
		{ "/public/..;/private/secret.txt", NULL },
		{ "/private\\secret.txt", NULL },
		{ "/public/..%5cprivate/secret.txt", NULL },
		{ "/private/secret.txt%00", NULL },
		{ "/private/secret.txt%00.png", NULL },
		{ "/private/secret.txt#/public/", "/private/secret.txt" },
		{ "HTTP://auth.test/private/secret.txt", "/private/secret.txt" },
		{ "http://other.test/private/secret.txt", "/private/secret.txt" },
		{ "/private/secret.txt/", "/private/secret.txt/" },
		{ "/private/secret.txt%20", "/private/secret.txt " },
		{ "*", NULL },
		{ "private/secret.txt", NULL },
	};
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		check_path(spellings[i].target, spellings[i].path);
}

/* The same against rules that open all but /private/: nothing but other names gets through. */
static void no_spelling_of_a_protected_file_finds_the_rule_for_everybody(void)
{
	static const char *const pairs[][2] = { { "/private/*", "deny" }, { "/*", "anyone" } };
	static const char *const spellings[] = { "/private", "/private/", "//private", "/private/.",
		"/private/x/..", "/x/../private", "/%70%72%69%76%61%74%65", "/public/../private/x",
		"/public/%2e%2e/private/x", "/public/%2e./private/x", "/./private/x",
		"//./private/x", "/private//x", "/private/x?/public", "/private/x#/public",
		"http://h/private/x", "HTTPS://h//private/x", "/a/b/../../private/x",
		"/a//../private/x" };
	CHECK(parse(pairs, 2) != NULL);
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		const char *path = rules_normalise(arena, spellings[i]);
		CHECK(path && rules_find(rules, "GET", path)->need == RULES_DENY);
	}
}

static void dots_are_resolved_and_never_leave_the_root(void)
{
	check_path("/a/..", "/");
	check_path("/a/../", "/");
	check_path("/a/b/..", "/a/");
	check_path("/a/b/../", "/a/");
	check_path("/a/b/../..", "/");
	check_path("/a/.", "/a/");
	check_path("/.", "/");
	check_path("/./", "/");
	check_path("/./.", "/");
	check_path("//", "/");
	check_path("/a//", "/a/");
	check_path("/a/./b", "/a/b");
	check_path("/a/../b/../c", "/c");
	check_path("/..", NULL);
	check_path("/../", NULL);
	check_path("/../a", NULL);
	check_path("/a/../..", NULL);
	check_path("/a/../../b", NULL);
	check_path("/a//../../b", NULL);
	check_path("/%2e%2e/a", NULL);
	check_path("/./../a", NULL);
}

static void what_has_two_meanings_is_refused(void)
{
	static const char *const targets[] = { "/a%", "/a%2", "/a%zz", "/a%2g", "/a%g2", "/%",
		"/a% 1", "/a%+1", "/a%u002e", "/%00", "/a%0d%0aSet-Cookie:x", "/a%0A", "/a%09",
		"/a%7f", "/a%1f", "/a\tb", "/a\nb", "/a\rb", "/a\x7f", "/a\x01", "/a%2fb", "/a%2Fb",
		"/a%5cb", "/a%5Cb", "/a\\b", "/..;/a", "/a/..;x/b", "/a/.;/b", "/a/..;",
		"/a/..%3b/b", "/a/%2e%2e%3b/b", "/%252e%252e/a", "/a%252fb", "/a%255cb", "/a%2500",
		"/a%25252e", "/a%253b", "/a%25%32%65", "/a%250a" };
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		check_path(targets[i], NULL);
	/* A percent sign in a name is no such thing. */
	check_path("/100%25", "/100%");
	check_path("/100%25/x", "/100%/x");
	check_path("/a%25zz", "/a%zz");
	check_path("/a%2541", "/a%41");
}

static void the_absolute_form_is_cut_to_its_path(void)
{
	check_path("http://host", "/");
	check_path("http://host/", "/");
	check_path("http://host?x=/y", "/");
	check_path("http://host#/y", "/");
	check_path("HtTpS://user@host:8443/a/../b?c", "/b");
	check_path("http://[::1]/a", "/a");
	check_path("http://host//a", "/a");
	check_path("http://host/../a", NULL);
	check_path("http:///a", NULL);
	check_path("http://?/a", NULL);
	check_path("http://host\\x/a", NULL);
	check_path("http:/a", NULL);
	check_path("http:a", NULL);
	check_path("ftp://host/a", NULL);
	check_path("host:443", NULL);
	check_path("", NULL);
	check_path("?", NULL);
	check_path("#", NULL);
	check_path("?/a", NULL);
	check_path(" /a", NULL);
	check_path(".", NULL);
	check_path("../a", NULL);
	check_path("\\a", NULL);
	check_path("%2fa", NULL);
}

static void normalising_twice_changes_nothing(void)
{
	/* All short targets over an alphabet of what matters: any result has one meaning. */
	static const char *const pieces[] = { "/", ".", "..", "a", ";", "%2e", "%61" };
	enum { PIECES = sizeof(pieces) / sizeof(pieces[0]), LENGTH = 5 };
	int count = 1;
	for (int i = 0; i < LENGTH; i++)
		count *= PIECES;
	for (int n = 0; n < count; n++) {
		char target[40] = "/";
		for (int i = 0, rest = n; i < LENGTH; i++, rest /= PIECES) {
			size_t len = strlen(target);
			snprintf(target + len, sizeof(target) - len, "%s", pieces[rest % PIECES]);
		}
		const char *once = rules_normalise(arena, target);
		const char *twice = once ? rules_normalise(arena, once) : NULL;
		if (!once)
			continue;
		CHECK_TEXT(twice, once);
		CHECK(once[0] == '/' && !strstr(once, "//") && !strstr(once, "/../") &&
			!strstr(once, "/./"));
		if (n % 1000 == 0)
			arena_reset(arena);
	}
	arena_reset(arena);
}

/* A path with nothing to decode is not decoded; with one letter encoded the same one is. */
static void an_encoded_letter_changes_nothing(void)
{
	static const char *const pieces[] = { "/", ".", "..", "a", ";", "-", "%", "\\", "?",
		"\x7f" };
	enum {
		PIECES = sizeof(pieces) / sizeof(pieces[0]),
		COUNT = PIECES * PIECES * PIECES * PIECES
	};
	for (int n = 0; n < COUNT; n++) {
		char plain[40] = "/", encoded[40] = "/%61", *ends[2] = { plain + 1, encoded + 4 };
		*ends[0]++ = 'a';
		for (int rest = n, left = 4; left > 0; left--, rest /= PIECES)
			for (int i = 0; i < 2; i++)
				ends[i] = stpcpy(ends[i], pieces[rest % PIECES]);
		CHECK_TEXT(rules_normalise(arena, encoded), rules_normalise(arena, plain));
		if (n % 1000 == 0)
			arena_reset(arena);
	}
	arena_reset(arena);
}

static enum rules_failure failure_of(const char *requirement)
{
	return parse_one("/a", requirement) ? rules_find(rules, "GET", "/a")->on_failure
					    : (enum rules_failure)99;
}

static void a_rule_may_say_what_a_store_that_is_silent_means(void)
{
	CHECK_INT(failure_of("signed-in"), RULES_FAILURE_AS_SET);
	CHECK(!rules_any_stale(rules));
	CHECK_INT(failure_of("signed-in on_store_failure:deny"), RULES_FAILURE_DENY);
	CHECK(!rules_any_stale(rules));
	CHECK_INT(failure_of("optional \t on_store_failure:stale"), RULES_FAILURE_STALE);
	CHECK(rules_any_stale(rules));
	CHECK_INT(failure_of("role:a, role:b on_store_failure:stale"), RULES_FAILURE_STALE);
	CHECK_TEXT(rules_find(rules, "GET", "/a")->roles, "a,b");
	CHECK(is_refused("/a", "anyone on_store_failure:stale", "no meaning"));
	CHECK(is_refused("/a", "deny on_store_failure:deny", "no meaning"));
	CHECK(is_refused("/a", "signed-in on_store_failure:stay", "deny or stale"));
	CHECK(is_refused("/a", "signed-in on_store_failure:stale more", "deny or stale"));
	CHECK(is_refused("/a", "on_store_failure:stale", "no requirement"));
	CHECK(is_refused("/a", "role:a,on_store_failure:stale", "no requirement"));
}

int main(void)
{
	arena = arena_new(4 << 20);
	RUN(without_rules_every_path_needs_a_sign_in);
	RUN(the_first_match_wins_and_the_rest_needs_a_sign_in);
	RUN(a_method_list_is_compared_exactly_and_get_holds_for_head);
	RUN(a_requirement_that_is_none_is_refused);
	RUN(a_pattern_that_can_match_nothing_is_refused);
	RUN(the_sentence_names_the_line_and_fits);
	RUN(patterns_match_as_written);
	RUN(a_pattern_of_many_stars_takes_no_time);
	RUN(ordinary_paths_stay_as_they_are);
	RUN(query_and_fragment_are_cut_before_anything_else);
	RUN(the_spellings_of_a_file_have_one_meaning_or_none);
	RUN(no_spelling_of_a_protected_file_finds_the_rule_for_everybody);
	RUN(dots_are_resolved_and_never_leave_the_root);
	RUN(what_has_two_meanings_is_refused);
	RUN(the_absolute_form_is_cut_to_its_path);
	RUN(a_rule_may_say_what_a_store_that_is_silent_means);
	RUN(normalising_twice_changes_nothing);
	RUN(an_encoded_letter_changes_nothing);
	rules_free(rules);
	arena_free(arena);
	return check_result();
}
