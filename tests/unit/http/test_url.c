#include "http/url.h"

#include "base/arena.h"
#include "base/buf.h"
#include "check.h"

#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The lists of OWASP, PayloadsAllTheThings, oauth2-proxy and mod_auth_openidc have these shapes:
 * another host, another scheme, what a browser drops, what it reads as a slash, and paths that
 * become "//host" when resolved once more. */
static const char *const evil[] = {
	"",
	"evil.example",
	"www.evil.example/",
	".evil.example",
	"@evil.example",
	"?next=/",
	"#/",
	"auth",
	"..",
	"./a",
	"../a",
	":80/",
	"//evil.example",
	"//evil.example/",
	"//evil.example/%2f..",
	"//evil.example/..",
	"///evil.example",
	"////evil.example",
	"/////evil.example/",
	"//",
	"//..",
	"//?",
	"///",
	"//@evil.example",
	"//user:password@evil.example",
	"//evil%00.example",
	"//evil%E3%80%82example",
	"//127.0.0.1",
	"//2130706433/",
	"//0x7f000001/",
	"//[::1]/",
	"//evil.example#/private",
	"//evil.example?/private",
	"//evil.example:443/",
	"/\\evil.example",
	"\\/evil.example",
	"\\\\evil.example",
	"\\evil.example",
	"/\\/evil.example",
	"//\\evil.example",
	"/\\\\evil.example",
	"\\/\\/evil.example/",
	"/private\\..\\..\\evil",
	"/private?next=\\\\evil.example",
	"/\tevil.example",
	"/\t/evil.example",
	"\t//evil.example",
	"/\n/evil.example",
	"/\r/evil.example",
	"/\r\n/evil.example",
	"\n//evil.example",
	"/private\r\nSet-Cookie: a=b",
	"/private\nLocation: //evil.example",
	"/private\r\n\r\n<script>",
	"/\v/evil.example",
	"/\f/evil.example",
	"/\b/evil.example",
	"/\x01/evil.example",
	"/\x1f/evil.example",
	"/\x7f/evil.example",
	" //evil.example",
	"/ /evil.example",
	"//evil.example ",
	" /private",
	"/private ",
	"/pri vate",
	"\xc2\xa0//evil.example",
	"/\xc2\xa0/evil.example",
	"/\xe3\x80\x82/evil.example",
	"/\xe2\x80\x8b/evil.example",
	"/\xef\xbc\x8f/evil.example",
	"\xef\xbc\x8f\xef\xbc\x8f"
	"evil.example",
	"//evil\xe3\x80\x82"
	"example",
	"/\xff/evil.example",
	"/\xc0\xaf"
	"evil.example",
	"/m\xc3\xbcnchen",
	"http:evil.example",
	"http:/evil.example",
	"http://evil.example",
	"http:///evil.example",
	"https:evil.example",
	"https:/evil.example",
	"https://evil.example",
	"https:///evil.example",
	"HTTPS://evil.example",
	"https:\\\\evil.example",
	"https://our.example/private",
	"https://our.example@evil.example/",
	"https://our.example.evil.example/",
	"https://evil.example/our.example",
	"https://evil.example\\@our.example",
	"http:\\/\\/evil.example",
	"h\tttps://evil.example",
	"ht\ntp://evil.example",
	"hthttp://tp://evil.example",
	"%2f%2fevil.example",
	"%5cevil.example",
	"%09//evil.example",
	"%20//evil.example",
	"%0d%0a//evil.example",
	"javascript:alert(1)",
	"JavaScript:alert(1)",
	"java\nscript:alert(1)",
	"java%0d%0ascript%0d%0a:alert(0)",
	"javascript://our.example/%0aalert(1)",
	"javascript:/private",
	"jaVAscript://www.our.example//%0d%0aalert(1);//",
	" javascript:alert(1)",
	"\x01javascript:alert(1)",
	"data:text/html,<script>alert(1)</script>",
	"data:text/html;base64,PHNjcmlwdD4=",
	"vbscript:msgbox(1)",
	"file:///etc/passwd",
	"ftp://evil.example",
	"mailto:a@evil.example",
	"blob:https://our.example/x",
	"view-source:/private",
	"about:blank",
	"ws://evil.example",
	"//google%252ecom",
	"<>//evil.example",
	"<>javascript:alert(1);",
	"〱evil.example",
	"〵evil.example",
	"ゝevil.example",
	"/〱evil.example",
	"/.//evil.example",
	/* Here for a browser, to whom %2e is a dot; "//%2e./evil.example" for others. */
	"/.//%2e./evil.example",
	"/.//.",
	"/a/..//.",
	"/./"
	"/evil.example",
	"/././/evil.example",
	"/..//evil.example",
	"/../..//evil.example",
	"/%2e//evil.example",
	"/%2E%2e//evil.example",
	"/.%2e//evil.example",
	"/a/..//evil.example",
	"/a/b/../..//evil.example",
	"/a/%2e%2e//evil.example",
	"/.///evil.example/%2f..",
	"/.//evil.example?a=b#c",
	"/./\\evil.example",
};

