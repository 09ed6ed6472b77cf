#include "http/cookie.h"

#include "base/arena.h"
#include "check.h"
#include "http/request.h"
#include "http/response.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAME "__Host-Http-doorward"

static struct arena *arena;

/* What is found of NAME in up to two HTTP_COOKIE parameters: its value or "(why not)". */
static const char *found_in(const char *first, const char *second)
{
	static const char *const why[] = { [COOKIE_ABSENT] = "(absent)",
		[COOKIE_DUPLICATE] = "(duplicate)",
		[COOKIE_MALFORMED] = "(malformed)" };
	const char *params[6] = { "REQUEST_METHOD=GET", "HTTP_COOKIE2=" NAME "=2",
		"XHTTP_COOKIE=" NAME "=3" };
	size_t count = 3;
	if (first)
		params[count++] = arena_printf(arena, "HTTP_COOKIE=%s", first);
	if (second)
		params[count++] = arena_printf(arena, "HTTP_COOKIE=%s", second);
	struct request request;
	const char *refused;
	CHECK(request_init(&request, arena, params, "", &refused));
	const char *value;
	size_t len;
	enum cookie_result result = cookie_find(&request, NAME, &value, &len);
	if (result == COOKIE_FOUND)
		return arena_strndup(arena, value, len);
	return value || len ? "(left over)" : why[result];
}

/* Any neighbour domain may set a cookie with such a value; the prefix of our name is to keep it
 * out. */
static void a_cookie_planted_in_the_value_of_another_is_never_found(void)
{
	CHECK_TEXT(found_in("theme=dark," NAME "=evil", NULL), "(duplicate)");
	CHECK_TEXT(found_in("theme=dark, " NAME "=evil", NULL), "(duplicate)");
	CHECK_TEXT(found_in("x=y", "theme=dark," NAME "=evil"), "(duplicate)");
}

