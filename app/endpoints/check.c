#include "endpoints/check.h"

#include <string.h>

#include "auth/access.h"
#include "auth/audit.h"
#include "auth/facts.h"
#include "base/arena.h"
#include "endpoints/arrival.h"
#include "endpoints/exchange.h"
#include "endpoints/metrics.h"
#include "endpoints/refusal.h"
#include "http/gateway.h"

/* "Variable-" headers and nothing else: what becomes of others differs per server. */
static void check_allow(struct exchange *x, const struct access *access)
{
	struct response *response = x->response;

	response_status(response, 200);
	if (access->anonymous) {
		/* Says that nobody is meant, where nothing at all could be a lost answer. */
		response_variable(response, "AUTH_ANONYMOUS", "1");
		return;
	}
	response_variable(response, "AUTH_USER", access->user.name);
	response_variable(response, "REMOTE_USER", access->user.name);
	response_variable(response, "AUTH_ROLES", access->user.roles);
	response_variable(response, "AUTH_SESSION", access->token.sid);
	response_variable(response, "AUTH_TIME", arena_int(x->arena, access->token.auth_time));
	if (access->degraded)
		response_variable(response, "AUTH_DEGRADED", "1");
	if (arrival_is_repeat(x))
		response_variable(response, "AUTH_NAVIGATION", "cross-site");
	for (size_t i = 0; i < access->extra_count; i++)
		response_variable(response, access->extra[i].name, access->extra[i].value);
}

static void check_audit(struct exchange *x, const char *event, const struct access *access)
{
	const char *uid = access->token.sub.text, *session = access->token.sid;
	/* Without the query: it is the application's, and may hold what no log should. */
	const char *uri = x->request.uri ? x->request.uri : "";
	struct audit audit = { .event = event,
		.reason = access->reason,
		.user = access->user.name,
		.uid = *uid ? uid : NULL,
		.session = *session ? session : NULL,
		.path = arena_strndup(x->arena, uri, strcspn(uri, "?#")) };

	audit_log(&x->caller, &audit);
}

/* Apache's mod_authnz_fcgi runs the error document only for a refusal without a body; mod_fcgid
 * makes every refusal a 401; nginx knows 401 and 403. The responder says the rest. */
static void check_bare(struct exchange *x, int status)
{
	response_status(x->response, status);
	response_header(x->response, "Cache-Control", "no-store");
}

static void check_refuse(struct exchange *x, const struct access *access)
{
	check_audit(x, "access.refused", access);
	if (x->request.front == REQUEST_FRONT_FULL)
		refusal_unauthenticated(x, access);
	else
		check_bare(x, 401);
}

static void check_deny(struct exchange *x, const struct access *access)
{
	check_audit(x, "access.denied", access);
	if (x->request.front == REQUEST_FRONT_FULL)
		refusal_denied(x, access);
	else
		check_bare(x, 403);
}

static void check_fault(struct exchange *x, const struct access *access)
{
	check_audit(x, "access.fault", access);
	/* mod_fcgid keeps the headers of a refusal beside those of its error document. */
	if (x->request.front == REQUEST_FRONT_FCGID)
		check_bare(x, 503);
	else
		exchange_unavailable(x);
}

static void check_request(struct exchange *x, struct access_request *out)
{
	exchange_token(x, out);
	out->uri = x->request.uri;
}

void check_ask_ahead(struct exchange *const x[], size_t count)
{
	struct facts_question questions[GATEWAY_TOGETHER_MAX];
	struct access_request request;
	size_t asked = 0;

	for (size_t i = 0; i < count; i++) {
		check_request(x[i], &request);
		questions[asked].caller = &x[i]->caller;
		if (access_will_ask(x[i]->auth, &x[i]->caller, &request, &questions[asked].token))
			asked++;
	}
	if (asked > 1)
		facts_ask_ahead(x[0]->auth, questions, asked);
}

bool check_answer(struct exchange *x)
{
	struct access_request request;
	struct access access;

	check_request(x, &request);
	enum access_result result = access_decide(x->auth, &x->caller, &request, &access);
	if (result == ACCESS_FAULT && x->caller.patience != CALLER_WAITS)
		return false;
	metrics_count_check(result, &access);
	switch (result) {
	case ACCESS_ALLOWED:
		if (access.tell_degraded)
			check_audit(x, "access.degraded", &access);
		check_allow(x, &access);
		return true;
	case ACCESS_UNAUTHENTICATED:
		check_refuse(x, &access);
		return true;
	case ACCESS_DENIED:
		check_deny(x, &access);
		return true;
	case ACCESS_FAULT:
		check_fault(x, &access);
		return true;
	}
	return true;
}
