/* A request as the endpoints see it: typed once at the door, from FastCGI parameters or the CGI
 * environment. All text is the request's arena's or the gateway's, until the answer is sent. */
#ifndef DOORWARD_HTTP_REQUEST_H
#define DOORWARD_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/param.h"

struct arena;

enum request_role { REQUEST_RESPONDER, REQUEST_AUTHORIZER };

/* Who asks decides which refusals it can pass on (docs/webservers.md). */
enum request_front {
	REQUEST_FRONT_FULL, /* lighttpd, Caddy; every responder: any status, headers and body */
	REQUEST_FRONT_AUTHNZ_FCGI, /* Apache mod_authnz_fcgi: any status; 401/403 want no body */
	REQUEST_FRONT_FCGID, /* Apache mod_fcgid: every refusal becomes 401 */
	REQUEST_FRONT_NGINX, /* auth_request: 2xx, 401, 403; anything else becomes 500 */
};

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_OTHER };

enum {
	REQUEST_BODY_MAX_BYTES = 16 * 1024,
	REQUEST_PARAMS_MAX_BYTES = 128 * 1024,
	REQUEST_PARAMS_MAX = 1000
};

struct request {
	struct arena *arena;
	struct deadline deadline;
	const char *const *params; /* "NAME=value", NULL at the end */
	const struct request_values *values; /* what request_param finds without looking */
	enum request_role role;
	enum request_front front;
	enum request_method method;
	const char *method_text;
	const char *path; /* SCRIPT_NAME + PATH_INFO; "" for an authorizer without them */
	const char *query; /* "" when none */
	const char *uri; /* REQUEST_URI, raw: for the return address and, normalised, for rules */
	const char *address; /* of the browser: REMOTE_ADDR, or by trusted proxies */
	const char *agent;
	bool https;
	/* The body, read only by request_read_body. */
	const char *body;
	size_t body_len;
	size_t (*read)(void *context, char *into, size_t len); /* of the gateway; 0 at the end */
	void *read_context;
};

/* Types the parameters: all fields but deadline, read and read_context, which the caller sets. With
 * AUTH_ROLE=AUTHORIZER, the parameters AUTH_METHOD and AUTH_URI (both optional, the first required
 * from Caddy) stand for the original request's REQUEST_METHOD and REQUEST_URI. False (with a
 * sentence in *why) when they must not be answered: two different values of a parameter that
 * matters, too many, no method, a role that cannot be served. trusted_proxies: comma list of
 * addresses or CIDR networks whose X-Forwarded-For is believed; "" for none. */
bool request_init(struct request *request, struct arena *arena, const char *const *params,
	const char *trusted_proxies, const char **why);

/* First value of a parameter; NULL when absent. */
const char *request_param(const struct request *request, enum param param);
/* The first value from *at on (0 at first), which is moved behind it; NULL at the end. For what may
 * come several times. */
const char *request_next_param(const struct request *request, enum param param, size_t *at);

enum request_body_result {
	REQUEST_BODY_OK,
	REQUEST_BODY_TOO_LARGE, /* 413 */
	REQUEST_BODY_BAD, /* 400: CONTENT_LENGTH missing, not a number, or not what came */
};
/* Reads exactly CONTENT_LENGTH bytes, once. Never called for an authorizer: Apache sends it no
 * body record, and a read would block until the server's time-out. */
enum request_body_result request_read_body(struct request *request);

/* A script (fetch, XMLHttpRequest) gets status and JSON, never a redirect: Sec-Fetch-Mode present
 * and not "navigate"; else X-Requested-With, or Accept preferring JSON. */
bool request_is_script(const struct request *request);
/* A top-level page load as far as can be told. */
bool request_is_navigation(const struct request *request);
/* Was this form sent by a page of our own origin? By Sec-Fetch-Site, else by Origin compared with
 * base_url (or, if that is "", with the Host header). */
enum request_origin { REQUEST_ORIGIN_SAME, REQUEST_ORIGIN_FOREIGN, REQUEST_ORIGIN_UNKNOWN };
enum request_origin request_origin(const struct request *request, const char *base_url);

#endif
