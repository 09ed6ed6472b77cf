#include "http/cookie.h"

#include "http/request.h"
#include "http/response.h"
#include "http/blank.h"

#include <inttypes.h>
#include <string.h>

/* Of name and value together, and of what we accept: every browser keeps 4096 (RFC 6265bis). */
enum { COOKIE_MAX_BYTES = 4096 };

/* Where ";" or "," ends a pair. *semicolon: the next one, or the end; looked for once only, so that
 * a header of nothing but commas is no work. Tokens are long: memchr twice beats strcspn. */
static size_t pair_end(const char *pair, const char **semicolon, const char *end)
{
	if ((!*semicolon || *semicolon < pair) &&
		!(*semicolon = memchr(pair, ';', (size_t)(end - pair))))
		*semicolon = end;
	const char *comma = memchr(pair, ',', (size_t)(*semicolon - pair));
	return (size_t)((comma ? comma : *semicolon) - pair);
}

/* Counts in *found the pairs of this name; the first one's value is *value. A pair that begins
 * after a comma may come from a second header line (Apache, Caddy join them so), or stand in the
 * value of somebody else's cookie, which a neighbour domain can set: it counts twice, so it is
 * never FOUND. */
static void find_in(
	const char *header, const char *name, int *found, const char **value, size_t *len)
{
	size_t name_len = strlen(name);
	const char *header_end = header + strlen(header), *semicolon = NULL;
	for (const char *pair = header; pair < header_end;) {
		const char *key = pair;
		size_t pair_len = pair_end(pair, &semicolon, header_end);
		const char *equals = memchr(pair, '=', pair_len);
		size_t key_len = equals ? (size_t)(equals - pair) : 0;
		const char *end = pair + pair_len;
		bool after_comma = pair > header && pair[-1] == ',';
		pair = end < header_end ? end + 1 : end;
		blank_trim(&key, &key_len);
		if (!equals || key_len != name_len || memcmp(key, name, name_len) != 0)
			continue;
		*found += after_comma ? 2 : 1;
		if (*found > 1)
			continue;
		*value = equals + 1;
		*len = (size_t)(end - *value);
		blank_trim(value, len);
	}
}

enum cookie_result cookie_find(
	const struct request *request, const char *name, const char **value, size_t *len)
{
	int found = 0;
	size_t at = 0;
	const char *header;
	*value = NULL;
	*len = 0;
	while ((header = request_next_param(request, PARAM_COOKIE, &at)) != NULL)
		find_in(header, name, &found, value, len);
	if (found == 1 && *len <= COOKIE_MAX_BYTES)
		return COOKIE_FOUND;
	*value = NULL;
	*len = 0;
	return found == 0 ? COOKIE_ABSENT : found == 1 ? COOKIE_MALFORMED : COOKIE_DUPLICATE;
}

/* cookie-octet, RFC 6265 section 4.1.1. */
static bool is_cookie_octet(char c)
{
	return c > ' ' && c <= '~' && !strchr("\",;\\", c);
}

static bool is_value(const char *value)
{
	while (is_cookie_octet(*value))
		value++;
	return *value == '\0';
}

static bool is_name(const char *name)
{
	static const char chars[] = "-_.0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	return *name && name[strspn(name, chars)] == '\0';
}

static bool is_path(const char *path)
{
	for (const char *c = path; *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == ';')
			return false;
	}
	return *path == '/';
}

/* What a browser would drop or read in another way must not be sent: the user would be signed in
 * for us and not for the browser. */
static bool is_settable(
	const char *name, const char *value, const struct cookie_attributes *attributes)
{
	bool host = strncmp(name, "__Host-", 7) == 0;
	bool same_site = strcmp(attributes->same_site, "Strict") == 0 ||
			 strcmp(attributes->same_site, "Lax") == 0;
	return is_name(name) && is_value(value) && is_path(attributes->path) && same_site &&
	       strlen(name) + strlen(value) <= COOKIE_MAX_BYTES &&
	       (!host || strcmp(attributes->path, "/") == 0);
}

void cookie_set(struct response *response, const char *name, const char *value,
	const struct cookie_attributes *attributes)
{
	struct buf *headers = &response->headers;
	if (!is_settable(name, value, attributes)) {
		response->broken = true;
		return;
	}
	/* All parts are checked above, so this line needs no response_header. */
	buf_printf(headers, "Set-Cookie: %s=%s; Path=%s; Secure; HttpOnly; SameSite=%s", name,
		value, attributes->path, attributes->same_site);
	if (attributes->max_age_sec >= 0)
		buf_printf(headers, "; Max-Age=%" PRId64, attributes->max_age_sec);
	buf_add_text(headers, "\r\n");
}
