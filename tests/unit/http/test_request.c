#include "http/request.h"

#include "base/arena.h"
#include "check.h"

#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PARAMS(...)                                                                                \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define GET_PARAMS "REQUEST_METHOD=GET", "REQUEST_URI=/private/?a=b"
#define CADDY "SERVER_SOFTWARE=Caddy/v2.6.2", "FCGI_ROLE=RESPONDER", "AUTH_ROLE=AUTHORIZER"

static struct arena *arena;
static const char *why;

static struct request typed(const char *const *params)
{
	struct request request = { 0 };
	why = "";
	CHECK(request_init(&request, arena, params, "", &why));
	CHECK_TEXT(why, "");
	return request;
}

static const char *refusal(const char *const *params)
{
	struct request request = { 0 };
	why = NULL;
	if (request_init(&request, arena, params, "", &why))
		return "(not refused)";
	return why;
}

static void a_responder_request_is_typed(void)
{
	struct request request = typed(PARAMS("FCGI_ROLE=RESPONDER", "REQUEST_METHOD=POST",
		"SCRIPT_NAME=/auth", "PATH_INFO=/login", "QUERY_STRING=next=%2F",
		"REQUEST_URI=/auth/login?next=%2F", "REMOTE_ADDR=192.0.2.1",
		"HTTP_USER_AGENT=Mozilla/5.0", "HTTPS=on"));
	CHECK_INT(request.role, REQUEST_RESPONDER);
	CHECK_INT(request.front, REQUEST_FRONT_FULL);
	CHECK_INT(request.method, REQUEST_POST);
	CHECK_TEXT(request.method_text, "POST");
	CHECK_TEXT(request.path, "/auth/login");
	CHECK_TEXT(request.query, "next=%2F");
	CHECK_TEXT(request.uri, "/auth/login?next=%2F");
	CHECK_TEXT(request.address, "192.0.2.1");
	CHECK_TEXT(request.agent, "Mozilla/5.0");
	CHECK(request.https);
	CHECK(request.arena == arena);
}

static void what_is_not_sent_is_empty_and_never_null(void)
{
	struct request request = typed(PARAMS("REQUEST_METHOD=GET"));
	CHECK_INT(request.role, REQUEST_RESPONDER);
	CHECK_TEXT(request.path, "");
	CHECK_TEXT(request.query, "");
	CHECK_TEXT(request.uri, "");
	CHECK_TEXT(request.address, "");
	CHECK_TEXT(request.agent, "");
	CHECK(!request.https);
	CHECK(request.body == NULL);
}

static void the_callers_deadline_and_body_reader_stay(void)
{
	struct request request = { .deadline = { 4711 }, .read_context = arena };
	CHECK(request_init(&request, arena, PARAMS(GET_PARAMS), "", &why));
	CHECK_INT(request.deadline.at_mono_ms, 4711);
	CHECK(request.read_context == arena);
}

static void methods_are_told_apart_by_their_exact_spelling(void)
{
	CHECK_INT(typed(PARAMS("REQUEST_METHOD=HEAD")).method, REQUEST_HEAD);
	CHECK_INT(typed(PARAMS("REQUEST_METHOD=get")).method, REQUEST_OTHER);
	CHECK_INT(typed(PARAMS("REQUEST_METHOD=POSTX")).method, REQUEST_OTHER);
	CHECK_INT(typed(PARAMS("REQUEST_METHOD=PROPFIND")).method, REQUEST_OTHER);
	CHECK_TEXT(refusal(PARAMS("REQUEST_METHOD=")), "no request method");
	CHECK_TEXT(refusal(PARAMS("REQUEST_URI=/")), "no request method");
	CHECK_TEXT(refusal(PARAMS("REQUEST_METHOD=GET ")), "no request method");
	CHECK_TEXT(refusal(PARAMS("REQUEST_METHOD=G\nET")), "no request method");
	CHECK_TEXT(refusal(PARAMS("REQUEST_METHOD=G\xc3\xbcT")), "no request method");
}

