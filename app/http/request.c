#include "http/request.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "http/accept.h"
#include "http/address.h"
#include "http/origin.h"
#include "http/param.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { FORWARDED_MAX_BYTES = 4096 };

static_assert(REQUEST_PARAMS_MAX <= UINT16_MAX, "the places of parameters");

struct request_values {
	const char *of[PARAM_COUNT]; /* the first value of each, NULL when absent */
	uint16_t first[PARAM_COUNT], last[PARAM_COUNT]; /* where they stand */
};

static bool refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return false;
}

static bool is_text(const char *text, const char *expected)
{
	return text && strcmp(text, expected) == 0;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* The name that was sent twice with different values, or NULL. */
static const char *values_add(
	struct request_values *values, size_t at, enum param i, const char *value)
{
	values->last[i] = (uint16_t)at;
	if (!values->of[i]) {
		values->of[i] = value;
		values->first[i] = (uint16_t)at;
	} else if (param_is_once(i) && strcmp(values->of[i], value) != 0) {
		return param_name(i);
	}
	return NULL;
}

static bool values_collect(struct request_values *values, struct request *request, const char **why)
{
	const char *const *params = request->params;
	size_t bytes = 0;
	for (size_t i = 0; params[i]; i++) {
		size_t len = strlen(params[i]);
		const char *equals = memchr(params[i], '=', len);
		bytes += len;
		if (i >= REQUEST_PARAMS_MAX || bytes > REQUEST_PARAMS_MAX_BYTES)
			return refuse(why, "too many parameters");
		if (!equals)
			continue;
		enum param known = param_find(params[i], (size_t)(equals - params[i]));
		const char *twice =
			known < PARAM_COUNT ? values_add(values, i, known, equals + 1) : NULL;
		if (twice)
			return refuse(why,
				arena_printf(request->arena, "two different values of %s", twice));
	}
	return true;
}

static bool find_native_front(
	struct request *request, const struct request_values *values, const char **why)
{
	const char *apache = values->of[PARAM_APACHE_ROLE];
	request->role = REQUEST_AUTHORIZER;
	request->front = REQUEST_FRONT_FULL;
	if (!apache)
		return true;
	request->front = REQUEST_FRONT_FCGID;
	if (is_text(apache, "ACCESS_CHECKER"))
		return true;
	request->front = REQUEST_FRONT_AUTHNZ_FCGI;
	/* With a password it is FcgidAuthenticator: Basic authentication. */
	if (is_text(apache, "AUTHENTICATOR") && !values->of[PARAM_PASSWORD])
		return true;
	return refuse(why,
		"FcgidAuthorizer and FcgidAuthenticator cannot do cookies; use FcgidAccessChecker");
}

/* AUTH_ROLE=AUTHORIZER: a check in the clothes of a responder request. What it is about comes in
 * parameters without HTTP_, which no client can send. Headers like X-Forwarded-Uri are the
 * client's word (CVE-2026-40575), even where the server sets them: Caddy makes one parameter of
 * X-Forwarded-Uri and X_Forwarded_Uri, and either may win. */
static bool find_asked_front(
	struct request *request, const struct request_values *values, const char **why)
{
	bool caddy = strncmp(or_empty(values->of[PARAM_SOFTWARE]), "Caddy", 5) == 0;
	request->role = REQUEST_AUTHORIZER;
	request->front = caddy ? REQUEST_FRONT_FULL : REQUEST_FRONT_NGINX;
	/* Caddy's subrequest is a GET, and its REQUEST_METHOD cannot be set. */
	if (caddy && !values->of[PARAM_AUTH_METHOD])
		return refuse(why, "Caddy must send env AUTH_METHOD {http.request.orig_method}");
	if (values->of[PARAM_AUTH_METHOD])
		request->method_text = values->of[PARAM_AUTH_METHOD];
	if (values->of[PARAM_AUTH_URI])
		request->uri = values->of[PARAM_AUTH_URI];
	return true;
}

static bool find_role(
	struct request *request, const struct request_values *values, const char **why)
{
	const char *protocol = values->of[PARAM_FCGI_ROLE]; /* NULL: CGI */
	const char *asked = values->of[PARAM_AUTH_ROLE];
	if (is_text(protocol, "AUTHORIZER"))
		return find_native_front(request, values, why);
	if (protocol && !is_text(protocol, "RESPONDER"))
		return refuse(why, "the FastCGI role is neither RESPONDER nor AUTHORIZER");
	if (is_text(asked, "AUTHORIZER"))
		return find_asked_front(request, values, why);
	/* A misspelt role must not turn a check into a page with status 200. */
	if (asked && !is_text(asked, "RESPONDER"))
		return refuse(why, "AUTH_ROLE is neither AUTHORIZER nor RESPONDER");
	request->role = REQUEST_RESPONDER;
	request->front = REQUEST_FRONT_FULL;
	return true;
}

static bool method_type(struct request *request)
{
	/* tchar, RFC 9110 section 5.6.2 */
	static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *text = request->method_text;
	request->method = is_text(text, "GET")    ? REQUEST_GET
			  : is_text(text, "HEAD") ? REQUEST_HEAD
			  : is_text(text, "POST") ? REQUEST_POST
						  : REQUEST_OTHER;
	return request->method != REQUEST_OTHER ||
	       (text && *text && text[strspn(text, tchars)] == '\0');
}

/* first_allowed is 0x20 where a space may stand (a decoded path), 0x21 where not. */
static bool is_clean(const char *text, unsigned char first_allowed)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte == 0x7f || byte < first_allowed)
			return false;
	}
	return true;
}

