#include "endpoints/snippet.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "endpoints/exchange.h"

static const char *snippet_csp(struct exchange *x, const char *script)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char text[ENCODE_BASE64_LEN(CRYPTO_SHA256_BYTES) + 1];

	crypto_sha256(digest, script, strlen(script));
	encode_base64(text, digest, sizeof digest);
	return arena_printf(x->arena,
		"default-src 'none'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'",
		text);
}

/* No Cross-Origin-Opener-Policy: an application's window that came from another site keeps its
 * opener, as it would have without this page, and a pop-up may close itself. */
void snippet_page(struct exchange *x, int status, const struct snippet *snippet)
{
	struct response *response = x->response;

	response_status(response, status);
	response_header(response, "Content-Security-Policy", snippet_csp(x, snippet->script));
	response_header(response, "Content-Type", "text/html; charset=utf-8");
	response_header(response, "Cache-Control", "no-store");
	response_header(response, "Referrer-Policy", snippet->referrer_policy);
	response_header(response, "X-Content-Type-Options", "nosniff");
	response_header(response, "X-Frame-Options", "DENY");
	response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	buf_printf(&response->body,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n%s"
		"<script>%s</script>\n</head>\n<body>\n%s</body>\n</html>\n",
		snippet_escape(x, snippet->title), snippet->head, snippet->script, snippet->body);
}

const char *snippet_escape(struct exchange *x, const char *text)
{
	struct buf buf;

	buf_init(&buf, x->arena, 5 * strlen(text));
	for (; *text; text++) {
		if (strchr("&<>\"'", *text))
			buf_printf(&buf, "&#%d;", *text);
		else
			buf_add_char(&buf, *text);
	}
	return buf.data;
}