static void each_front_of_an_authorizer_is_told_apart(void)
{
	static const struct {
		const char *params[5];
		enum request_front front;
	} cases[] = {
		{ { "FCGI_ROLE=AUTHORIZER", GET_PARAMS }, REQUEST_FRONT_FULL },
		{ { "FCGI_ROLE=AUTHORIZER", GET_PARAMS, "FCGI_APACHE_ROLE=ACCESS_CHECKER" },
			REQUEST_FRONT_FCGID },
		{ { "FCGI_ROLE=AUTHORIZER", GET_PARAMS, "FCGI_APACHE_ROLE=AUTHENTICATOR" },
			REQUEST_FRONT_AUTHNZ_FCGI },
		{ { "FCGI_ROLE=RESPONDER", GET_PARAMS, "AUTH_ROLE=AUTHORIZER" },
			REQUEST_FRONT_NGINX },
		{ { GET_PARAMS, "AUTH_ROLE=AUTHORIZER" }, REQUEST_FRONT_NGINX },
		/* The protocol's own role cannot be talked away. */
		{ { "FCGI_ROLE=AUTHORIZER", GET_PARAMS, "AUTH_ROLE=RESPONDER" },
			REQUEST_FRONT_FULL },
		{ { "FCGI_ROLE=AUTHORIZER", GET_PARAMS, "AUTH_ROLE=AUTHORIZER" },
			REQUEST_FRONT_FULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request request = typed(cases[i].params);
		CHECK_INT(request.role, REQUEST_AUTHORIZER);
		CHECK_INT(request.front, cases[i].front);
		CHECK_TEXT(request.uri, "/private/?a=b");
	}
}

static void libfcgis_own_role_comes_first_and_counts(void)
{
	CHECK_INT(typed(PARAMS("FCGI_ROLE=AUTHORIZER", GET_PARAMS, "FCGI_ROLE=RESPONDER")).role,
		REQUEST_AUTHORIZER);
	CHECK_INT(typed(PARAMS("FCGI_ROLE=AUTHORIZER", GET_PARAMS, "FCGI_ROLE=AUTHORIZER",
				"FCGI_APACHE_ROLE=AUTHENTICATOR"))
			  .front,
		REQUEST_FRONT_AUTHNZ_FCGI);
}

static void a_client_cannot_ask_for_a_role(void)
{
	struct request request = typed(PARAMS("FCGI_ROLE=RESPONDER", GET_PARAMS,
		"HTTP_AUTH_ROLE=AUTHORIZER", "HTTP_FCGI_ROLE=AUTHORIZER", "HTTP_AUTH_METHOD=PUT",
		"HTTP_AUTH_URI=/public"));
	CHECK_INT(request.role, REQUEST_RESPONDER);
	CHECK_INT(request.method, REQUEST_GET);
	CHECK_TEXT(request.uri, "/private/?a=b");
}

static void a_role_that_cannot_be_served_is_refused(void)
{
	static const char fcgid[] =
		"FcgidAuthorizer and FcgidAuthenticator cannot do cookies; use FcgidAccessChecker";
	static const char fcgi_role[] = "the FastCGI role is neither RESPONDER nor AUTHORIZER";
	static const char auth_role[] = "AUTH_ROLE is neither AUTHORIZER nor RESPONDER";
	CHECK_TEXT(
		refusal(PARAMS("FCGI_ROLE=AUTHORIZER", GET_PARAMS, "FCGI_APACHE_ROLE=AUTHORIZER")),
		fcgid);
	CHECK_TEXT(refusal(PARAMS("FCGI_ROLE=AUTHORIZER", GET_PARAMS, "FCGI_APACHE_ROLE=")), fcgid);
	CHECK_TEXT(refusal(PARAMS("FCGI_ROLE=AUTHORIZER", GET_PARAMS,
			   "FCGI_APACHE_ROLE=AUTHENTICATOR", "REMOTE_PASSWD=secret")),
		fcgid);
	CHECK_TEXT(refusal(PARAMS("FCGI_ROLE=FILTER", GET_PARAMS)), fcgi_role);
	CHECK_TEXT(refusal(PARAMS("FCGI_ROLE=", GET_PARAMS)), fcgi_role);
	CHECK_TEXT(
		refusal(PARAMS("FCGI_ROLE=FILTER", GET_PARAMS, "AUTH_ROLE=AUTHORIZER")), fcgi_role);
	CHECK_TEXT(refusal(PARAMS(GET_PARAMS, "AUTH_ROLE=authorizer")), auth_role);
	CHECK_TEXT(refusal(PARAMS(GET_PARAMS, "AUTH_ROLE=AUTHORISER")), auth_role);
	CHECK_TEXT(refusal(PARAMS(GET_PARAMS, "AUTH_ROLE=")), auth_role);
	CHECK_INT(typed(PARAMS(GET_PARAMS, "AUTH_ROLE=RESPONDER")).role, REQUEST_RESPONDER);
}

static void caddy_says_what_the_check_is_about_in_parameters(void)
{
	struct request request = typed(PARAMS(CADDY, GET_PARAMS, "AUTH_METHOD=DELETE"));
	CHECK_INT(request.role, REQUEST_AUTHORIZER);
	CHECK_INT(request.front, REQUEST_FRONT_FULL);
	CHECK_TEXT(request.method_text, "DELETE");
	CHECK_TEXT(request.uri, "/private/?a=b");
	request = typed(PARAMS(CADDY, "REQUEST_METHOD=GET", "REQUEST_URI=/_authz",
		"AUTH_METHOD=HEAD", "AUTH_URI=/admin/"));
	CHECK_INT(request.method, REQUEST_HEAD);
	CHECK_TEXT(request.uri, "/admin/");
	CHECK_TEXT(refusal(PARAMS(CADDY, GET_PARAMS, "HTTP_X_FORWARDED_METHOD=GET")),
		"Caddy must send env AUTH_METHOD {http.request.orig_method}");
	CHECK_TEXT(refusal(PARAMS(CADDY, GET_PARAMS, "AUTH_METHOD=")), "no request method");
}

static void a_clients_headers_never_change_what_the_check_is_about(void)
{
	static const char *const fronts[][4] = { { "FCGI_ROLE=AUTHORIZER" },
		{ "FCGI_ROLE=RESPONDER", "AUTH_ROLE=AUTHORIZER" }, { CADDY, "AUTH_METHOD=GET" } };
	for (size_t i = 0; i < COUNT(fronts); i++) {
		const char *params[20] = { GET_PARAMS, "HTTP_X_FORWARDED_METHOD=OPTIONS",
			"HTTP_X_FORWARDED_URI=/public/", "HTTP_X_FORWARDED_FOR=6.6.6.6",
			"HTTP_X_FORWARDED_PROTO=https", "HTTP_X_ORIGINAL_URI=/public/",
			"HTTP_X_ORIGINAL_URL=/public/", "HTTP_X_REWRITE_URL=/public/",
			"HTTP_X_HTTP_METHOD_OVERRIDE=OPTIONS",
			"HTTP_FORWARDED=for=6.6.6.6;proto=https", "HTTP_REMOTE_ADDR=6.6.6.6",
			"HTTP_HTTPS=on", "REMOTE_ADDR=192.0.2.1" };
		for (size_t k = 0; k < 4; k++)
			params[14 + k] = fronts[i][k];
		struct request request = typed(params);
		CHECK_INT(request.role, REQUEST_AUTHORIZER);
		CHECK_TEXT(request.method_text, "GET");
		CHECK_TEXT(request.uri, "/private/?a=b");
		CHECK_TEXT(request.address, "192.0.2.1");
		CHECK(!request.https);
	}
}

static void two_different_values_of_what_matters_are_refused(void)
{
	static const char *const names[] = { "REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME",
		"PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH", "CONTENT_TYPE", "AUTH_ROLE",
		"AUTH_METHOD", "AUTH_URI", "FCGI_APACHE_ROLE", "SERVER_SOFTWARE", "HTTP_HOST",
		"HTTP_ORIGIN", "REMOTE_ADDR", "HTTP_AUTHORIZATION" };
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *a = arena_printf(arena, "%s=RESPONDER", names[i]);
		const char *b = arena_printf(arena, "%s=", names[i]);
		const char *sentence = arena_printf(arena, "two different values of %s", names[i]);
		CHECK_TEXT(refusal(PARAMS(a, "REQUEST_METHOD=RESPONDER", b)), sentence);
		CHECK_TEXT(refusal(PARAMS(b, a, "REQUEST_METHOD=RESPONDER")), sentence);
		CHECK(strncmp(refusal(PARAMS(a, "REQUEST_METHOD=RESPONDER", a)), "two", 3) != 0);
	}
	typed(PARAMS(GET_PARAMS, "HTTP_COOKIE=a=b", "HTTP_COOKIE=c=d",
		"REMOTE_USER=", "REMOTE_USER=x", "HTTPS=", "HTTPS=on", "REQUEST_SCHEME=http",
		"REQUEST_SCHEME=https", "HTTP_USER_AGENT=a", "HTTP_USER_AGENT=b",
		"REMOTE_PASSWD=", "REMOTE_PASSWD=a"));
}

