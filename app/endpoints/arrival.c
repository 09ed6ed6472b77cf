#include "endpoints/arrival.h"

#include <string.h>

#include "auth/path.h"
#include "base/arena.h"
#include "base/settings.h"
#include "endpoints/exchange.h"
#include "endpoints/snippet.h"
#include "http/cookie.h"
#include "http/url.h"

enum { ARRIVAL_MARKER_SEC = 30 };

static bool arrival_has(const struct exchange *x, enum param param, const char *expected)
{
	const char *value = request_param(&x->request, param);

	return value && strcmp(value, expected) == 0;
}

static bool arrival_has_cookie(const struct exchange *x, const char *name)
{
	const char *value = NULL;
	size_t len = 0;

	return cookie_find(&x->request, name, &value, &len) != COOKIE_ABSENT;
}

/* A top-level page load that comes from `site`. The method is the original request's: an error
 * document of Apache is always asked for by GET, and a POST that came back as a GET of our own
 * site would be a gift to whoever forged it. */
static bool arrival_is_load(const struct exchange *x, const char *site)
{
	const char *method = request_param(&x->request, PARAM_FIRST_METHOD);

	if (!method)
		method = x->request.method_text;
	return (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) &&
	       (x->request.method == REQUEST_GET || x->request.method == REQUEST_HEAD) &&
	       arrival_has(x, PARAM_FETCH_SITE, site) &&
	       arrival_has(x, PARAM_FETCH_MODE, "navigate") &&
	       arrival_has(x, PARAM_FETCH_DEST, "document");
}

static bool arrival_is_on_path(struct exchange *x)
{
	const char *list = x->settings->arrival.paths;
	const char *path = *list ? path_normalise(x->arena, x->request.uri) : NULL;

	if (!*list || !path)
		return !*list;
	while (*list) {
		size_t len = strcspn(list, ",");

		if (path_matches(arena_strndup(x->arena, list, len), path))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

/* With SameSite=Lax the cookies come along; that there is none then means just that. */
static bool arrival_is_on(const struct exchange *x)
{
	return x->settings->arrival.page &&
	       x->settings->cookie.same_site == SETTINGS_SAME_SITE_STRICT;
}

/* __Host- as that of the access cookie: no neighbour domain can plant or replace it. */
static const char *arrival_marker_name(const struct exchange *x)
{
	return arena_printf(x->arena, "%s-arrival", x->settings->cookie.access_name);
}

/* Constant but for the prefix. location.reload() would stay cross-site for ever in Firefox, and
 * replacing an address with a #fragment by itself loads nothing in Chromium: so the document first
 * takes another address. One of the sign-in page, which is a sensible place to be stuck at, but not
 * the one that the sign-in page itself is reached at. */
static void arrival_page(struct exchange *x)
{
	const char *again = snippet_escape(x, url_next(x->request.uri, ""));
	struct snippet snippet = { .title = x->settings->page.site_name,
		.script = arena_printf(x->arena,
			"var u=location.href;history.replaceState(null,'','%s/login?arrival');"
			"location.replace(u)",
			x->settings->server.prefix),
		.head = arena_printf(x->arena,
			"<noscript><meta http-equiv=\"refresh\" content=\"0;url=%s\"></noscript>\n",
			again),
		.body = arena_printf(x->arena,
			"<noscript><p><a href=\"%s\">%s</a></p></noscript>\n", again, again),
		/* arrival_is_repeat knows the second request by it. */
		.referrer_policy = "no-referrer" };

	snippet_page(x, 401, &snippet);
}

bool arrival_answer(struct exchange *x)
{
	if (!arrival_is_on(x) || !arrival_is_load(x, "cross-site") ||
		arrival_has_cookie(x, x->settings->cookie.access_name) ||
		arrival_has_cookie(x, x->settings->cookie.refresh_name) || !arrival_is_on_path(x))
		return false;
	arrival_page(x);
	/* Not bound to the address: another site could have a second arrival, in another window,
	 * replace the marker of the first. */
	exchange_set_cookie(x, arrival_marker_name(x), "1", "/", ARRIVAL_MARKER_SEC);
	return true;
}

/* The marker alone would also mark what the user clicks on in the next seconds. Those requests have
 * a Referer, and no other site can make the second request have one. */
bool arrival_is_repeat(const struct exchange *x)
{
	const char *referrer = request_param(&x->request, PARAM_REFERER);

	return arrival_is_on(x) && (!referrer || !*referrer) && arrival_is_load(x, "same-origin") &&
	       arrival_has_cookie(x, arrival_marker_name(x));
}
