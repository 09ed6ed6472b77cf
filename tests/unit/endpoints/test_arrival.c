#include "endpoints/arrival.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/settings.h"
#include "check.h"
#include "endpoints/exchange.h"

enum { PARAMS_MAX = 12 };

static struct arena *arena;
static struct settings settings;
static struct response response;

static void settings_reset(void)
{
	settings = (struct settings){ .path = "" };
	settings.server.prefix = "/auth";
	settings.cookie.access_name = "__Host-Http-doorward";
	settings.cookie.refresh_name = "__Secure-doorward-refresh";
	settings.cookie.same_site = SETTINGS_SAME_SITE_STRICT;
	settings.arrival.page = true;
	settings.arrival.paths = "";
	settings.page.site_name = "Doorward & Co";
}

/* A page load from `site` with these parameters instead ("NAME=" without a value: not sent). */
static struct exchange exchange_with(const char *site, const char *const *changes)
{
	const char *params[PARAMS_MAX] = { "REQUEST_METHOD=GET", "REQUEST_URI=/wiki/?a=1&b=2",
		arena_printf(arena, "HTTP_SEC_FETCH_SITE=%s", site), "HTTP_SEC_FETCH_MODE=navigate",
		"HTTP_SEC_FETCH_DEST=document", NULL };
	struct exchange x = { .settings = &settings, .response = &response, .arena = arena };
	const char *why = "";

	for (size_t i = 0; changes && changes[i]; i++) {
		size_t len = strcspn(changes[i], "=") + 1, at = 0;

		while (params[at] && strncmp(params[at], changes[i], len) != 0)
			at++;
		params[at] = changes[i];
	}
	const char **kept = arena_alloc(arena, sizeof params);
	size_t count = 0;
	for (size_t i = 0; i < PARAMS_MAX && params[i]; i++)
		if (params[i][strlen(params[i]) - 1] != '=')
			kept[count++] = params[i];
	CHECK(request_init(&x.request, arena, kept, "", &why));
	response_init(&response, arena);
	return x;
}

static bool answers(const char *const *changes)
{
	struct exchange x = exchange_with("cross-site", changes);
	bool answered = arrival_answer(&x);

	CHECK_INT(response.status, answered ? 401 : 503);
	CHECK(answered || (response.headers.len == 0 && response.body.len == 0));
	return answered;
}
#define ANSWERS(...) answers((const char *const[]){ __VA_ARGS__, NULL })

static bool marks(const char *const *changes)
{
	struct exchange x = exchange_with("same-origin", changes);

	return arrival_is_repeat(&x);
}
#define MARKER "HTTP_COOKIE=x=1; __Host-Http-doorward-arrival=1"
#define MARKS(...) marks((const char *const[]){ __VA_ARGS__, NULL })

static void a_page_load_from_another_site_without_cookies_is_repeated(void)
{
	CHECK(answers(NULL));
	CHECK(ANSWERS("REQUEST_METHOD=HEAD"));
	CHECK(ANSWERS("REDIRECT_REQUEST_METHOD=GET"));
	CHECK(ANSWERS("HTTP_COOKIE=theme=dark; __Host-Http-doorward-csrf=x"));
	CHECK(ANSWERS("HTTP_REFERER=https://elsewhere.example/"));
	/* Its marker is no reason: it may be from another window. */
	CHECK(ANSWERS(MARKER));
}

static void nothing_else_is(void)
{
	CHECK(!ANSWERS("REQUEST_METHOD=POST"));
	CHECK(!ANSWERS("REQUEST_METHOD=PUT"));
	CHECK(!ANSWERS("REQUEST_METHOD=get"));
	/* An error document of Apache is asked for by GET whatever the request was. */
	CHECK(!ANSWERS("REDIRECT_REQUEST_METHOD=POST"));
	CHECK(!ANSWERS("REQUEST_METHOD=POST", "REDIRECT_REQUEST_METHOD=GET"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_SITE=same-origin"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_SITE=same-site"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_SITE=none"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_SITE="));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_MODE=cors"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_MODE="));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_DEST=iframe"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_DEST=frame"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_DEST=object"));
	CHECK(!ANSWERS("HTTP_SEC_FETCH_DEST="));
}

static void who_brings_a_cookie_of_a_session_is_not_sent_round(void)
{
	CHECK(!ANSWERS("HTTP_COOKIE=__Host-Http-doorward=e30.e30.AAAA"));
	CHECK(!ANSWERS("HTTP_COOKIE=__Host-Http-doorward=\"\""));
	CHECK(!ANSWERS("HTTP_COOKIE=__Host-Http-doorward=a; __Host-Http-doorward=b"));
	CHECK(!ANSWERS("HTTP_COOKIE=__Secure-doorward-refresh=AbBo"));
	CHECK(!ANSWERS("HTTP_COOKIE=a=b, __Secure-doorward-refresh=AbBo"));
}