static void the_first_value_of_a_parameter_is_given(void)
{
	struct request request = typed(PARAMS(GET_PARAMS, "HTTP_ACCEPT=1", "HTTP_ACCEPT=2",
		"HTTP_ACCEPT_LANGUAGE=3", "HTTP_COOKIE", "=4", "HTTP_REFERER=", "HTTPS_=5"));
	CHECK_TEXT(request_param(&request, PARAM_ACCEPT), "1");
	CHECK_TEXT(request_param(&request, PARAM_ACCEPT_LANGUAGE), "3");
	CHECK_TEXT(request_param(&request, PARAM_REFERER), "");
	CHECK_TEXT(request_param(&request, PARAM_HTTPS), NULL);
	CHECK_TEXT(request_param(&request, PARAM_COOKIE), NULL);
}

static void all_values_of_a_parameter_are_given_in_their_order(void)
{
	struct request request = typed(PARAMS("HTTP_COOKIE_=0", GET_PARAMS, "HTTP_COOKIE",
		"HTTP_COOKIE=1", "HTTP_ACCEPT=2", "HTTP_COOKIEX=3", "HTTP_COOKIE=", "HTTP_COOKIE=4",
		"HTTP_HOST=5"));
	size_t at = 0;
	CHECK_TEXT(request_next_param(&request, PARAM_COOKIE, &at), "1");
	CHECK_TEXT(request_next_param(&request, PARAM_COOKIE, &at), "");
	CHECK_TEXT(request_next_param(&request, PARAM_COOKIE, &at), "4");
	CHECK_TEXT(request_next_param(&request, PARAM_COOKIE, &at), NULL);
	CHECK_TEXT(request_next_param(&request, PARAM_COOKIE, &at), NULL);
	at = 0;
	CHECK_TEXT(request_next_param(&request, PARAM_FORWARDED_FOR, &at), NULL);
}