static void no_address_of_another_place_is_returned_to(void)
{
	CHECK(COUNT(evil) > 120);
	for (size_t i = 0; i < COUNT(evil); i++)
		CHECK_TEXT(url_next(evil[i], "/auth"), "/");
	CHECK_TEXT(url_next(NULL, "/auth"), "/");
}

static void a_path_of_this_place_is_returned_to_as_it_is(void)
{
	static const char *const good[] = { "/", "/private/", "/private/a.html?b=c&d=%20#e",
		"/a//b", "/private/?next=//evil.example", "/private/#//evil.example",
		"/@evil.example", "/:80", "/%2f%2fevil.example", "/%5cevil.example",
		"/%09/evil.example", "/%", "/%zz", "/a/../b", "/a/./b/", "/...", "/.../", "/.a//b",
		"/..a//b", "/~u/x;y=z,w", "/a?\"<'>", "/javascript:alert(1)",
		"/https://evil.example", "/private/?u=https://evil.example" };
	for (size_t i = 0; i < COUNT(good); i++)
		CHECK_TEXT(url_next(good[i], "/auth"), good[i]);
}

static void our_own_pages_are_not_returned_to(void)
{
	static const char *const own[] = { "/auth", "/auth/", "/auth/login", "/auth/login?next=/",
		"/auth?a", "/auth#a", "/auth/refresh?next=%2Fauth%2Frefresh", "/a/../auth/login",
		"/./auth/login", "/auth/./login", "/auth//login", "/%61uth/login", "/%41/../auth/x",
		"/auth%2flogin", "/auth%2Flogin", "/x/%2e%2e/auth/login", "/x%2f..%2fauth/login",
		"/x%2f%2f../auth/login", "/auth/sessions/../login", "/auth/sessions/%2e%2e/login",
		"/auth/sessions%2f../login", "/auth/sessionsx", "/auth/session",
		"/a//../../auth/login", "/auth%00", "/auth/..%2fauth" };
	for (size_t i = 0; i < COUNT(own); i++)
		CHECK_TEXT(url_next(own[i], "/auth"), "/");
}

static void the_page_of_sessions_is_returned_to(void)
{
	CHECK_TEXT(url_next("/auth/sessions", "/auth"), "/auth/sessions");
	CHECK_TEXT(url_next("/auth/sessions/", "/auth"), "/auth/sessions/");
	CHECK_TEXT(url_next("/auth/sessions?a=b", "/auth"), "/auth/sessions?a=b");
}

static void the_end_of_a_pop_up_is_returned_to(void)
{
	CHECK_TEXT(url_next("/auth/signed-in", "/auth"), "/auth/signed-in");
	CHECK_TEXT(url_next("/auth/signed-in/", "/auth"), "/");
	CHECK_TEXT(url_next("/auth/signed-in/../login", "/auth"), "/");
}

static void the_prefix_ends_at_a_segment(void)
{
	CHECK_TEXT(url_next("/authx", "/auth"), "/authx");
	CHECK_TEXT(url_next("/authors/login", "/auth"), "/authors/login");
	CHECK_TEXT(url_next("/auth.html", "/auth"), "/auth.html");
	CHECK_TEXT(url_next("/Auth/login", "/auth"), "/Auth/login");
	CHECK_TEXT(url_next("/x/auth/login", "/auth"), "/x/auth/login");
	CHECK_TEXT(url_next("/auth/../private", "/auth"), "/auth/../private");
	CHECK_TEXT(url_next("/my/auth/login", "/my/auth"), "/");
	CHECK_TEXT(url_next("/my/authority", "/my/auth"), "/my/authority");
	CHECK_TEXT(url_next("/my/auth/sessions", "/my/auth"), "/my/auth/sessions");
}