static void the_settings_say_whether_and_where(void)
{
	settings.arrival.page = false;
	CHECK(!answers(NULL) && !MARKS(MARKER));
	settings.arrival.page = true;
	settings.cookie.same_site = SETTINGS_SAME_SITE_LAX;
	CHECK(!answers(NULL) && !MARKS(MARKER));
	settings_reset();
	settings.arrival.paths = "/reports/*,/wiki/*";
	CHECK(answers(NULL));
	CHECK(ANSWERS("REQUEST_URI=/wiki"));
	CHECK(ANSWERS("REQUEST_URI=/x/..//%77iki/page"));
	CHECK(!ANSWERS("REQUEST_URI=/"));
	CHECK(!ANSWERS("REQUEST_URI=/?/wiki/"));
	CHECK(!ANSWERS("REQUEST_URI=/wiki/../admin"));
	CHECK(!ANSWERS("REQUEST_URI=/wiki/..%2fadmin"));
	settings_reset();
}

static const char *body(const char *const *changes)
{
	CHECK(answers(changes));
	return response.body.data;
}
#define BODY(...) body((const char *const[]){ __VA_ARGS__, NULL })

static void the_address_is_written_so_that_nothing_breaks_out_of_it(void)
{
	CHECK(strstr(body(NULL), "content=\"0;url=/wiki/?a=1&#38;b=2\""));
	CHECK(strstr(body(NULL), "<title>Doorward &#38; Co</title>"));
	CHECK(strstr(BODY("REQUEST_URI=/'\"><script>alert(1)</script>"),
		"url=/&#39;&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;\""));
	/* Another host to a browser. */
	CHECK(strstr(BODY("REQUEST_URI=//evil.example/"), "content=\"0;url=/\""));
	CHECK(strstr(BODY("REQUEST_URI=/\\evil.example/"), "content=\"0;url=/\""));
	CHECK(strstr(BODY("REQUEST_URI=/./%2e//evil.example/"), "content=\"0;url=/\""));
}

static void only_its_own_script_may_run(void)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char text[ENCODE_BASE64_LEN(CRYPTO_SHA256_BYTES) + 1];
	const char *script = strstr(body(NULL), "<script>");
	const char *end = script ? strstr(script, "</script>") : NULL;

	CHECK(end != NULL);
	if (!end)
		return;
	script += strlen("<script>");
	CHECK(strstr(script, "replaceState(null,'','/auth/login?arrival');location.replace(u)"));
	crypto_sha256(digest, script, (size_t)(end - script));
	encode_base64(text, digest, sizeof digest);
	CHECK(strstr(response.headers.data,
		arena_printf(arena,
			"Content-Security-Policy: default-src 'none'; script-src 'sha256-%s'; "
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
			text)));
	CHECK(strstr(response.headers.data, "Cache-Control: no-store\r\n"));
	CHECK(strstr(response.headers.data, "Referrer-Policy: no-referrer\r\n"));
	CHECK(strstr(response.headers.data,
		"Set-Cookie: __Host-Http-doorward-arrival=1; Path=/; Secure; HttpOnly; "
		"SameSite=Strict; Max-Age=30\r\n"));
}

static void the_second_request_is_known_and_later_ones_are_not(void)
{
	CHECK(MARKS(MARKER));
	CHECK(MARKS(MARKER, "REQUEST_METHOD=HEAD"));
	CHECK(!marks(NULL));
	CHECK(!MARKS("HTTP_COOKIE=__Host-Http-doorward=1"));
	CHECK(!MARKS(MARKER, "HTTP_REFERER=https://localhost/wiki/"));
	CHECK(!MARKS(MARKER, "REQUEST_METHOD=POST"));
	CHECK(!MARKS(MARKER, "HTTP_SEC_FETCH_SITE=none"));
	CHECK(!MARKS(MARKER, "HTTP_SEC_FETCH_MODE=cors", "HTTP_SEC_FETCH_DEST=empty"));
	CHECK(!MARKS(MARKER, "HTTP_SEC_FETCH_DEST=iframe"));
}

int main(void)
{
	arena = arena_new(16 * 1024 * 1024);
	settings_reset();
	RUN(a_page_load_from_another_site_without_cookies_is_repeated);
	RUN(nothing_else_is);
	RUN(who_brings_a_cookie_of_a_session_is_not_sent_round);
	RUN(the_settings_say_whether_and_where);
	RUN(the_address_is_written_so_that_nothing_breaks_out_of_it);
	RUN(only_its_own_script_may_run);
	RUN(the_second_request_is_known_and_later_ones_are_not);
	arena_free(arena);
	return check_result();
}