static const char *find_address(
	const struct request *request, const char *remote, const char *trusted_proxies)
{
	struct buf forwarded;
	const char *value;
	size_t at = 0;
	if (*trusted_proxies == '\0')
		return address_canonical(request->arena, remote);
	/* nginx before 1.23 sends a parameter per header line; a proxy adds its line at the end. */
	buf_init(&forwarded, request->arena, FORWARDED_MAX_BYTES);
	while ((value = request_next_param(request, PARAM_FORWARDED_FOR, &at)) != NULL) {
		if (forwarded.len > 0)
			buf_add_char(&forwarded, ',');
		buf_add_text(&forwarded, value);
	}
	if (!buf_ok(&forwarded))
		buf_clear(&forwarded);
	return address_of_browser(request->arena, remote, forwarded.data, trusted_proxies);
}

bool request_init(struct request *request, struct arena *arena, const char *const *params,
	const char *trusted_proxies, const char **why)
{
	struct request_values *values = arena_alloc(arena, sizeof(*values));
	request->arena = arena;
	request->params = params;
	request->values = values;
	if (!values_collect(values, request, why))
		return false;
	request->method_text = values->of[PARAM_METHOD];
	request->uri = or_empty(values->of[PARAM_URI]);
	if (!find_role(request, values, why))
		return false;
	if (!method_type(request))
		return refuse(why, "no request method");
	request->path = arena_join(arena, or_empty(values->of[PARAM_SCRIPT_NAME]),
		or_empty(values->of[PARAM_PATH_INFO]), NULL);
	request->query = or_empty(values->of[PARAM_QUERY]);
	if (!is_clean(request->path, 0x20) || !is_clean(request->query, 0x21) ||
		!is_clean(request->uri, 0x21))
		return refuse(why, "control bytes in the request target");
	request->address =
		find_address(request, or_empty(values->of[PARAM_ADDRESS]), trusted_proxies);
	request->agent = or_empty(values->of[PARAM_AGENT]);
	request->https = strcasecmp(or_empty(values->of[PARAM_HTTPS]), "on") == 0 ||
			 strcasecmp(or_empty(values->of[PARAM_SCHEME]), "https") == 0;
	request->body = NULL;
	request->body_len = 0;
	return true;
}

const char *request_param(const struct request *request, enum param param)
{
	return request->values->of[param];
}

const char *request_next_param(const struct request *request, enum param param, size_t *at)
{
	const struct request_values *values = request->values;
	const char *name = param_name(param);
	size_t len = strlen(name), i = *at > values->first[param] ? *at : values->first[param];
	for (; values->of[param] && i <= values->last[param]; i++) {
		const char *text = request->params[i];
		if (strncmp(text, name, len) == 0 && text[len] == '=') {
			*at = i + 1;
			return text + len + 1;
		}
	}
	return NULL;
}

static size_t read_up_to(struct request *request, char *into, size_t wanted)
{
	size_t len = 0;
	while (len < wanted) {
		size_t got = request->read(request->read_context, into + len, wanted - len);
		if (got == 0)
			break;
		len += got;
	}
	return len;
}

enum request_body_result request_read_body(struct request *request)
{
	long long length = 0;
	char beyond;
	const char *text = request_param(request, PARAM_CONTENT_LENGTH);
	if (request->role == REQUEST_AUTHORIZER)
		return REQUEST_BODY_BAD;
	if (request->body)
		return REQUEST_BODY_OK;
	if (!text || !encode_parse_uint(text, 0, INT64_MAX, &length))
		return REQUEST_BODY_BAD;
	if (length > REQUEST_BODY_MAX_BYTES)
		return REQUEST_BODY_TOO_LARGE;
	size_t wanted = (size_t)length;
	char *body = arena_alloc(request->arena, wanted + 1);
	/* libfcgi hands over requests whose body was cut off: a part is never acted on. */
	if (read_up_to(request, body, wanted) != wanted || read_up_to(request, &beyond, 1) != 0)
		return REQUEST_BODY_BAD;
	request->body = body;
	request->body_len = wanted;
	return REQUEST_BODY_OK;
}

/* NULL when absent or empty. */
static const char *header(const struct request *request, enum param param)
{
	const char *value = request_param(request, param);
	return value && *value ? value : NULL;
}

bool request_is_script(const struct request *request)
{
	const char *mode = header(request, PARAM_FETCH_MODE);
	if (mode)
		return !is_text(mode, "navigate");
	if (header(request, PARAM_REQUESTED_WITH))
		return true;
	return accept_prefers_json(or_empty(header(request, PARAM_ACCEPT)));
}

bool request_is_navigation(const struct request *request)
{
	const char *dest = header(request, PARAM_FETCH_DEST);
	return !request_is_script(request) && (!dest || is_text(dest, "document"));
}

static enum request_origin origin_compare(const struct request *request, const char *base_url)
{
	const char *origin = header(request, PARAM_ORIGIN);
	if (!origin)
		return REQUEST_ORIGIN_UNKNOWN;
	if (*base_url == '\0')
		base_url = arena_printf(request->arena, "http%s://%s", request->https ? "s" : "",
			or_empty(header(request, PARAM_HOST)));
	return origin_is_same(origin, base_url) ? REQUEST_ORIGIN_SAME : REQUEST_ORIGIN_FOREIGN;
}

enum request_origin request_origin(const struct request *request, const char *base_url)
{
	const char *site = header(request, PARAM_FETCH_SITE);
	bool reads = request->method == REQUEST_GET || request->method == REQUEST_HEAD;
	if (is_text(site, "same-origin"))
		return REQUEST_ORIGIN_SAME;
	if (site && !is_text(site, "none"))
		return REQUEST_ORIGIN_FOREIGN;
	/* "none": the user's own doing (an address typed); says nothing about a form. */
	if (site && reads)
		return REQUEST_ORIGIN_SAME;
	return origin_compare(request, base_url);
}
