#include "endpoints/exchange.h"

#include <string.h>
#include <strings.h>

#include "auth/audit.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/settings.h"
#include "endpoints/site.h"
#include "http/cookie.h"
#include "http/form.h"

void exchange_token(struct exchange *x, struct access_request *out)
{
	const char *value = NULL, *header = request_param(&x->request, PARAM_AUTHORIZATION);
	size_t len = 0;

	memset(out, 0, sizeof *out);
	out->token_reason = REASON_NO_TOKEN;
	out->method = x->request.method_text;
	out->navigation = request_is_navigation(&x->request);
	switch (cookie_find(&x->request, x->settings->cookie.access_name, &value, &len)) {
	case COOKIE_FOUND:
		out->token = value;
		out->token_len = len;
		return;
	case COOKIE_DUPLICATE:
		out->token_reason = REASON_DUPLICATE_COOKIE;
		return;
	case COOKIE_MALFORMED:
		out->token_reason = REASON_MALFORMED;
		return;
	case COOKIE_ABSENT:
		break;
	}
	if (header && strncasecmp(header, "Bearer ", 7) == 0) {
		out->token = header + 7;
		out->token_len = strlen(header + 7);
	}
}

enum access_result exchange_identify(struct exchange *x, struct access *out)
{
	struct access_request request;

	exchange_token(x, &request);
	return access_decide(x->auth, &x->caller, &request, out);
}

enum reason exchange_refresh_claim(
	struct exchange *x, struct rotation_claim *out, const char **text)
{
	const char *value = NULL;
	size_t len = 0;

	switch (cookie_find(&x->request, x->settings->cookie.refresh_name, &value, &len)) {
	case COOKIE_FOUND:
		if (text)
			*text = arena_strndup(x->arena, value, len);
		return rotation_parse(x->auth->keys, value, len, out) ? REASON_OK
								      : REASON_MALFORMED;
	case COOKIE_DUPLICATE:
		return REASON_DUPLICATE_COOKIE;
	case COOKIE_MALFORMED:
		return REASON_MALFORMED;
	case COOKIE_ABSENT:
		break;
	}
	return REASON_NO_TOKEN;
}

size_t exchange_sessions(struct exchange *x, struct exchange_session out[EXCHANGE_SESSIONS_MAX])
{
	struct rotation_claim claim;
	struct access_request request;
	struct token token;
	size_t count = 0;

	if (exchange_refresh_claim(x, &claim, NULL) == REASON_OK) {
		out[count].uid = claim.uid;
		session_handle_of(claim.sid, out[count++].handle);
	}
	exchange_token(x, &request);
	if (!request.token)
		return count;
	enum reason reason =
		token_verify(x->auth->keys, x->settings, request.token, request.token_len, &token);
	if (reason != REASON_OK && reason != REASON_EXPIRED)
		return count;
	if (count == 0 || strcmp(out[0].handle, token.sid) != 0) {
		out[count].uid = token.sub;
		memcpy(out[count++].handle, token.sid, sizeof token.sid);
	}
	return count;
}

/* Forms are bound to the session that the browser brings, so that a token got before signing in is
 * worth nothing afterwards. */
static const char *exchange_binding(struct exchange *x)
{
	struct exchange_session sessions[EXCHANGE_SESSIONS_MAX];

	return exchange_sessions(x, sessions) > 0 ? arena_strdup(x->arena, sessions[0].handle) : "";
}

/* Our csrf cookie as text; NULL when there is none, or more than one. */
static const char *exchange_csrf_cookie(struct exchange *x)
{
	const char *value = NULL;
	size_t len = 0;

	if (cookie_find(&x->request, x->settings->cookie.csrf_name, &value, &len) != COOKIE_FOUND)
		return NULL;
	return arena_strndup(x->arena, value, len);
}

bool exchange_has_csrf_cookie(struct exchange *x)
{
	return exchange_csrf_cookie(x) != NULL;
}

const char *exchange_csrf_field(struct exchange *x)
{
	const char *binding = exchange_binding(x), *cookie = exchange_csrf_cookie(x);
	struct csrf csrf;

	/* The same cookie serves several tabs with a form each. */
	if (!cookie || !csrf_reuse(x->auth, binding, cookie, &csrf)) {
		csrf_make(x->auth, binding, &csrf);
		exchange_set_cookie(
			x, x->settings->cookie.csrf_name, csrf.cookie, "/", CSRF_LIFETIME_SEC);
	}
	return arena_strdup(x->arena, csrf.field);
}

