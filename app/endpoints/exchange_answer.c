#include "endpoints/exchange.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/settings.h"
#include "endpoints/site.h"
#include "http/language.h"
#include "http/template.h"
#include "http/url.h"

/* What all answers of ours have in common, kept by caches or not. */
static void exchange_common_headers(struct exchange *x, int status, const char *csp)
{
	response_status(x->response, status);
	response_header(x->response, "Content-Security-Policy", csp);
	response_header(x->response, "X-Content-Type-Options", "nosniff");
	response_header(x->response, "X-Frame-Options", "DENY");
	response_header(x->response, "Referrer-Policy", "same-origin");
	response_header(x->response, "Cross-Origin-Opener-Policy", "same-origin");
	response_header(x->response, "Cross-Origin-Resource-Policy", "same-origin");
}

void exchange_headers(struct exchange *x, int status)
{
	exchange_common_headers(x, status, x->site->csp);
	response_header(x->response, "Cache-Control", "no-store");
}

void exchange_public_headers(struct exchange *x)
{
	exchange_common_headers(x, 200, "default-src 'none'; frame-ancestors 'none'");
	response_header(x->response, "Cache-Control", "public, max-age=300");
}

const struct language *exchange_language(struct exchange *x)
{
	if (!x->language)
		x->language = language_choose(
			x->site->languages, request_param(&x->request, PARAM_ACCEPT_LANGUAGE));
	return x->language;
}

const char *exchange_text(struct exchange *x, const char *key)
{
	return language_say(exchange_language(x), x->arena, key, NULL);
}

struct json *exchange_page_data(struct exchange *x)
{
	struct json *data = json_object();

	json_set(data, "site_name", json_text(x->settings->page.site_name));
	json_set(data, "logo", json_text(x->settings->page.logo));
	json_set(data, "lang", json_text(language_tag(exchange_language(x))));
	json_set(data, "password_url", json_text(x->settings->page.password_url));
	json_set(data, "prefix", json_text(x->settings->server.prefix));
	json_set(data, "css", json_text(x->site->css));
	return data;
}

void exchange_page(struct exchange *x, int status, const char *template, struct json *data)
{
	exchange_headers(x, status);
	response_header(x->response, "Content-Type", "text/html; charset=utf-8");
	response_header(x->response, "Content-Language", language_tag(exchange_language(x)));
	response_header(x->response, "Vary", "Accept-Language");
	if (!template_render(x->site->templates, template, data,
		    language_text(exchange_language(x)), &x->response->body)) {
		log_error("the page %s could not be made", template);
		response_reset(x->response);
	}
	json_free(data);
}

void exchange_json(struct exchange *x, int status, struct json *data)
{
	exchange_headers(x, status);
	response_header(x->response, "Content-Type", "application/json");
	json_write(&x->response->body, data);
	buf_add_char(&x->response->body, '\n');
	json_free(data);
}

void exchange_json_error(struct exchange *x, int status, enum reason reason)
{
	struct json *data = json_set(json_object(), "error", json_text(reason_code(reason)));

	if (status == 401 && reason_is_refreshable(reason))
		json_set(data, "refresh",
			json_text(
				arena_printf(x->arena, "%s/refresh", x->settings->server.prefix)));
	exchange_json(x, status, data);
}

static const char *answer_title(struct exchange *x, int status)
{
	switch (status) {
	case 401:
		return exchange_text(x, "title_reload");
	case 403:
		return exchange_text(x, "title_forbidden");
	case 404:
		return exchange_text(x, "title_not_found");
	case 503:
		return exchange_text(x, "title_unavailable");
	default:
		return exchange_text(x, "title_bad_request");
	}
}

void exchange_error(struct exchange *x, int status, const char *word, const char *key)
{
	if (request_is_script(&x->request)) {
		exchange_json(x, status, json_set(json_object(), "error", json_text(word)));
		return;
	}
	struct json *data = exchange_page_data(x);
	json_set(data, "title", json_text(answer_title(x, status)));
	json_set(data, "sentence", json_text(exchange_text(x, key)));
	json_set(data, "status", json_int(status));
	exchange_page(x, status, "error", data);
}

void exchange_json_unavailable(struct exchange *x)
{
	exchange_json_error(x, 503, REASON_STORE_UNAVAILABLE);
	response_header(x->response, "Retry-After", "5");
}

void exchange_unavailable(struct exchange *x)
{
	if (request_is_script(&x->request)) {
		exchange_json_unavailable(x);
		return;
	}
	struct json *data = exchange_page_data(x);
	json_set(data, "title", json_text(answer_title(x, 503)));
	json_set(data, "sentence", json_text(exchange_text(x, "error_unavailable")));
	json_set(data, "status", json_int(503));
	/* Checked as an address to go to: "//evil" could be asked for, too. */
	if (x->request.method == REQUEST_GET)
		json_set(data, "retry_url", json_text(url_next(x->request.uri, "")));
	exchange_page(x, 503, "error", data);
	response_header(x->response, "Retry-After", "5");
}

void exchange_redirect(struct exchange *x, int status, const char *target)
{
	exchange_headers(x, status);
	response_header(x->response, "Location", target);
}
