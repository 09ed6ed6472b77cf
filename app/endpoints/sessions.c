#include "endpoints/sessions.h"

#include <string.h>
#include <time.h>

#include "auth/audit.h"
#include "auth/device.h"
#include "auth/session.h"
#include "auth/theft.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"
#include "endpoints/exchange.h"
#include "endpoints/refusal.h"
#include "endpoints/wording.h"
#include "http/form.h"
#include "http/language.h"
#include "http/url.h"

enum { SESSIONS_SHOWN_MAX = 50 };

/* Who asks; when nobody, or nobody can say, the answer is made: false. */
static bool sessions_identify(struct exchange *x, struct access *access)
{
	switch (exchange_identify(x, access)) {
	case ACCESS_ALLOWED:
		return true;
	case ACCESS_FAULT:
		exchange_unavailable(x);
		return false;
	case ACCESS_UNAUTHENTICATED:
	case ACCESS_DENIED:
		refusal_unauthenticated(x, access);
		return false;
	}
	return false;
}

/* For scripts: the same in every language. */
static const char *sessions_time_text(struct arena *arena, int64_t at)
{
	char text[32] = "";
	time_t seconds = (time_t)at;
	struct tm parts;

	if (at > 0 && gmtime_r(&seconds, &parts))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
	return arena_strdup(arena, text);
}

static struct json *sessions_row(
	struct exchange *x, const struct session_info *info, const char *current)
{
	bool words = !request_is_script(&x->request);
	struct json *row = json_set(json_object(), "handle", json_text(info->handle));

	json_set(row, "device",
		json_text(words          ? wording_device(x, info->agent)
			  : *info->agent ? info->agent
					 : DEVICE_UNKNOWN));
	json_set(row, "address", json_text(info->address));
	json_set(row, "since",
		json_text(words ? wording_moment(x, info->since)
				: sessions_time_text(x->arena, info->since)));
	json_set(row, "seen",
		json_text(words ? wording_moment(x, info->seen)
				: sessions_time_text(x->arena, info->seen)));
	if (words) {
		json_set(row, "since_ago", json_text(wording_ago(x, info->since)));
		json_set(row, "seen_ago", json_text(wording_ago(x, info->seen)));
	}
	return json_set(row, "current", json_bool(strcmp(info->handle, current) == 0));
}

/* Shown once, with the way on to where the sign-in was meant to lead. */
static void sessions_add_notice(struct exchange *x, const struct user_id *uid, struct json *data)
{
	struct form_field field = { .name = "next", .max_bytes = URL_NEXT_MAX_BYTES };
	struct theft_notice notice;

	theft_find_notice(x->auth, &x->caller, uid, &notice);
	if (notice.at == 0)
		return;
	json_set(data, "notice",
		json_text(language_say(exchange_language(x), x->arena, "sessions_reused", "moment",
			wording_moment(x, notice.at), "device", wording_device(x, notice.device),
			"address",
			*notice.address ? notice.address : exchange_text(x, "address_unknown"),
			NULL)));
	if (form_read(x->arena, x->request.query, strlen(x->request.query), &field, 1) == FORM_OK &&
		field.value)
		json_set(
			data, "next", json_text(url_next(field.value, x->settings->server.prefix)));
	if (x->request.method == REQUEST_GET)
		theft_forget_notice(x->auth, &x->caller, uid);
}

static void sessions_page(struct exchange *x, const struct access *access,
	const struct session_info *list, size_t count)
{
	struct json *rows = json_array();

	/* The newest: a page has a size, a user's sessions need not have one. */
	for (size_t i = 0; i < count && i < SESSIONS_SHOWN_MAX; i++)
		json_add(rows, sessions_row(x, &list[i], access->token.sid));
	if (request_is_script(&x->request)) {
		exchange_json(x, 200, json_set(json_object(), "sessions", rows));
		return;
	}
	struct json *data = exchange_page_data(x);
	json_set(data, "sessions", rows);
	json_set(data, "others", json_bool(count > 1));
	json_set(data, "signed_in", json_bool(true));
	json_set(data, "user", json_text(access->user.name));
	json_set(data, "csrf", json_text(exchange_csrf_field(x)));
	sessions_add_notice(x, &access->user.id, data);
	exchange_page(x, 200, "sessions", data);
}

void sessions_show(struct exchange *x)
{
	struct access access;
	struct session_info *list = NULL;
	size_t count = 0;

	if (!sessions_identify(x, &access))
		return;
	if (session_list(x->auth, &x->caller, &access.user.id, &list, &count) == SESSION_OK)
		sessions_page(x, &access, list, count);
	else
		exchange_unavailable(x);
}

static void sessions_done(struct exchange *x, enum session_result result,
	const struct access *access, const char *ended)
{
	struct audit audit = { .event = "session.ended",
		.user = access->user.name,
		.uid = access->user.id.text,
		.session = ended,
		.detail = "by its user" };

	switch (result) {
	case SESSION_OK:
		audit_publish(x->auth, &x->caller, &audit);
		break;
	case SESSION_FAULT:
		exchange_unavailable(x);
		return;
	case SESSION_ABSENT: /* also another user's: the same answer */
	case SESSION_LIMIT:
		break;
	}
	if (request_is_script(&x->request))
		exchange_json(x, 200, json_object());
	else
		exchange_redirect(
			x, 303, arena_printf(x->arena, "%s/sessions", x->settings->server.prefix));
}

void sessions_submit(struct exchange *x)
{
	struct form_field fields[] = { { .name = "csrf", .max_bytes = 128 },
		{ .name = "end", .max_bytes = 64 }, { .name = "others", .max_bytes = 8 } };
	struct access access;
	size_t count = 0;

	if (!exchange_read_form(x, fields, 3) || !sessions_identify(x, &access))
		return;
	if (!exchange_form_is_ours(x, fields[0].value, false)) {
		exchange_error(x, 403, "csrf", "error_foreign");
		return;
	}
	if (fields[1].value)
		sessions_done(x, session_end(x->auth, &x->caller, &access.user.id, fields[1].value),
			&access, fields[1].value);
	else if (fields[2].value)
		sessions_done(x,
			session_end_all(
				x->auth, &x->caller, &access.user.id, access.token.sid, &count),
			&access, "all others");
	else
		exchange_error(x, 400, "bad_request", "error_no_session");
}