/* A sign-in form may have been got without a session: by a link from another site, which brings no
 * Strict cookie, or before another tab signed in. Its token was then bound to nobody. */
static bool exchange_csrf_fits(struct exchange *x, const char *field, bool or_nobodys)
{
	const char *cookie = exchange_csrf_cookie(x);

	return csrf_check(x->auth, exchange_binding(x), cookie, field) ||
	       (or_nobodys && csrf_check(x->auth, "", cookie, field));
}

bool exchange_form_is_ours(struct exchange *x, const char *field, bool need_token)
{
	struct audit audit = {
		.event = "csrf.refused", .reason = REASON_CSRF, .path = x->request.path
	};
	enum request_origin origin = request_origin(&x->request, x->settings->server.base_url);

	if (origin == REQUEST_ORIGIN_SAME && !need_token)
		return true;
	if (origin != REQUEST_ORIGIN_FOREIGN && exchange_csrf_fits(x, field, need_token))
		return true;
	audit_log(&x->caller, &audit);
	return false;
}

bool exchange_read_form(struct exchange *x, struct form_field *fields, size_t count)
{
	const char *type = request_param(&x->request, PARAM_CONTENT_TYPE);

	switch (request_read_body(&x->request)) {
	case REQUEST_BODY_TOO_LARGE:
		exchange_error(x, 413, "too_large", "error_form_large");
		return false;
	case REQUEST_BODY_BAD:
		exchange_error(x, 400, "bad_request", "error_form_broken");
		return false;
	case REQUEST_BODY_OK:
		break;
	}
	/* An empty form (a bare POST by a script) needs no type. */
	if (x->request.body_len > 0 && (!type || !form_is_content_type(type))) {
		exchange_error(x, 400, "bad_request", "error_form_type");
		return false;
	}
	switch (form_read(x->arena, x->request.body, x->request.body_len, fields, count)) {
	case FORM_OK:
		return true;
	case FORM_TOO_LONG:
		exchange_error(x, 413, "too_large", "error_form_field");
		return false;
	case FORM_DUPLICATE:
	case FORM_MALFORMED:
		break;
	}
	exchange_error(x, 400, "bad_request", "error_form_unreadable");
	return false;
}

void exchange_set_cookie(struct exchange *x, const char *name, const char *value, const char *path,
	int64_t max_age_sec)
{
	bool lax = x->settings->cookie.same_site == SETTINGS_SAME_SITE_LAX;
	struct cookie_attributes attributes = {
		.path = path, .same_site = lax ? "Lax" : "Strict", .max_age_sec = max_age_sec
	};

	cookie_set(x->response, name, value, &attributes);
}

bool exchange_give_session(struct exchange *x, const struct session *session,
	const struct user *user, const struct rotation_token *refresh, int64_t *expires_in_sec)
{
	const char *access = token_mint(x->auth, &x->caller, session, user);
	int64_t absolute_left = session->absolute_end - session->now_sec;
	int64_t lifetime = session->sliding ? absolute_left : x->settings->session.access_lifetime;
	int64_t used = session->now_sec - session->rotated_at_sec;
	/* Page loads may prolong the session while no refresh does: Redis ends it when it is idle.
	 */
	bool any = x->settings->session.activity == SETTINGS_ACTIVITY_ANY;
	int64_t refresh_left = any ? session->idle_end - session->now_sec : absolute_left;

	if (!access)
		return false;
	*expires_in_sec = (lifetime < absolute_left ? lifetime : absolute_left) - used;
	exchange_set_cookie(x, x->settings->cookie.access_name, access, "/",
		session->persist ? *expires_in_sec : -1);
	if (!session->sliding)
		exchange_set_cookie(x, x->settings->cookie.refresh_name, refresh->text,
			x->settings->server.prefix, session->persist ? refresh_left : -1);
	return true;
}

const char *exchange_hop_name(struct exchange *x)
{
	return arena_printf(x->arena, "%s-hop", x->settings->cookie.refresh_name);
}

void exchange_take_cookies(struct exchange *x)
{
	exchange_set_cookie(x, x->settings->cookie.access_name, "", "/", 0);
	exchange_set_cookie(x, x->settings->cookie.refresh_name, "", x->settings->server.prefix, 0);
	exchange_set_cookie(x, x->settings->cookie.csrf_name, "", "/", 0);
	exchange_set_cookie(x, exchange_hop_name(x), "", x->settings->server.prefix, 0);
}