static void the_longest_address_is_returned_to_and_one_byte_more_is_not(void)
{
	char text[URL_NEXT_MAX_BYTES + 2];
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[URL_NEXT_MAX_BYTES + 1] = '\0';
	CHECK_TEXT(url_next(text, "/auth"), "/");
	text[URL_NEXT_MAX_BYTES] = '\0';
	CHECK(url_next(text, "/auth") == text);
	memset(text + 1, '/', URL_NEXT_MAX_BYTES - 1);
	CHECK_TEXT(url_next(text, "/auth"), "/");
	text[1] = 'a';
	CHECK(url_next(text, "/auth") == text);
	for (size_t i = 0; i < URL_NEXT_MAX_BYTES; i++)
		text[i] = "/%2e"[i % 4];
	CHECK(url_next(text, "/auth") == text);
}

static void percent_decoding_is_done_once(void)
{
	static const struct {
		const char *text, *decoded;
	} cases[] = { { "", "" }, { "a", "a" }, { "%", "%" }, { "%2", "%2" }, { "%zz", "%zz" },
		{ "%2z", "%2z" }, { "%z2", "%z2" }, { "%41", "A" }, { "%09%39", "\t9" },
		{ "%aF%Fa", "\xaf\xfa" }, { "%4A%4a", "JJ" }, { "%2541", "%41" }, { "%%41", "%A" },
		{ "a+b", "a+b" }, { "%e2%82%ac", "\xe2\x82\xac" }, { "%C3%BC%", "\xc3\xbc%" } };
	char out[32];
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = url_decode(out, cases[i].text, strlen(cases[i].text));
		out[len] = '\0';
		CHECK_TEXT(out, cases[i].decoded);
	}
	CHECK_INT(url_decode(out, "a%00b", 5), 3);
	CHECK(memcmp(out, "a\0b", 3) == 0);
	CHECK_INT(url_decode(out, "%41", 2), 2);
	memcpy(out, "%41%42", 6);
	CHECK_INT(url_decode(out, out, 6), 2);
	CHECK(memcmp(out, "AB", 2) == 0);
}

static void a_query_value_keeps_what_is_unreserved_and_slashes(void)
{
	char storage[2048];
	struct buf buf;
	buf_init_fixed(&buf, storage, sizeof(storage));
	url_add_query_value(&buf, "/AZaz09-._~/");
	CHECK_TEXT(storage, "/AZaz09-._~/");
	buf_clear(&buf);
	url_add_query_value(&buf, "a b&c=d+e%f?g#h\"'<>\r\n\x7f\xc3\xbc;,:@!$()*[]\\^`{|}");
	CHECK_TEXT(storage,
		"a%20b%26c%3Dd%2Be%25f%3Fg%23h%22%27%3C%3E%0D%0A%7F%C3%BC%3B%2C%3A%40%21%24%28%29%2A"
		"%5B%5D%5C%5E%60%7B%7C%7D");
}

static void the_return_address_of_a_page_of_ours_is_checked_and_encoded(void)
{
	struct arena *arena = arena_new(1 << 20);
	CHECK_TEXT(url_with_next(arena, "/auth", "refresh", "/private/?a=b&c=d"),
		"/auth/refresh?next=/private/%3Fa%3Db%26c%3Dd");
	CHECK_TEXT(url_with_next(arena, "/auth", "login", "//evil.example"), "/auth/login?next=/");
	CHECK_TEXT(url_with_next(arena, "/auth", "login", NULL), "/auth/login?next=/");
	CHECK_TEXT(
		url_with_next(arena, "/auth", "refresh", "/auth/refresh"), "/auth/refresh?next=/");
	char text[URL_NEXT_MAX_BYTES + 1];
	memset(text, '%', sizeof(text));
	text[0] = '/';
	text[URL_NEXT_MAX_BYTES] = '\0';
	const char *longest = url_with_next(arena, "/auth", "refresh", text);
	CHECK_INT(strlen(longest), strlen("/auth/refresh?next=/") + 3 * (URL_NEXT_MAX_BYTES - 1));
	arena_free(arena);
}

int main(void)
{
	RUN(no_address_of_another_place_is_returned_to);
	RUN(a_path_of_this_place_is_returned_to_as_it_is);
	RUN(our_own_pages_are_not_returned_to);
	RUN(the_page_of_sessions_is_returned_to);
	RUN(the_end_of_a_pop_up_is_returned_to);
	RUN(the_prefix_ends_at_a_segment);
	RUN(the_longest_address_is_returned_to_and_one_byte_more_is_not);
	RUN(percent_decoding_is_done_once);
	RUN(a_query_value_keeps_what_is_unreserved_and_slashes);
	RUN(the_return_address_of_a_page_of_ours_is_checked_and_encoded);
	return check_result();
}
