#include "endpoints/logout.h"

#include <string.h>

#include "auth/audit.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"
#include "endpoints/arrival.h"
#include "endpoints/exchange.h"
#include "http/form.h"

void logout_show(struct exchange *x)
{
	struct exchange_session sessions[EXCHANGE_SESSIONS_MAX];
	struct json *data = NULL;

	if (arrival_answer(x))
		return;
	data = exchange_page_data(x);
	if (exchange_sessions(x, sessions) == 0) {
		exchange_page(x, 200, "signed_out", data);
		return;
	}
	json_set(data, "signed_in", json_bool(true));
	json_set(data, "csrf", json_text(exchange_csrf_field(x)));
	exchange_page(x, 200, "logout", data);
}

static enum session_result logout_end_one(
	struct exchange *x, const struct exchange_session *session, bool all)
{
	size_t count = 0;
	enum session_result result =
		session_lives(x->auth, &x->caller, &session->uid, session->handle);

	/* Whoever holds an old token of an ended session has no say over the others. */
	if (result == SESSION_OK)
		result = all ? session_end_all(x->auth, &x->caller, &session->uid, NULL, &count)
			     : session_end(x->auth, &x->caller, &session->uid, session->handle);
	struct audit audit = { .event = result == SESSION_FAULT ? "logout.fault" : "logout.ok",
		.reason = result == SESSION_FAULT ? REASON_STORE_UNAVAILABLE : REASON_OK,
		.uid = session->uid.text,
		.session = session->handle,
		.detail = all ? arena_printf(x->arena, "all sessions (%zu)", count) : NULL };

	audit_publish(x->auth, &x->caller, &audit);
	return result;
}

/* Ends what this browser brings. False: a session may still live, so the cookies must stay. */
static bool logout_end(struct exchange *x, bool all)
{
	struct exchange_session sessions[EXCHANGE_SESSIONS_MAX];
	size_t count = exchange_sessions(x, sessions);
	bool ended = true;

	for (size_t i = 0; i < count; i++)
		ended &= logout_end_one(x, &sessions[i], all) != SESSION_FAULT;
	return ended;
}

static void logout_answer(struct exchange *x)
{
	if (request_is_script(&x->request))
		exchange_json(x, 200, json_object());
	else
		exchange_redirect(
			x, 303, arena_printf(x->arena, "%s/logout", x->settings->server.prefix));
	exchange_take_cookies(x);
	if (x->settings->cookie.clear_site_data)
		response_header(x->response, "Clear-Site-Data", "\"cookies\", \"storage\"");
}

void logout_submit(struct exchange *x)
{
	struct form_field fields[] = { { .name = "csrf", .max_bytes = 128 },
		{ .name = "all", .max_bytes = 8 } };

	if (!exchange_read_form(x, fields, 2))
		return;
	if (!exchange_form_is_ours(x, fields[0].value, false)) {
		if (request_is_script(&x->request))
			exchange_json_error(x, 403, REASON_CSRF);
		else
			exchange_error(x, 403, "csrf", "error_logout_foreign");
		return;
	}
	bool all = fields[1].value && strcmp(fields[1].value, "1") == 0;
	if (logout_end(x, all))
		logout_answer(x);
	else
		exchange_unavailable(x);
}
