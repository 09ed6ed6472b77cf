#include "endpoints/popup.h"

#include "base/arena.h"
#include "base/settings.h"
#include "endpoints/exchange.h"
#include "endpoints/snippet.h"
#include "http/url.h"

static void popup_page(struct exchange *x)
{
	static const struct snippet snippet = { .title = "Signed in",
		.script = "new BroadcastChannel('doorward').postMessage('signed-in');close()",
		.head = "",
		.body = "<p>You are signed in. You can close this window.</p>\n",
		.referrer_policy = "same-origin" };

	snippet_page(x, 200, &snippet);
}

void popup_signed_in(struct exchange *x)
{
	const char *prefix = x->settings->server.prefix;
	struct access access;

	switch (exchange_identify(x, &access)) {
	case ACCESS_ALLOWED:
		popup_page(x);
		return;
	case ACCESS_FAULT:
		exchange_unavailable(x);
		return;
	case ACCESS_UNAUTHENTICATED:
	case ACCESS_DENIED:
		exchange_redirect(x, 303,
			url_with_next(x->arena, prefix, "login",
				arena_printf(x->arena, "%s/signed-in", prefix)));
		return;
	}
}