static void control_bytes_in_the_target_are_refused(void)
{
	static const char *const bad[] = { "REQUEST_URI=/a\n", "REQUEST_URI=/a b",
		"REQUEST_URI=/\t", "REQUEST_URI=/\x7f", "SCRIPT_NAME=/a\r", "PATH_INFO=/a\nb",
		"PATH_INFO=/\x01", "PATH_INFO=/\x7f", "QUERY_STRING=a\nb", "QUERY_STRING=a b" };
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_TEXT(refusal(PARAMS("REQUEST_METHOD=GET", bad[i])),
			"control bytes in the request target");
	CHECK_TEXT(
		typed(PARAMS("REQUEST_METHOD=GET", "PATH_INFO=/a b\xc3\xbc")).path, "/a b\xc3\xbc");
	CHECK_TEXT(typed(PARAMS("REQUEST_METHOD=GET", "REQUEST_URI=/\xff")).uri, "/\xff");
}

static void too_many_parameters_are_refused(void)
{
	const char **params = arena_alloc(arena, (REQUEST_PARAMS_MAX + 2) * sizeof(*params));
	for (size_t i = 0; i < REQUEST_PARAMS_MAX; i++)
		params[i] = "HTTP_A=b";
	params[0] = "REQUEST_METHOD=GET";
	typed(params);
	params[REQUEST_PARAMS_MAX] = "HTTP_A=b";
	CHECK_TEXT(refusal(params), "too many parameters");
}

