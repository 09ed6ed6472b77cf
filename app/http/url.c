#include "http/url.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct path {
	char text[URL_NEXT_MAX_BYTES + 2];
	size_t len;
};

static bool is_visible_ascii(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

size_t url_decode(char *out, const char *text, size_t len)
{
	size_t out_len = 0;
	for (size_t i = 0; i < len; i++) {
		bool escape = text[i] == '%' && len - i > 2 && encode_hex_value(text[i + 1]) >= 0 &&
			      encode_hex_value(text[i + 2]) >= 0;
		char byte = text[i];
		if (escape) {
			byte = (char)(encode_hex_value(text[i + 1]) << 4 |
				      encode_hex_value(text[i + 2]));
			i += 2;
		}
		out[out_len++] = byte;
	}
	return out_len;
}

/* How a path is read: "//" is one "/" for most web servers, and the beginning of a host name for a
 * browser; %2e is a dot for WHATWG URL, and two letters and a digit for others. */
enum path_reading { PATH_MERGE = 1, PATH_ENCODED_DOTS = 2 };

/* 1 for ".", 2 for "..", 0 for any other segment. */
static int dots(const char *segment, size_t len, unsigned reading)
{
	int count = 0;
	for (size_t i = 0; i < len; count++) {
		if (segment[i] == '.')
			i++;
		else if ((reading & PATH_ENCODED_DOTS) && len - i >= 3 &&
			 strncasecmp(segment + i, "%2e", 3) == 0)
			i += 3;
		else
			return 0;
	}
	return count <= 2 ? count : 0;
}

/* Removes dot segments as WHATWG URL does, and empty ones too with PATH_MERGE. */
static void path_resolve(struct path *out, const char *text, size_t len, unsigned reading)
{
	out->len = 0;
	for (size_t at = 0; at < len;) {
		const char *segment = text + at + 1;
		size_t rest = len - at - 1;
		const char *slash = memchr(segment, '/', rest);
		size_t segment_len = slash ? (size_t)(slash - segment) : rest;
		int dot_count = dots(segment, segment_len, reading);
		at += 1 + segment_len;
		while (dot_count == 2 && out->len > 0 && out->text[--out->len] != '/')
			continue;
		bool skipped = dot_count > 0 || ((reading & PATH_MERGE) && segment_len == 0);
		if (skipped && at < len)
			continue;
		out->text[out->len++] = '/';
		memcpy(out->text + out->len, segment, skipped ? 0 : segment_len);
		out->len += skipped ? 0 : segment_len;
	}
	out->text[out->len] = '\0';
}

/* path is prefix or below it. */
static bool is_under(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* As the web server will read it: decoded once, merged, resolved. */
static bool is_own_page(const char *text, size_t len, const char *prefix)
{
	char decoded[URL_NEXT_MAX_BYTES] = "";
	struct path path;
	size_t prefix_len = strlen(prefix);
	path_resolve(
		&path, decoded, url_decode(decoded, text, len), PATH_MERGE | PATH_ENCODED_DOTS);
	if (prefix_len == 0 || !is_under(path.text, prefix))
		return false;
	return !is_under(path.text + prefix_len, "/sessions") &&
	       strcmp(path.text + prefix_len, "/signed-in") != 0;
}

/* "/.//evil" is a path for WHATWG URL, but "//evil" for whoever resolves it once more. */
static bool resolves_to_a_host(const char *path, size_t len, unsigned reading)
{
	struct path resolved;

	path_resolve(&resolved, path, len, reading);
	return strncmp(resolved.text, "//", 2) == 0;
}

const char *url_next(const char *next, const char *prefix)
{
	static const char home[] = "/";
	if (!next || *next != '/' || strlen(next) > URL_NEXT_MAX_BYTES)
		return home;
	/* Browsers drop tabs and line ends anywhere and read '\' as '/' (CVE-2022-23527). */
	if (!is_visible_ascii(next) || strchr(next, '\\'))
		return home;
	size_t path_len = strcspn(next, "?#");
	if (strncmp(next, "//", 2) == 0 || resolves_to_a_host(next, path_len, 0) ||
		resolves_to_a_host(next, path_len, PATH_ENCODED_DOTS))
		return home;
	return is_own_page(next, path_len, prefix) ? home : next;
}

void url_add_query_value(struct buf *buf, const char *text)
{
	static const char unreserved[] = "-._~/0123456789"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	for (; *text; text++) {
		if (strchr(unreserved, *text))
			buf_add_char(buf, *text);
		else
			buf_printf(buf, "%%%02X", (unsigned char)*text);
	}
}

const char *url_with_next(
	struct arena *arena, const char *prefix, const char *page, const char *next)
{
	struct buf buf;
	buf_init(&buf, arena, strlen(prefix) + strlen(page) + 8 + (size_t)3 * URL_NEXT_MAX_BYTES);
	buf_printf(&buf, "%s/%s?next=", prefix, page);
	url_add_query_value(&buf, url_next(next, prefix));
	return buf.data;
}
