#include "endpoints/login.h"

#include <string.h>

#include "auth/audit.h"
#include "auth/credentials.h"
#include "auth/password.h"
#include "auth/session.h"
#include "auth/theft.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"
#include "endpoints/arrival.h"
#include "endpoints/exchange.h"
#include "endpoints/metrics.h"
#include "endpoints/wording.h"
#include "http/form.h"
#include "http/language.h"
#include "http/url.h"

/* What the page may be asked to say about how the last session ended: words, never text of an URL.
 */
static const char *login_notice(struct exchange *x, const char *word)
{
	static const struct {
		const char *word, *key;
	} notices[] = {
		{ "elsewhere", "login_elsewhere" },
		{ "ended", "login_ended" },
		{ "reused", "login_reused" },
	};

	for (size_t i = 0; word && i < sizeof notices / sizeof *notices; i++)
		if (strcmp(word, notices[i].word) == 0)
			return exchange_text(x, notices[i].key);
	return NULL;
}

struct login_form {
	const char *next, *username, *error, *notice;
	bool remembered;
};

/* A script gets the reason's code; a person the form and one sentence. */
static void login_form(
	struct exchange *x, int status, enum reason reason, const struct login_form *form)
{
	if (request_is_script(&x->request) && reason != REASON_OK) {
		exchange_json_error(x, status, reason);
		return;
	}
	if (request_is_script(&x->request)) {
		exchange_json(x, status,
			json_set(json_object(), "csrf", json_text(exchange_csrf_field(x))));
		return;
	}
	struct json *data = exchange_page_data(x);
	json_set(data, "csrf", json_text(exchange_csrf_field(x)));
	json_set(data, "next", json_text(form->next));
	json_set(data, "username", json_text(form->username ? form->username : ""));
	json_set(data, "error", json_text(form->error ? form->error : ""));
	json_set(data, "notice", json_text(form->notice ? form->notice : ""));
	json_set(data, "remember", json_bool(true));
	json_set(data, "remembered", json_bool(form->remembered));
	exchange_page(x, status, "login", data);
}

void login_show(struct exchange *x)
{
	struct form_field fields[] = { { .name = "next", .max_bytes = URL_NEXT_MAX_BYTES },
		{ .name = "notice", .max_bytes = 32 } };
	struct login_form form = { 0 };
	struct access access;

	/* An address that cannot be read asks for nothing: the plain form. */
	if (form_read(x->arena, x->request.query, strlen(x->request.query), fields, 2) != FORM_OK)
		fields[0].value = fields[1].value = NULL;
	/* With an address to return to it may be the end of a way that began with a POST. */
	if (!fields[0].value && arrival_answer(x))
		return;
	form.next = url_next(fields[0].value, x->settings->server.prefix);
	form.notice = login_notice(x, fields[1].value);
	switch (exchange_identify(x, &access)) {
	case ACCESS_ALLOWED:
		exchange_redirect(x, 303, form.next);
		return;
	case ACCESS_FAULT:
		exchange_unavailable(x);
		return;
	case ACCESS_UNAUTHENTICATED:
	case ACCESS_DENIED:
		login_form(x, 200, REASON_OK, &form);
		return;
	}
}

enum { FIELD_USERNAME, FIELD_PASSWORD, FIELD_NEXT, FIELD_CSRF, FIELD_REMEMBER, LOGIN_FIELDS };

static void login_refuse(struct exchange *x, int status, enum reason reason,
	struct login_form *form, const char *sentence)
{
	form->error = sentence;
	login_form(x, status, reason, form);
}

static void login_retry_after(struct exchange *x, int64_t seconds)
{
	response_header(x->response, "Retry-After", arena_int(x->arena, seconds > 0 ? seconds : 1));
}

/* Whatever session this browser brought is over: nobody may go on under the name before, and a
 * planted session never becomes somebody's own (fixation). */
static void login_end_previous(struct exchange *x)
{
	struct exchange_session sessions[EXCHANGE_SESSIONS_MAX];
	size_t count = exchange_sessions(x, sessions);

	for (size_t i = 0; i < count; i++)
		session_end(x->auth, &x->caller, &sessions[i].uid, sessions[i].handle);
}

/* The same user's earlier session in this browser: it gives way in the same step, so that it does
 * not count for the limit. NULL: none. */
static const char *login_previous(struct exchange *x, const struct user_id *uid)
{
	struct exchange_session sessions[EXCHANGE_SESSIONS_MAX];
	size_t count = exchange_sessions(x, sessions);

	for (size_t i = 0; i < count; i++)
		if (strcmp(sessions[i].uid.text, uid->text) == 0)
			return arena_strdup(x->arena, sessions[i].handle);
	return NULL;
}

/* A user whose token was stolen reads so first, on the page of sessions, and goes on from there. */
static void login_answer(
	struct exchange *x, const struct user *user, const char *next, int64_t expires_in)
{
	struct theft_notice notice;

