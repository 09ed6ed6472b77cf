#include "base/settings_check.h"

#include "base/settings.h"

#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef const char *checker(const char *text);

/* Texts up to a NULL. */
static void all_are_taken(checker *check, const char *const *texts)
{
	for (; *texts; texts++) {
		const char *wrong = check(*texts);
		if (wrong)
			fprintf(stderr, "<%s> %s\n", *texts, wrong);
		CHECK(!wrong);
	}
}

static void all_are_refused(checker *check, const char *const *texts)
{
	for (; *texts; texts++) {
		if (!check(*texts))
			fprintf(stderr, "<%s> is taken\n", *texts);
		CHECK(check(*texts));
	}
}

#define TAKES(check, ...) all_are_taken(check, (const char *const[]){ __VA_ARGS__, NULL })
#define REFUSES(check, ...) all_are_refused(check, (const char *const[]){ __VA_ARGS__, NULL })

static void the_prefix_is_a_plain_path(void)
{
	TAKES(settings_check_prefix, "/auth", "/a/b-c_d.e", "/.well");
	REFUSES(settings_check_prefix, "", "/", "auth", "/auth/", "//auth", "/a//b", "/./a",
		"/a/..", "/a b", "/a%20", "/a?b", "/\xc3\xa4", "/a;b", "/a\\b");
}

static void the_base_url_is_an_https_origin(void)
{
	TAKES(settings_check_base_url, "", "https://example.org", "https://example.org:8443",
		"https://[2001:db8::1]:8443", "http://localhost:8080", "http://127.0.0.1",
		"http://[::1]:80");
	REFUSES(settings_check_base_url, "example.org", "http://example.org", "https://",
		"https://example.org/", "https://example.org/auth", "https://example.org?x",
		"https://u@example.org", "https://example.org:", "https://example.org:0",
		"https://example.org:65536", "https://example.org:8o", "https://[::1",
		"https://[::1]x", "http://localhost.evil.example", "ftp://localhost",
		"https://ex ample.org");
}

static void sockets_are_unix_paths_or_ports(void)
{
	TAKES(settings_check_listen, "", "unix:/run/d.sock", "unix:/run/d.sock mode=0660 group=www",
		"127.0.0.1:9000", "[::1]:9000", "systemd:authorizer");
	REFUSES(settings_check_listen, "/run/d.sock", "unix:", "unix: /run/x", ":9000", "host",
		"host:", "host:0", "host:http", "systemd:", "systemd:a:b", "systemd:a b");
}

static void trusted_proxies_are_addresses_and_networks(void)
{
	TAKES(settings_check_networks, "", "10.0.0.1", "10.0.0.0/8,::1,2001:db8::/32", "0.0.0.0/0");
	REFUSES(settings_check_networks, ",", "10.0.0.1,", "10.0.0", "10.0.0.0/33", "::/129",
		"10.0.0.0/", "10.0.0.0/0008", "proxy.example", "10.0.0.1 10.0.0.2", "/8");
}

static void the_store_url_holds_no_password(void)
{
	TAKES(settings_check_store_url, "unix:/run/redis.sock?db=1", "redis://h", "redis://u@h:1/2",
		"redis://[::1]:6379", "rediss://h", "sentinel://u@h:1,g/m", "cluster://h,g");
	REFUSES(settings_check_store_url, "", "unix:", "redis://", "http://h", "localhost:6379",
		"redis://:secret@h", "redis://u:secret@h:6379/0", "redis://u:p@ss@h");
}

static void key_prefixes_leave_the_hash_tag_alone(void)
{
	TAKES(settings_check_key_prefix, "", "dw:", "site-1.dw:");
	REFUSES(settings_check_key_prefix, "{dw}:", "dw*", "d w",
		"dw:dw:dw:dw:dw:dw:dw:dw:dw:dw:dw:");
}