static void parameters_that_are_too_long_together_are_refused(void)
{
	char *param = arena_alloc(arena, REQUEST_PARAMS_MAX_BYTES + 2);
	size_t left = REQUEST_PARAMS_MAX_BYTES - strlen("REQUEST_METHOD=GET");
	memset(param, 'x', left);
	typed(PARAMS("REQUEST_METHOD=GET", param));
	param[left] = 'x';
	CHECK_TEXT(refusal(PARAMS("REQUEST_METHOD=GET", param)), "too many parameters");
}

static void https_is_known_by_either_parameter(void)
{
	CHECK(typed(PARAMS(GET_PARAMS, "REQUEST_SCHEME=https")).https);
	CHECK(typed(PARAMS(GET_PARAMS, "HTTPS=on", "REQUEST_SCHEME=http")).https);
	CHECK(!typed(PARAMS(GET_PARAMS, "HTTPS=off", "REQUEST_SCHEME=http")).https);
	CHECK(!typed(PARAMS(GET_PARAMS, "HTTPS=")).https);
	CHECK(!typed(PARAMS(GET_PARAMS, "HTTP_X_FORWARDED_PROTO=https")).https);
}

static const char *address_behind(const char *trusted, const char *const *params)
{
	struct request request = { 0 };
	CHECK(request_init(&request, arena, params, trusted, &why));
	return request.address;
}

static void only_a_trusted_proxy_says_who_the_browser_is(void)
{
	const char *const *params = PARAMS(
		GET_PARAMS, "REMOTE_ADDR=192.0.2.1", "HTTP_X_FORWARDED_FOR=6.6.6.6, 198.51.100.7");
	CHECK_TEXT(address_behind("", params), "192.0.2.1");
	CHECK_TEXT(address_behind("192.0.2.2", params), "192.0.2.1");
	CHECK_TEXT(address_behind("192.0.2.0/24", params), "198.51.100.7");
	CHECK_TEXT(address_behind("192.0.2.0/24", PARAMS(GET_PARAMS, "REMOTE_ADDR=192.0.2.1",
							  "HTTP_X_FORWARDED_FOR=192.0.2.9")),
		"192.0.2.9");
}

static void the_last_of_several_forwarded_lines_is_the_nearest(void)
{
	CHECK_TEXT(address_behind("192.0.2.1", PARAMS(GET_PARAMS, "REMOTE_ADDR=192.0.2.1",
						       "HTTP_X_FORWARDED_FOR=6.6.6.6",
						       "HTTP_X_FORWARDED_FOR=198.51.100.7")),
		"198.51.100.7");
	char *many = arena_alloc(arena, 8000);
	memset(many, ',', 7999);
	memcpy(many, "HTTP_X_FORWARDED_FOR=", strlen("HTTP_X_FORWARDED_FOR="));
	CHECK_TEXT(address_behind("192.0.2.1", PARAMS(GET_PARAMS, "REMOTE_ADDR=192.0.2.1", many,
						       "HTTP_X_FORWARDED_FOR=198.51.100.7")),
		"192.0.2.1");
}