	theft_find_notice(x->auth, &x->caller, &user->id, &notice);
	if (!request_is_script(&x->request)) {
		exchange_redirect(x, 303,
			notice.at > 0 ? url_with_next(x->arena, x->settings->server.prefix,
						"sessions", next)
				      : next);
		return;
	}
	struct json *data = json_set(json_object(), "expires_in", json_int(expires_in));
	if (notice.at > 0)
		json_set(data, "notice", json_text(reason_code(REASON_REFRESH_REUSED)));
	exchange_json(x, 200, json_set(data, "next", json_text(next)));
}

static void login_start(struct exchange *x, const struct user *user, struct login_form *form)
{
	struct session session;
	struct rotation_token refresh = { "" };
	struct response *response = x->response;
	int64_t expires_in = 0;

	struct session_wish wish = { .persist = form->remembered,
		.replaces = login_previous(x, &user->id) };

	switch (session_start(x->auth, &x->caller, user, &wish, &session)) {
	case SESSION_OK:
		break;
	case SESSION_LIMIT:
		login_refuse(x, 403, REASON_THROTTLED, form, exchange_text(x, "login_limit"));
		return;
	case SESSION_ABSENT:
	case SESSION_FAULT:
		exchange_unavailable(x);
		return;
	}
	login_end_previous(x);
	if ((!session.sliding && !rotation_format(x->auth->keys, &session, NULL, &refresh)) ||
		!exchange_give_session(x, &session, user, &refresh, &expires_in)) {
		session_end(x->auth, &x->caller, &session.uid, session.handle);
		response_reset(response);
		exchange_unavailable(x);
		return;
	}
	struct audit audit = { .event = "session.started",
		.user = user->name,
		.uid = user->id.text,
		.session = session.handle };
	audit_publish(x->auth, &x->caller, &audit);
	login_answer(x, user, form->next, expires_in);
}

static void login_decide(
	struct exchange *x, const struct credentials *credentials, struct login_form *form)
{
	struct user user;
	int64_t retry_after = 0;

	enum credentials_result result =
		credentials_check(x->auth, &x->caller, credentials, &user, &retry_after);
	metrics_count_sign_in(result);
	switch (result) {
	case CREDENTIALS_OK:
		login_start(x, &user, form);
		return;
	case CREDENTIALS_REFUSED:
		login_refuse(
			x, 401, REASON_BAD_CREDENTIALS, form, exchange_text(x, "login_refused"));
		return;
	case CREDENTIALS_THROTTLED:
		login_refuse(x, 429, REASON_THROTTLED, form,
			language_say(exchange_language(x), x->arena, "login_throttled", "wait",
				wording_wait(x, retry_after), NULL));
		login_retry_after(x, retry_after);
		return;
	case CREDENTIALS_BUSY:
		login_refuse(
			x, 503, REASON_STORE_UNAVAILABLE, form, exchange_text(x, "login_busy"));
		login_retry_after(x, 2);
		return;
	case CREDENTIALS_FAULT:
		login_refuse(x, 503, REASON_STORE_UNAVAILABLE, form,
			exchange_text(x, "login_unavailable"));
		login_retry_after(x, 5);
		return;
	}
}

/* A form of another site comes without our cookie as well. */
static const char *login_csrf_key(struct exchange *x)
{
	bool foreign =
		request_origin(&x->request, x->settings->server.base_url) == REQUEST_ORIGIN_FOREIGN;

	return foreign || exchange_has_csrf_cookie(x) ? "login_too_old" : "login_no_cookie";
}

void login_submit(struct exchange *x)
{
	struct form_field fields[LOGIN_FIELDS] = {
		[FIELD_USERNAME] = { .name = "username", .max_bytes = USER_TYPED_MAX },
		[FIELD_PASSWORD] = { .name = "password", .max_bytes = PASSWORD_MAX_BYTES },
		[FIELD_NEXT] = { .name = "next", .max_bytes = URL_NEXT_MAX_BYTES },
		[FIELD_CSRF] = { .name = "csrf", .max_bytes = 128 },
		[FIELD_REMEMBER] = { .name = "remember", .max_bytes = 8 },
	};
	struct login_form form = { 0 };

	if (!exchange_read_form(x, fields, LOGIN_FIELDS))
		return;
	form.next = url_next(fields[FIELD_NEXT].value, x->settings->server.prefix);
	form.username = fields[FIELD_USERNAME].value;
	form.remembered = fields[FIELD_REMEMBER].value && *fields[FIELD_REMEMBER].value;
	if (!exchange_form_is_ours(x, fields[FIELD_CSRF].value, true)) {
		login_refuse(x, 403, REASON_CSRF, &form, exchange_text(x, login_csrf_key(x)));
		return;
	}
	/* A NUL in a name would be a shorter name to whoever reads it as text. */
	if (!form.username || strlen(form.username) != fields[FIELD_USERNAME].len)
		form.username = "";
	struct credentials credentials = { .username = form.username,
		.password = fields[FIELD_PASSWORD].value ? fields[FIELD_PASSWORD].value : "",
		.password_len = fields[FIELD_PASSWORD].len };
	login_decide(x, &credentials, &form);
}
