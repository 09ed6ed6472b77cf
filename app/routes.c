#include "routes.h"

#include <string.h>

#include "base/log.h"
#include "base/settings.h"
#include "endpoints/check.h"
#include "endpoints/exchange.h"
#include "endpoints/login.h"
#include "endpoints/logout.h"
#include "endpoints/metrics.h"
#include "endpoints/popup.h"
#include "endpoints/refresh.h"
#include "endpoints/refusal.h"
#include "endpoints/sessions.h"
#include "endpoints/site.h"
#include "endpoints/status.h"
#include "http/gateway.h"
#include "store/store.h"

/* NULL: the method is not allowed there. HEAD is answered as GET (the web server drops the body),
 * except where GET changes something. */
struct route {
	const char *path; /* below the prefix */
	endpoint *get, *post;
	bool head;
	bool any_method; /* an error document: the method is the original request's */
};

static const struct route routes[] = {
	{ "/login", login_show, login_submit, true, false },
	{ "/refresh", refresh_navigate, refresh_post, false, false },
	{ "/logout", logout_show, logout_submit, true, false },
	{ "/sessions", sessions_show, sessions_submit, true, false },
	{ "/session", status_session, NULL, true, false },
	{ "/signed-in", popup_signed_in, NULL, true, false },
	{ "/unauthenticated", refusal_page_unauthenticated, NULL, true, true },
	{ "/denied", refusal_page_denied, NULL, true, true },
	{ "/jwks.json", status_jwks, NULL, true, false },
	{ "/metrics", metrics_show, NULL, true, false },
	{ "/health/live", status_live, NULL, true, false },
	{ "/health/ready", status_ready, NULL, true, false },
};

static const struct route *routes_find(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(path, prefix, len) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (strcmp(path + len, routes[i].path) == 0)
			return &routes[i];
	return NULL;
}

static endpoint *routes_endpoint(const struct route *route, enum request_method method)
{
	if (route->any_method)
		return route->get;
	switch (method) {
	case REQUEST_GET:
		return route->get;
	case REQUEST_HEAD:
		return route->head ? route->get : NULL;
	case REQUEST_POST:
		return route->post;
	case REQUEST_OTHER:
		return NULL;
	}
	return NULL;
}

static void routes_respond(struct exchange *x)
{
	const struct route *route = routes_find(x->request.path, x->settings->server.prefix);

	if (!route) {
		exchange_error(x, 404, "not_found", "error_not_found");
		return;
	}
	endpoint *answer = routes_endpoint(route, x->request.method);
	if (answer) {
		answer(x);
		return;
	}
	exchange_error(x, 405, "method_not_allowed", "error_method");
	response_header(x->response, "Allow",
		!route->post  ? "GET, HEAD"
		: route->head ? "GET, HEAD, POST"
			      : "GET, POST");
}

/* A check on the pages' socket, or a page on the check's socket: a set-up mistake that must not
 * pass as an answer, since any 2xx would mean "let it in". */
static bool routes_role_fits(const struct gateway_call *call, const struct request *request)
{
	if (call->takes == GATEWAY_BOTH ||
		(call->takes == GATEWAY_AUTHORIZER) == (request->role == REQUEST_AUTHORIZER))
		return true;
	log_error("%s",
		call->takes == GATEWAY_AUTHORIZER
			? "a page was asked for on listen_authorizer: on nginx and Caddy the check "
			  "needs the parameter AUTH_ROLE AUTHORIZER"
			: "a check was asked for on listen_responder: it belongs on listen_authorizer");
	return false;
}

/* False: to be done again where it may wait. */
static bool routes_answer(const struct gateway_call *call, struct exchange *x)
{
	if (!routes_role_fits(call, &x->request))
		return true; /* the prepared 503 */
	if (x->request.role == REQUEST_RESPONDER) {
		if (call->patience == GATEWAY_WAITS)
			routes_respond(x);
		return call->patience == GATEWAY_WAITS;
	}
	return check_answer(x);
}

/* False when the request cannot be understood; then that is answered. */
static bool routes_begin(struct site *site, const struct gateway_call *call,
	struct response *response, struct exchange *x)
{
	const char *why = NULL;

	*x = (struct exchange){ .site = site,
		.auth = &site->auth,
		.settings = site->settings,
		.response = response,
		.arena = call->arena };
	if (!request_init(&x->request, call->arena, call->params,
		    site->settings->server.trusted_proxies, &why)) {
		log_warn("a request was not answered: %s", why);
		response_status(response, 400);
		response_header(response, "Cache-Control", "no-store");
		return false;
	}
	x->request.deadline = call->deadline;
	x->request.read = call->read;
	x->request.read_context = call->read_context;
	x->caller = (struct caller){ .arena = call->arena,
		.deadline = call->deadline,
		.address = x->request.address,
		.agent = x->request.agent };
	if (x->request.role == REQUEST_RESPONDER)
		return true;
	/* A check waits for the store this long in all, not per reply. */
	switch (call->patience) {
	case GATEWAY_MEMORY_ONLY:
		x->caller.patience = CALLER_MEMORY_ONLY;
		break;
	case GATEWAY_BRIEFLY:
		x->caller.patience = CALLER_HURRIED;
		x->caller.deadline = store_brief_deadline(site->auth.store, call->deadline);
		break;
	case GATEWAY_WAITS:
		x->caller.deadline = store_deadline(site->auth.store, call->deadline);
		break;
	}
	return true;
}

bool routes_handle(const struct gateway_call *call, struct response *response, void *context)
{
	struct site *site = site_enter();
	struct exchange x;

	(void)context;
	if (call->patience == GATEWAY_MEMORY_ONLY)
		clock_stand_still();
	bool answered = !routes_begin(site, call, response, &x) || routes_answer(call, &x);
	clock_go_on();
	site_leave(site);
	return answered;
}

void routes_handle_many(const struct gateway_call *const calls[],
	struct response *const responses[], bool answered[], size_t count, void *context)
{
	struct site *site = site_enter();
	struct exchange x[GATEWAY_TOGETHER_MAX], *checks[GATEWAY_TOGETHER_MAX];
	bool begun[GATEWAY_TOGETHER_MAX];
	size_t check_count = 0;

	(void)context;
	for (size_t i = 0; i < count; i++) {
		begun[i] = routes_begin(site, calls[i], responses[i], &x[i]);
		if (begun[i] && x[i].request.role == REQUEST_AUTHORIZER)
			checks[check_count++] = &x[i];
	}
	check_ask_ahead(checks, check_count);
	for (size_t i = 0; i < count; i++)
		answered[i] = !begun[i] || routes_answer(calls[i], &x[i]);
	site_leave(site);
}

size_t routes_together(void)
{
	struct site *site = site_enter();
	/* Of a Cluster's servers one that hangs would keep those waiting whose sessions are on
	 * others. */
	size_t most = store_is_one_server(site->auth.store) ? GATEWAY_TOGETHER_MAX : 1;

	site_leave(site);
	return most;
}

size_t routes_at_once(void)
{
	struct site *site = site_enter();
	/* One that is quick is one server. */
	size_t most = store_is_quick(site->auth.store) ? GATEWAY_TOGETHER_MAX : 0;

	site_leave(site);
	return most;
}
