#include "endpoints/refresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/settings.h"
#include "endpoints/exchange.h"
#include "endpoints/metrics.h"
#include "http/cookie.h"
#include "http/form.h"
#include "http/url.h"

enum { REFRESH_HOPS_MAX = 5, REFRESH_HOP_SEC = 10, REFRESH_HOP_LEN = 13 };

/* Rotates and gives the new cookies. out->why is set when refused. */
static enum rotation_result refresh_try(
	struct exchange *x, struct rotation_outcome *out, int64_t *expires_in)
{
	struct rotation_claim claim;
	const char *text = NULL;
	enum reason why = exchange_refresh_claim(x, &claim, &text);

	if (why != REASON_OK) {
		*out = (struct rotation_outcome){ .why = why };
		return ROTATION_REFUSED;
	}
	enum rotation_result result =
		rotation_use(x->auth, &x->caller, text, request_is_navigation(&x->request), out);
	if (result != ROTATION_OK)
		return result;
	/* Without a new access token the presented refresh token stays good, within its grace. */
	return exchange_give_session(x, &out->session, &out->user, &out->next, expires_in)
		       ? ROTATION_OK
		       : ROTATION_FAULT;
}

static enum rotation_result refresh_rotate(
	struct exchange *x, struct rotation_outcome *out, int64_t *expires_in)
{
	enum rotation_result result = refresh_try(x, out, expires_in);

	metrics_count_refresh(result, out->why);
	return result;
}

/* A definite "no": the cookies are worth nothing any more. A cookie that was there twice may be
 * somebody else's, one that was not there needs no end, and one that we cannot read may be of a key
 * that this node was not given. */
static void refresh_take_cookies(struct exchange *x, enum reason why)
{
	if (why != REASON_NO_TOKEN && why != REASON_DUPLICATE_COOKIE && why != REASON_MALFORMED)
		exchange_take_cookies(x);
}

void refresh_post(struct exchange *x)
{
	struct rotation_outcome outcome;
	int64_t expires_in = 0;

	/* The cookie is SameSite=Strict; this is the second lock. */
	if (request_origin(&x->request, x->settings->server.base_url) == REQUEST_ORIGIN_FOREIGN) {
		exchange_json_error(x, 403, REASON_CSRF);
		return;
	}
	switch (refresh_rotate(x, &outcome, &expires_in)) {
	case ROTATION_OK:
		exchange_json(x, 200, json_set(json_object(), "expires_in", json_int(expires_in)));
		return;
	case ROTATION_REFUSED:
		exchange_json(x, 401,
			json_set(json_object(), "error", json_text(reason_code(outcome.why))));
		refresh_take_cookies(x, outcome.why);
		return;
	case ROTATION_FAULT:
		response_reset(x->response);
		exchange_json_unavailable(x);
		return;
	}
}

/* How often this browser was sent back to the same address within the last seconds:
 * "<count>.<digest of the address>". A browser that does not keep the access cookie would go round
 * for ever. */
static int refresh_hops(struct exchange *x, const char *next, char mark[REFRESH_HOP_LEN + 1])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char address[12];
	const char *value = NULL;
	size_t len = 0;
	int hops = 1;

	crypto_sha256(digest, next, strlen(next));
	encode_base64url(address, digest, 8);
	if (cookie_find(&x->request, exchange_hop_name(x), &value, &len) == COOKIE_FOUND &&
		len == REFRESH_HOP_LEN && strncmp(value + 2, address, 11) == 0 && value[0] >= '1' &&
		value[0] <= '9')
		hops = value[0] - '0' + 1;
	snprintf(mark, REFRESH_HOP_LEN + 1, "%d.%s", hops <= 9 ? hops : 9, address);
	return hops;
}

static void refresh_stop_loop(struct exchange *x, const char *next)
{
	struct json *data = exchange_page_data(x);

	json_set(data, "retry_url", json_text(next));
	json_set(data, "csrf", json_text(exchange_csrf_field(x)));
	exchange_page(x, 400, "loop", data);
}

/* What the sign-in page may say about how the session ended; NULL: nothing. */
static const char *refresh_notice(const struct rotation_outcome *outcome)
{
	if (outcome->elsewhere)
		return "elsewhere";
	if (outcome->why == REASON_REFRESH_REUSED)
		return "reused";
	return outcome->why == REASON_NO_TOKEN ? NULL : "ended";
}

static void refresh_to_login(
	struct exchange *x, const struct rotation_outcome *outcome, const char *next)
{
	const char *target = url_with_next(x->arena, x->settings->server.prefix, "login", next);
	const char *notice = refresh_notice(outcome);

	if (notice)
		target = arena_printf(x->arena, "%s&notice=%s", target, notice);
	exchange_redirect(x, 303, target);
	refresh_take_cookies(x, outcome->why);
}

void refresh_navigate(struct exchange *x)
{
	struct form_field field = { .name = "next", .max_bytes = URL_NEXT_MAX_BYTES };
	char mark[REFRESH_HOP_LEN + 1];
	struct rotation_outcome outcome;
	int64_t expires_in = 0;

	/* Only a page load may rotate by GET; an image or a frame of another page has no say. */
	if (request_is_script(&x->request)) {
		exchange_error(x, 405, "method_not_allowed", "error_method");
		response_header(x->response, "Allow", "POST");
		return;
	}
	if (form_read(x->arena, x->request.query, strlen(x->request.query), &field, 1) != FORM_OK)
		field.value = NULL;
	const char *next = url_next(field.value, x->settings->server.prefix);
	if (refresh_hops(x, next, mark) > REFRESH_HOPS_MAX) {
		refresh_stop_loop(x, next);
		return;
	}
	switch (refresh_rotate(x, &outcome, &expires_in)) {
	case ROTATION_OK:
		exchange_set_cookie(
			x, exchange_hop_name(x), mark, x->settings->server.prefix, REFRESH_HOP_SEC);
		exchange_redirect(x, 303, next);
		return;
	case ROTATION_REFUSED:
		refresh_to_login(x, &outcome, next);
		return;
	case ROTATION_FAULT:
		response_reset(x->response);
		exchange_unavailable(x);
		return;
	}
}
