#include "http/param.h"

#include <stdint.h>
#include <string.h>

#define KNOWN(name, once)                                                                          \
	{                                                                                          \
		name, sizeof(name) - 1, once                                                       \
	}

/* once: two of them with different values are refused, since we would see the first and something
 * else on the way may have seen the second. FCGI_ROLE comes twice from Apache, libfcgi's first. */
static const struct {
	const char *name;
	size_t len;
	bool once;
} known[PARAM_COUNT] = {
	[PARAM_FCGI_ROLE] = KNOWN("FCGI_ROLE", false),
	[PARAM_AUTH_ROLE] = KNOWN("AUTH_ROLE", true),
	[PARAM_AUTH_METHOD] = KNOWN("AUTH_METHOD", true),
	[PARAM_AUTH_URI] = KNOWN("AUTH_URI", true),
	[PARAM_APACHE_ROLE] = KNOWN("FCGI_APACHE_ROLE", true),
	[PARAM_PASSWORD] = KNOWN("REMOTE_PASSWD", false),
	[PARAM_SOFTWARE] = KNOWN("SERVER_SOFTWARE", true),
	[PARAM_METHOD] = KNOWN("REQUEST_METHOD", true),
	[PARAM_URI] = KNOWN("REQUEST_URI", true),
	[PARAM_SCRIPT_NAME] = KNOWN("SCRIPT_NAME", true),
	[PARAM_PATH_INFO] = KNOWN("PATH_INFO", true),
	[PARAM_QUERY] = KNOWN("QUERY_STRING", true),
	[PARAM_CONTENT_LENGTH] = KNOWN("CONTENT_LENGTH", true),
	[PARAM_CONTENT_TYPE] = KNOWN("CONTENT_TYPE", true),
	[PARAM_ADDRESS] = KNOWN("REMOTE_ADDR", true),
	[PARAM_HTTPS] = KNOWN("HTTPS", false),
	[PARAM_SCHEME] = KNOWN("REQUEST_SCHEME", false),
	[PARAM_HOST] = KNOWN("HTTP_HOST", true),
	[PARAM_ORIGIN] = KNOWN("HTTP_ORIGIN", true),
	[PARAM_AUTHORIZATION] = KNOWN("HTTP_AUTHORIZATION", true),
	[PARAM_AGENT] = KNOWN("HTTP_USER_AGENT", false),
	[PARAM_COOKIE] = KNOWN("HTTP_COOKIE", false),
	[PARAM_ACCEPT] = KNOWN("HTTP_ACCEPT", false),
	[PARAM_ACCEPT_LANGUAGE] = KNOWN("HTTP_ACCEPT_LANGUAGE", false),
	[PARAM_FORWARDED_FOR] = KNOWN("HTTP_X_FORWARDED_FOR", false),
	[PARAM_REFERER] = KNOWN("HTTP_REFERER", false),
	[PARAM_FETCH_SITE] = KNOWN("HTTP_SEC_FETCH_SITE", false),
	[PARAM_FETCH_MODE] = KNOWN("HTTP_SEC_FETCH_MODE", false),
	[PARAM_FETCH_DEST] = KNOWN("HTTP_SEC_FETCH_DEST", false),
	[PARAM_REQUESTED_WITH] = KNOWN("HTTP_X_REQUESTED_WITH", false),
	[PARAM_FIRST_METHOD] = KNOWN("REDIRECT_REQUEST_METHOD", false),
};

/* The place of each in a table with many free places, 0 for a free one: a request has many
 * parameters, few of them known. */
enum { PLACES = 256 };
static uint8_t known_at[PLACES];

static size_t place_of(const char *name, size_t len)
{
	const unsigned char *c = (const unsigned char *)name;
	return (len * 7 + c[len - 1] * 3U + c[len / 2] * 31U + c[len / 4]) % PLACES;
}

__attribute__((constructor)) static void known_sort(void)
{
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		size_t at = place_of(known[i].name, known[i].len);
		while (known_at[at])
			at = (at + 1) % PLACES;
		known_at[at] = (uint8_t)(i + 1);
	}
}

enum param param_find(const char *name, size_t len)
{
	if (len == 0)
		return PARAM_COUNT;
	for (size_t at = place_of(name, len); known_at[at]; at = (at + 1) % PLACES) {
		enum param i = (enum param)(known_at[at] - 1);
		if (known[i].len == len && memcmp(name, known[i].name, len) == 0)
			return i;
	}
	return PARAM_COUNT;
}

const char *param_name(enum param param)
{
	return known[param].name;
}

bool param_is_once(enum param param)
{
	return known[param].once;
}