static void a_cookie_is_found_among_others(void)
{
	static const struct {
		const char *header, *value;
	} cases[] = {
		{ NAME "=abc", "abc" },
		{ "a=b; " NAME "=abc", "abc" },
		{ NAME "=abc; a=b", "abc" },
		{ "a=b;" NAME "=abc;c=d", "abc" },
		{ NAME "=abc, c=d", "abc" },
		{ " \t" NAME " \t= \tabc \t; a=b", "abc" },
		{ NAME "=abc;", "abc" },
		{ NAME "=a=b==", "a=b==" },
		{ NAME "=", "" },
		{ NAME "=;", "" },
		{ NAME "=  ", "" },
		{ NAME "=\t;a=b", "" },
		{ "a=\"b\"; " NAME "=abc", "abc" },
		{ "a=\"x;y\"; " NAME "=abc", "abc" },
		{ "nameless; =x; " NAME "=abc", "abc" },
		{ NAME "=!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'()*+-./:<=>?@[]^_`{|}~" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_TEXT(found_in(cases[i].header, NULL), cases[i].value);
		CHECK_TEXT(found_in("x=y", cases[i].header), cases[i].value);
		CHECK_TEXT(found_in(cases[i].header, "x=y"), cases[i].value);
	}
}

static void another_name_is_not_ours(void)
{
	static const char *const headers[] = { "", ";", "=", ";;=;", ",", ",,;,", "a", NAME,
		NAME "x=1", "x" NAME "=1", "__host-http-doorward=1", "__HOST-HTTP-DOORWARD=1",
		NAME "-csrf=1", NAME " x=1", "x " NAME "=1", "\"" NAME "\"=1", "a=" NAME,
		"a=" NAME "=1", "=" NAME "=1", "$Version=1", "%5F_Host-Http-doorward=1" };
	for (size_t i = 0; i < COUNT(headers); i++)
		CHECK_TEXT(found_in(headers[i], NULL), "(absent)");
	CHECK_TEXT(found_in(NULL, NULL), "(absent)");
}

static void a_header_of_separators_only_holds_nothing(void)
{
	char *header = arena_alloc(arena, 8193);
	memset(header, ';', 8192);
	CHECK_TEXT(found_in(header, NULL), "(absent)");
	memset(header, '=', 8192);
	CHECK_TEXT(found_in(header, NULL), "(absent)");
}

static void a_name_that_occurs_twice_is_refused_wherever(void)
{
	CHECK_TEXT(found_in(NAME "=a; " NAME "=b", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=a; " NAME "=a", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=a, " NAME "=b", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=a; x=y, z=w; " NAME "=b", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=a", NAME "=b"), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=b", NAME "=a"), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=; " NAME "=b", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=\"; " NAME "=b", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=a;" NAME " =b", NULL), "(duplicate)");
	CHECK_TEXT(found_in(NAME "=a;" NAME "=b;" NAME "=c", NAME "=d"), "(duplicate)");
	/* The value of another's cookie with a comma in it: refused too, since Apache and Caddy
	 * join two header lines in just this way. */
	CHECK_TEXT(found_in("foo=a," NAME "=evil; " NAME "=a", NULL), "(duplicate)");
}

static void the_longest_value_is_found_and_one_byte_more_is_malformed(void)
{
	char *header = arena_alloc(arena, 8192);
	memcpy(header, NAME "=", sizeof(NAME));
	memset(header + sizeof(NAME), 'v', 4096);
	CHECK_INT(strlen(found_in(header, NULL)), 4096);
	header[sizeof(NAME) + 4096] = 'v';
	CHECK_TEXT(found_in(header, NULL), "(malformed)");
}

/* The header that cookie_set makes, or "(broken)". */
static const char *set(const char *name, const char *value, struct cookie_attributes attributes)
{
	struct response response;
	response_init(&response, arena);
	cookie_set(&response, name, value, &attributes);
	if (response.broken && response.headers.len > 0)
		return "(broken, but written)";
	return response.broken ? "(broken)" : response.headers.data;
}

static void a_cookie_is_set_with_all_that_protects_it(void)
{
	CHECK_TEXT(set(NAME, "abc", (struct cookie_attributes){ "/", "Strict", 900 }),
		"Set-Cookie: " NAME
		"=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=900\r\n");
	CHECK_TEXT(set("__Secure-r", "a.b", (struct cookie_attributes){ "/auth", "Lax", -1 }),
		"Set-Cookie: __Secure-r=a.b; Path=/auth; Secure; HttpOnly; SameSite=Lax\r\n");
	CHECK_TEXT(set("a", "", (struct cookie_attributes){ "/~a/b", "Lax", -1 }),
		"Set-Cookie: a=; Path=/~a/b; Secure; HttpOnly; SameSite=Lax\r\n");
	CHECK_TEXT(set("__Secure-r", "", (struct cookie_attributes){ "/auth", "Lax", 0 }),
		"Set-Cookie: __Secure-r=; Path=/auth; Secure; HttpOnly; SameSite=Lax; Max-Age=0\r\n");
}

static void two_cookies_are_two_headers(void)
{
	struct response response;
	struct cookie_attributes attributes = { "/", "Strict", -1 };
	response_init(&response, arena);
	cookie_set(&response, "a", "1", &attributes);
	cookie_set(&response, "b", "2", &attributes);
	CHECK_TEXT(response.headers.data,
		"Set-Cookie: a=1; Path=/; Secure; HttpOnly; SameSite=Strict\r\n"
		"Set-Cookie: b=2; Path=/; Secure; HttpOnly; SameSite=Strict\r\n");
}

static void a_cookie_outside_the_grammar_breaks_the_answer(void)
{
	struct cookie_attributes good = { "/", "Strict", 900 };
	static const char *const values[] = { "a b", "a;b", "a,b", "\"a\"", "a\\b", "a\r\nX: y",
		"\xc3\xbc", "a\x7f", "\t" };
	static const char *const names[] = { "", "a b", "a=b", "a;b", "a\nb", "\xc3\xbc", "a," };
	static const char *const paths[] = { "", "auth", "/a;b", "/a\nb", "/a b", "/\xc3\xbc" };
	static const char *const same_sites[] = { "", "None", "strict", "Strict; Domain=a" };
	for (size_t i = 0; i < COUNT(values); i++)
		CHECK_TEXT(set("a", values[i], good), "(broken)");
	for (size_t i = 0; i < COUNT(names); i++)
		CHECK_TEXT(set(names[i], "v", good), "(broken)");
	for (size_t i = 0; i < COUNT(paths); i++)
		CHECK_TEXT(set("a", "v", (struct cookie_attributes){ paths[i], "Lax", 1 }),
			"(broken)");
	for (size_t i = 0; i < COUNT(same_sites); i++)
		CHECK_TEXT(set("a", "v", (struct cookie_attributes){ "/", same_sites[i], 1 }),
			"(broken)");
}

static void a_cookie_that_a_browser_would_drop_is_not_sent(void)
{
	CHECK_TEXT(set("__Host-a", "v", (struct cookie_attributes){ "/auth", "Strict", 1 }),
		"(broken)");
	char value[4097];
	memset(value, 'v', sizeof(value));
	value[4095] = '\0';
	CHECK(strncmp(set("a", value, (struct cookie_attributes){ "/", "Lax", 1 }),
		      "Set-Cookie: a=v", 15) == 0);
	CHECK_TEXT(set("ab", value, (struct cookie_attributes){ "/", "Lax", 1 }), "(broken)");
}

static void what_is_set_is_found_again(void)
{
	static const char value[] = "!#$%&'()*+-./0:<=>?@A[]^_`a{|}~";
	const char *header = set(NAME, value, (struct cookie_attributes){ "/", "Strict", 1 });
	const char *pair = header + strlen("Set-Cookie: ");
	CHECK_TEXT(found_in(arena_strndup(arena, pair, strcspn(pair, ";")), NULL), value);
}

int main(void)
{
	arena = arena_new(4 << 20);
	RUN(a_cookie_planted_in_the_value_of_another_is_never_found);
	RUN(a_cookie_is_found_among_others);
	RUN(another_name_is_not_ours);
	RUN(a_header_of_separators_only_holds_nothing);
	RUN(a_name_that_occurs_twice_is_refused_wherever);
	RUN(the_longest_value_is_found_and_one_byte_more_is_malformed);
	RUN(a_cookie_is_set_with_all_that_protects_it);
	RUN(two_cookies_are_two_headers);
	RUN(a_cookie_outside_the_grammar_breaks_the_answer);
	RUN(a_cookie_that_a_browser_would_drop_is_not_sent);
	RUN(what_is_set_is_found_again);
	arena_free(arena);
	return check_result();
}