/* A body of which at most `step` bytes come at a time. */
struct source {
	const char *bytes;
	size_t left, step;
	int reads;
};

static size_t source_read(void *context, char *into, size_t len)
{
	struct source *source = context;
	size_t take = len < source->step ? len : source->step;
	take = take < source->left ? take : source->left;
	memcpy(into, source->bytes, take);
	source->bytes += take;
	source->left -= take;
	source->reads++;
	return take;
}

static struct request posted(const char *length_param, struct source *source)
{
	const char **params = arena_alloc(arena, 3 * sizeof(*params));
	params[0] = "REQUEST_METHOD=POST";
	params[1] = length_param;
	struct request request = typed(params);
	request.read = source_read;
	request.read_context = source;
	return request;
}

static enum request_body_result body_result(const char *length_param, const char *body)
{
	struct source source = { body, strlen(body), 100, 0 };
	struct request request = posted(length_param, &source);
	enum request_body_result result = request_read_body(&request);
	CHECK((result == REQUEST_BODY_OK) == (request.body != NULL));
	return result;
}

static void a_body_of_the_announced_length_is_read(void)
{
	struct source source = { "user=a&b", 8, 3, 0 };
	struct request request = posted("CONTENT_LENGTH=8", &source);
	CHECK_INT(request_read_body(&request), REQUEST_BODY_OK);
	CHECK_INT(request.body_len, 8);
	CHECK_TEXT(request.body, "user=a&b");
	int reads = source.reads;
	CHECK_INT(request_read_body(&request), REQUEST_BODY_OK);
	CHECK_INT(source.reads, reads);
	CHECK_INT(body_result("CONTENT_LENGTH=0", ""), REQUEST_BODY_OK);
}

static void a_body_shorter_or_longer_than_announced_is_refused(void)
{
	CHECK_INT(body_result("CONTENT_LENGTH=8", "user=a&"), REQUEST_BODY_BAD);
	CHECK_INT(body_result("CONTENT_LENGTH=8", ""), REQUEST_BODY_BAD);
	CHECK_INT(body_result("CONTENT_LENGTH=8", "user=a&bc"), REQUEST_BODY_BAD);
	CHECK_INT(body_result("CONTENT_LENGTH=0", "x"), REQUEST_BODY_BAD);
}

static void a_length_that_is_no_number_is_refused(void)
{
	static const char *const bad[] = { "X=1", "CONTENT_LENGTH=", "CONTENT_LENGTH=-1",
		"CONTENT_LENGTH=+1", "CONTENT_LENGTH= 1", "CONTENT_LENGTH=1 ", "CONTENT_LENGTH=0x1",
		"CONTENT_LENGTH=01", "CONTENT_LENGTH=1,1", "CONTENT_LENGTH=1.0",
		"CONTENT_LENGTH=1e0", "CONTENT_LENGTH=9223372036854775808",
		"CONTENT_LENGTH=18446744073709551617", "CONTENT_LENGTH=99999999999999999999999" };
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_INT(body_result(bad[i], "x"), REQUEST_BODY_BAD);
}

static void the_longest_body_is_read_and_one_byte_more_is_too_large(void)
{
	char *body = arena_alloc(arena, REQUEST_BODY_MAX_BYTES + 2);
	memset(body, 'x', REQUEST_BODY_MAX_BYTES);
	const char *length = arena_printf(arena, "CONTENT_LENGTH=%d", REQUEST_BODY_MAX_BYTES);
	CHECK_INT(body_result(length, body), REQUEST_BODY_OK);
	body[REQUEST_BODY_MAX_BYTES] = 'x';
	CHECK_INT(body_result(length, body), REQUEST_BODY_BAD);
	length = arena_printf(arena, "CONTENT_LENGTH=%d", REQUEST_BODY_MAX_BYTES + 1);
	CHECK_INT(body_result(length, body), REQUEST_BODY_TOO_LARGE);
	CHECK_INT(body_result("CONTENT_LENGTH=9223372036854775807", body), REQUEST_BODY_TOO_LARGE);
}

