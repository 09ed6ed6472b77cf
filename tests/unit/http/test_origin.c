#include "http/origin.h"

#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void one_origin_in_another_spelling_is_the_same(void)
{
	static const char *const pairs[][2] = {
		{ "https://auth.test", "https://auth.test" },
		{ "https://auth.test", "https://auth.test/" },
		{ "https://auth.test", "HTTPS://Auth.Test" },
		{ "https://a.z", "https://A.Z" },
		{ "https://auth.test", "https://auth.test:443" },
		{ "https://auth.test/", "https://AUTH.test:443/" },
		{ "http://auth.test:80", "http://auth.test" },
		{ "https://auth.test:8443", "https://auth.test:8443/" },
		{ "https://[2001:db8::1]:8443", "https://[2001:DB8::1]:8443" },
		{ "https://[::443]", "https://[::443]:443" },
		{ "http://localhost", "http://localhost" },
	};
	for (size_t i = 0; i < COUNT(pairs); i++) {
		CHECK(origin_is_same(pairs[i][0], pairs[i][1]));
		CHECK(origin_is_same(pairs[i][1], pairs[i][0]));
	}
}

static void another_scheme_host_or_port_is_another_origin(void)
{
	static const char *const others[] = { "", "null", "NULL", "*", "http://auth.test",
		"https://auth.test.evil", "https://evil.auth.test", "https://auth.test:8443",
		"https://auth.test:4430", "https://auth.test:80", "https://auth.tes",
		"https://auth.testx", "https://evil-auth.test", "https://auth.test.",
		"https://auth.test@evil.example", "https://user@auth.test",
		"https://evil.example/https://auth.test", "https://auth.test//",
		"https://auth.test/path", "https://auth.test?", "https://auth.test#",
		"https:auth.test", "https:/auth.test", "//auth.test", "auth.test",
		"https://auth.test https://auth.test", "https://evil.example, https://auth.test",
		" https://auth.test", "https://auth.test ", "https://auth.test\t",
		"https://auth.test\\", "ftp://auth.test", "https://", "https://:443", "https:///",
		"https://auth%2etest", "https://auth.test:0443", "https://auth.test:" };
	for (size_t i = 0; i < COUNT(others); i++) {
		CHECK(!origin_is_same(others[i], "https://auth.test"));
		CHECK(!origin_is_same("https://auth.test", others[i]));
	}
}

static void what_is_no_origin_is_not_even_the_same_as_itself(void)
{
	static const char *const none[] = { "", "null", "https://", "file://", "https://a/b", "x",
		"https://:443", "https://a,b", "https://m\xc3\xbcnchen" };
	for (size_t i = 0; i < COUNT(none); i++)
		CHECK(!origin_is_same(none[i], none[i]));
	char longest[400] = "https://";
	memset(longest + 8, 'a', 391);
	CHECK(!origin_is_same(longest, longest));
}

int main(void)
{
	RUN(one_origin_in_another_spelling_is_the_same);
	RUN(another_scheme_host_or_port_is_another_origin);
	RUN(what_is_no_origin_is_not_even_the_same_as_itself);
	return check_result();
}
