#include "endpoints/refusal.h"

#include "auth/access.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"
#include "endpoints/arrival.h"
#include "endpoints/exchange.h"
#include "http/url.h"

/* What the sign-in page may say about how the last session ended. */
static const char *refusal_notice(const struct access *access)
{
	if (access->elsewhere)
		return "elsewhere";
	return access->reason == REASON_SESSION_ENDED ? "ended" : NULL;
}

void refusal_unauthenticated(struct exchange *x, const struct access *access)
{
	const char *prefix = x->settings->server.prefix;
	const char *next = url_next(x->request.uri, prefix);
	const char *notice = refusal_notice(access);

	if (request_is_script(&x->request)) {
		exchange_json_error(x, 401, access->reason);
		return;
	}
	if (access->reason == REASON_NO_TOKEN && arrival_answer(x))
		return;
	if (reason_is_refreshable(access->reason)) {
		exchange_redirect(x, 302, url_with_next(x->arena, prefix, "refresh", next));
		return;
	}
	const char *target = url_with_next(x->arena, prefix, "login", next);
	if (notice)
		target = arena_printf(x->arena, "%s&notice=%s", target, notice);
	exchange_redirect(x, 302, target);
}

void refusal_denied(struct exchange *x, const struct access *access)
{
	const char *role = access->missing_role;

	if (request_is_script(&x->request)) {
		struct json *data = json_set(
			json_object(), "error", json_text(reason_code(REASON_ROLE_MISSING)));
		if (role)
			json_set(data, "role", json_text(role));
		exchange_json(x, 403, data);
		return;
	}
	struct json *data = exchange_page_data(x);
	json_set(data, "role", json_text(role ? role : ""));
	/* The authorizer's answer can set no cookie, and a form needs one: its page has none. */
	if (access->user.name && x->request.role == REQUEST_RESPONDER) {
		json_set(data, "signed_in", json_bool(true));
		json_set(data, "user", json_text(access->user.name));
		json_set(data, "csrf", json_text(exchange_csrf_field(x)));
	}
	exchange_page(x, 403, "denied", data);
}

/* The method is the original request's, which Apache hands over apart. */
static enum access_result refusal_decide(struct exchange *x, struct access *access)
{
	struct access_request request;
	const char *method = request_param(&x->request, PARAM_FIRST_METHOD);

	exchange_token(x, &request);
	request.uri = x->request.uri;
	if (method)
		request.method = method;
	return access_decide(x->auth, &x->caller, &request, access);
}

void refusal_page_unauthenticated(struct exchange *x)
{
	struct access access;

	switch (refusal_decide(x, &access)) {
	case ACCESS_FAULT:
		exchange_unavailable(x);
		return;
	case ACCESS_DENIED:
		refusal_denied(x, &access);
		return;
	case ACCESS_UNAUTHENTICATED:
		refusal_unauthenticated(x, &access);
		return;
	case ACCESS_ALLOWED:
		/* Signed in between the two looks, or a page asked for by hand. Going back by
		 * itself could go round for ever. */
		exchange_error(x, 401, "try_again", "error_reload");
		return;
	}
}

void refusal_page_denied(struct exchange *x)
{
	struct access access;

	switch (refusal_decide(x, &access)) {
	case ACCESS_FAULT:
		exchange_unavailable(x);
		return;
	case ACCESS_UNAUTHENTICATED:
		refusal_unauthenticated(x, &access);
		return;
	case ACCESS_DENIED:
	case ACCESS_ALLOWED: /* refused by the web server's own rules */
		refusal_denied(x, &access);
		return;
	}
}