static void an_authorizers_body_is_never_read(void)
{
	struct source source = { "x", 1, 1, 0 };
	struct request request =
		typed(PARAMS("FCGI_ROLE=AUTHORIZER", GET_PARAMS, "CONTENT_LENGTH=1"));
	request.read = source_read;
	request.read_context = &source;
	CHECK_INT(request_read_body(&request), REQUEST_BODY_BAD);
	CHECK_INT(source.reads, 0);
}

static void scripts_and_page_loads_are_told_apart(void)
{
	static const struct {
		const char *params[3];
		bool script, navigation;
	} cases[] = {
		{ { "HTTP_SEC_FETCH_MODE=navigate", "HTTP_SEC_FETCH_DEST=document" }, false, true },
		{ { "HTTP_SEC_FETCH_MODE=navigate" }, false, true },
		{ { "HTTP_SEC_FETCH_MODE=navigate", "HTTP_SEC_FETCH_DEST=iframe" }, false, false },
		{ { "HTTP_SEC_FETCH_MODE=navigate", "HTTP_ACCEPT=application/json" }, false, true },
		{ { "HTTP_SEC_FETCH_MODE=cors", "HTTP_ACCEPT=text/html" }, true, false },
		{ { "HTTP_SEC_FETCH_MODE=no-cors", "HTTP_SEC_FETCH_DEST=image" }, true, false },
		{ { "HTTP_SEC_FETCH_MODE=same-origin" }, true, false },
		{ { "HTTP_SEC_FETCH_MODE=websocket" }, true, false },
		{ { "HTTP_SEC_FETCH_MODE=", "HTTP_X_REQUESTED_WITH=XMLHttpRequest" }, true, false },
		{ { "HTTP_X_REQUESTED_WITH=fetch", "HTTP_ACCEPT=text/html" }, true, false },
		{ { "HTTP_X_REQUESTED_WITH=", "HTTP_ACCEPT=text/html" }, false, true },
		{ { "HTTP_ACCEPT=application/json" }, true, false },
		{ { "HTTP_ACCEPT=text/html,application/xhtml+xml,*/*;q=0.8" }, false, true },
		{ { "HTTP_ACCEPT=*/*" }, false, true },
		{ { "X=1" }, false, true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *params[6] = { GET_PARAMS, cases[i].params[0], cases[i].params[1] };
		struct request request = typed(params);
		if (request_is_script(&request) != cases[i].script ||
			request_is_navigation(&request) != cases[i].navigation)
			CHECK_TEXT(cases[i].params[0], "told apart");
	}
}

static enum request_origin origin_of(
	const char *method, const char *first, const char *second, const char *base_url)
{
	const char *params[6] = { arena_printf(arena, "REQUEST_METHOD=%s", method),
		"HTTP_HOST=auth.test:8443", "REQUEST_SCHEME=https", first, second };
	struct request request = typed(params);
	return request_origin(&request, base_url);
}

static void a_form_of_our_own_is_known_by_fetch_metadata(void)
{
	static const char base[] = "https://auth.test";
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=same-origin", NULL, base),
		REQUEST_ORIGIN_SAME);
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=same-site", NULL, base),
		REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=cross-site", NULL, base),
		REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=something", NULL, base),
		REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=cross-site",
			  "HTTP_ORIGIN=https://auth.test", base),
		REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("GET", "HTTP_SEC_FETCH_SITE=none", NULL, base), REQUEST_ORIGIN_SAME);
	CHECK_INT(origin_of("HEAD", "HTTP_SEC_FETCH_SITE=none", NULL, base), REQUEST_ORIGIN_SAME);
	CHECK_INT(
		origin_of("POST", "HTTP_SEC_FETCH_SITE=none", NULL, base), REQUEST_ORIGIN_UNKNOWN);
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=none", "HTTP_ORIGIN=https://evil.example",
			  base),
		REQUEST_ORIGIN_FOREIGN);
}

