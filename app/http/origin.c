#include "http/origin.h"

#include "base/buf.h"

#include <string.h>

enum { ORIGIN_MAX_BYTES = 300 };

static bool is_host_and_port(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~' || strchr("/\\?#@,", *c))
			return false;
	}
	return *text && *text != ':';
}

/* Of ASCII, whatever the locale. */
static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/* "scheme://host:port" in lower case without the scheme's own port; "" when it is anything else. */
static void origin_canonical(char out[ORIGIN_MAX_BYTES], const char *text)
{
	struct buf buf;
	size_t len = strlen(text);
	buf_init_fixed(&buf, out, ORIGIN_MAX_BYTES);
	len -= len > 0 && text[len - 1] == '/';
	for (size_t i = 0; i < len; i++)
		buf_add_char(&buf, lower(text[i]));
	bool http = strncmp(out, "http://", 7) == 0, https = strncmp(out, "https://", 8) == 0;
	bool valid = buf_ok(&buf) && (http || https) && is_host_and_port(out + (https ? 8 : 7));
	const char *port = https ? ":443" : ":80";
	size_t port_len = strlen(port);
	if (!valid)
		buf_clear(&buf);
	else if (strcmp(out + buf.len - port_len, port) == 0)
		out[buf.len - port_len] = '\0';
}

bool origin_is_same(const char *a, const char *b)
{
	char left[ORIGIN_MAX_BYTES], right[ORIGIN_MAX_BYTES];
	origin_canonical(left, a);
	origin_canonical(right, b);
	return *left && strcmp(left, right) == 0;
}