static void cookie_names_have_a_prefix_that_browsers_guard(void)
{
	TAKES(settings_check_cookie, "__Host-Http-x", "__Host-x", "__Secure-x");
	REFUSES(settings_check_cookie, "", "x", "__host-x", "__Host-", "__Host-Http-", "__Secure-",
		"__Host-a b", "__Host-a=b", "__Host-a;b", "__Host-\xc3\xa4", "__Host-a,b",
		"__Host-a/b",
		"__Host-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	TAKES(settings_check_refresh_cookie, "__Secure-x");
	REFUSES(settings_check_refresh_cookie, "", "x", "__Host-x", "__Secure-", "__Secure-a b");
	CHECK(strstr(settings_check_refresh_cookie("__Host-x"), "Path=/") != NULL);
}

static void extra_fields_give_away_no_hash_and_no_identity(void)
{
	TAKES(settings_check_fields, "", "email", "email,phone_2", "passwords");
	REFUSES(settings_check_fields, "Email", "e-mail", "a,,b", "a,", "a b", "password",
		"x,password", "roles", "user,x", "navigation", "anonymous");
}

static void paths_of_arrival_start_with_a_slash(void)
{
	TAKES(settings_check_paths, "", "/", "/wiki/*", "/a,/b?c/*");
	REFUSES(settings_check_paths, ",", "/a,", "wiki/*", "/a,b", "https://e/x", "/a b");
}

static void the_logo_is_on_this_host(void)
{
	TAKES(settings_check_logo, "", "/logo.svg", "/a/b.png?v=1");
	REFUSES(settings_check_logo, "logo.svg", "//evil.example/x", "/\\evil.example",
		"https://e/x", "/a b", "/a\"b", "/\xc3\xa4");
}

static void a_link_is_a_path_or_of_https(void)
{
	TAKES(settings_check_link, "", "/account/password", "https://id.example/me?tab=1");
	REFUSES(settings_check_link, "http://e/x", "javascript:alert(1)", "//e/x", "https://",
		"https:///x", "https://e/ x", "https://e/\"x", "password");
}

static void the_accent_is_a_hex_colour(void)
{
	TAKES(settings_check_colour, "", "#2557d6", "#ABC");
	REFUSES(settings_check_colour, "red", "2557d6", "#12", "#12345", "#2557d6;", "#ggg",
		"#2557d6aa");
}

static void the_log_goes_to_a_place_that_exists(void)
{
	TAKES(settings_check_log_target, "stderr", "syslog", "/var/log/doorward.log");
	REFUSES(settings_check_log_target, "", "stdout", "doorward.log");
	TAKES(settings_check_given, "x");
	REFUSES(settings_check_given, "");
}

static char secret_path[] = "/tmp/doorward-secret-XXXXXX";
static char error[256];

static char *read_secret(const char *bytes, size_t len, mode_t mode)
{
	FILE *file = fopen(secret_path, "w");
	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0 ||
		chmod(secret_path, mode) != 0)
		abort();
	return settings_read_secret(secret_path, error, sizeof(error));
}

static void secret_is(const char *bytes, const char *expected)
{
	char *secret = read_secret(bytes, strlen(bytes), 0600);
	CHECK_TEXT(secret, expected);
	free(secret);
}

static void a_secret_is_the_one_line_of_its_file(void)
{
	secret_is("s3cret\n", "s3cret");
	secret_is("s3cret\r\n", "s3cret");
	secret_is("s3 cret ", "s3 cret ");
	secret_is("", NULL);
	secret_is("\n", NULL);
	secret_is("a\nb\n", NULL);
	CHECK(strstr(error, "must hold the secret on one line") != NULL);
	CHECK(strstr(error, secret_path) == error);
	CHECK(read_secret("a\0b", 3, 0600) == NULL);
}

static void a_secret_has_at_most_4096_bytes(void)
{
	static char bytes[8192];
	memset(bytes, 'x', sizeof(bytes));
	bytes[4096] = '\n';
	char *secret = read_secret(bytes, 4097, 0600);
	CHECK(secret && strlen(secret) == 4096);
	free(secret);
	bytes[4096] = 'x';
	CHECK(read_secret(bytes, 4097, 0600) == NULL);
	CHECK(read_secret(bytes, 8192, 0600) == NULL);
	CHECK(strstr(error, "longer than 4096") != NULL);
}

static void a_secret_that_others_can_read_or_write_is_refused(void)
{
	static const mode_t bad[] = { 0644, 0660, 0601, 0602, 0610, 0620 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(read_secret("x", 1, bad[i]) == NULL);
	CHECK(strstr(error, "chmod 0600 or 0640") != NULL);
	char *secret = read_secret("x", 1, 0640);
	CHECK_TEXT(secret, "x");
	free(secret);
	CHECK(settings_read_secret("/nonexistent", error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "/nonexistent: No such file or directory");
	CHECK(settings_read_secret("/tmp", error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "/tmp: is not a regular file");
}

int main(void)
{
	int file = mkstemp(secret_path);
	if (file < 0 || close(file) != 0)
		return 1;
	RUN(the_prefix_is_a_plain_path);
	RUN(the_base_url_is_an_https_origin);
	RUN(sockets_are_unix_paths_or_ports);
	RUN(trusted_proxies_are_addresses_and_networks);
	RUN(the_store_url_holds_no_password);
	RUN(key_prefixes_leave_the_hash_tag_alone);
	RUN(cookie_names_have_a_prefix_that_browsers_guard);
	RUN(extra_fields_give_away_no_hash_and_no_identity);
	RUN(paths_of_arrival_start_with_a_slash);
	RUN(the_logo_is_on_this_host);
	RUN(a_link_is_a_path_or_of_https);
	RUN(the_accent_is_a_hex_colour);
	RUN(the_log_goes_to_a_place_that_exists);
	RUN(a_secret_is_the_one_line_of_its_file);
	RUN(a_secret_has_at_most_4096_bytes);
	RUN(a_secret_that_others_can_read_or_write_is_refused);
	(void)unlink(secret_path);
	return check_result();
}