static void without_fetch_metadata_the_origin_decides(void)
{
	static const char base[] = "https://auth.test/";
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=https://auth.test", NULL, base),
		REQUEST_ORIGIN_SAME);
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=https://auth.test:443", NULL, base),
		REQUEST_ORIGIN_SAME);
	CHECK_INT(origin_of("POST", "HTTP_SEC_FETCH_SITE=", "HTTP_ORIGIN=https://auth.test", base),
		REQUEST_ORIGIN_SAME);
	static const char *const foreign[] = { "HTTP_ORIGIN=null",
		"HTTP_ORIGIN=https://evil.example", "HTTP_ORIGIN=https://auth.test.evil",
		"HTTP_ORIGIN=http://auth.test", "HTTP_ORIGIN=https://auth.test:8443",
		"HTTP_ORIGIN=https://sub.auth.test" };
	for (size_t i = 0; i < COUNT(foreign); i++)
		CHECK_INT(origin_of("POST", foreign[i], NULL, base), REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=", NULL, base), REQUEST_ORIGIN_UNKNOWN);
	CHECK_INT(origin_of("POST", "HTTP_REFERER=https://auth.test/", NULL, base),
		REQUEST_ORIGIN_UNKNOWN);
}

static void without_a_base_url_the_host_is_compared(void)
{
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=https://auth.test:8443", NULL, ""),
		REQUEST_ORIGIN_SAME);
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=https://auth.test", NULL, ""),
		REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=http://auth.test:8443", NULL, ""),
		REQUEST_ORIGIN_FOREIGN);
	CHECK_INT(origin_of("POST", "HTTP_ORIGIN=null", NULL, ""), REQUEST_ORIGIN_FOREIGN);
}

int main(void)
{
	arena = arena_new(16 << 20);
	RUN(a_responder_request_is_typed);
	RUN(what_is_not_sent_is_empty_and_never_null);
	RUN(the_callers_deadline_and_body_reader_stay);
	RUN(methods_are_told_apart_by_their_exact_spelling);
	RUN(each_front_of_an_authorizer_is_told_apart);
	RUN(libfcgis_own_role_comes_first_and_counts);
	RUN(a_client_cannot_ask_for_a_role);
	RUN(a_role_that_cannot_be_served_is_refused);
	RUN(caddy_says_what_the_check_is_about_in_parameters);
	RUN(a_clients_headers_never_change_what_the_check_is_about);
	RUN(two_different_values_of_what_matters_are_refused);
	RUN(the_first_value_of_a_parameter_is_given);
	RUN(all_values_of_a_parameter_are_given_in_their_order);
	RUN(control_bytes_in_the_target_are_refused);
	RUN(too_many_parameters_are_refused);
	RUN(parameters_that_are_too_long_together_are_refused);
	RUN(https_is_known_by_either_parameter);
	RUN(only_a_trusted_proxy_says_who_the_browser_is);
	RUN(the_last_of_several_forwarded_lines_is_the_nearest);
	RUN(a_body_of_the_announced_length_is_read);
	RUN(a_body_shorter_or_longer_than_announced_is_refused);
	RUN(a_length_that_is_no_number_is_refused);
	RUN(the_longest_body_is_read_and_one_byte_more_is_too_large);
	RUN(an_authorizers_body_is_never_read);
	RUN(scripts_and_page_loads_are_told_apart);
	RUN(a_form_of_our_own_is_known_by_fetch_metadata);
	RUN(without_fetch_metadata_the_origin_decides);
	RUN(without_a_base_url_the_host_is_compared);
	arena_free(arena);
	return check_result();
}
