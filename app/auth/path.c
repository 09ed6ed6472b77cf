#include "auth/path.h"

#include "base/arena.h"
#include "base/encode.h"

#include <stddef.h>
#include <string.h>

enum { PATTERN_MAX_BYTES = 512 };

static bool is_hex_pair(const char *text, unsigned *value)
{
	unsigned result = 0;
	for (int i = 0; i < 2; i++) {
		int digit = encode_hex_value(text[i]);
		if (digit < 0)
			return false;
		result = result << 4 | (unsigned)digit;
	}
	*value = result;
	return true;
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* A segment "." or ".." that some servers resolve, or resolve after cutting ";..." off it. */
static bool is_dots(const char *segment, size_t *dots)
{
	*dots = strspn(segment, ".");
	return (*dots == 1 || *dots == 2) &&
	       (segment[*dots] == '\0' || segment[*dots] == '/' || segment[*dots] == ';');
}

const char *path_fault_of_pattern(const char *pattern)
{
	size_t dots;
	unsigned value;
	if (strlen(pattern) > PATTERN_MAX_BYTES)
		return "it is too long";
	for (const char *c = pattern; *c; c++) {
		if (*c == '\\' || is_control(*c))
			return "a path never contains a backslash or a control character";
		if (*c == '%' && is_hex_pair(c + 1, &value))
			return "the path is decoded first: write the character itself";
		if (*c == '/' && c[1] == '/')
			return "the path never contains //";
		if (*c == '/' && is_dots(c + 1, &dots))
			return "the path never contains . or .. as a part";
	}
	return NULL;
}

/* The path of a request target (RFC 9112 section 3.2): origin form, or absolute form without its
 * authority. NULL for the others. */
static const char *path_of(const char *target)
{
	if (*target == '/')
		return target;
	const char *rest = strncasecmp(target, "http://", 7) == 0    ? target + 7
			   : strncasecmp(target, "https://", 8) == 0 ? target + 8
								     : NULL;
	if (!rest)
		return NULL;
	size_t authority_len = strcspn(rest, "/?#\\");
	if (authority_len == 0 || rest[authority_len] == '\\')
		return NULL;
	/* An absolute target with an empty path means "/" (RFC 9110 section 4.2.3). */
	return rest[authority_len] == '/' ? rest + authority_len : "/";
}

/* Would be read differently, were it decoded a second time by a program behind us. */
static bool has_second_meaning(const char *decoded)
{
	unsigned value;
	for (const char *c = strchr(decoded, '%'); c; c = strchr(c + 1, '%')) {
		if (is_hex_pair(c + 1, &value) &&
			(value == 0 || is_control((char)value) || strchr("./\\%;", (int)value)))
			return true;
	}
	return false;
}

static bool decode(char *out, const char *path, size_t len)
{
	const char *end = path + len, *start = out;
	while (path < end) {
		char c = *path++;
		bool encoded = c == '%';
		if (encoded) {
			unsigned value;
			if (end - path < 2 || !is_hex_pair(path, &value))
				return false;
			c = (char)(unsigned char)value;
			path += 2;
		}
		if (is_control(c) || c == '\\' || (encoded && c == '/'))
			return false;
		*out++ = c;
	}
	*out = '\0';
	return !has_second_meaning(start);
}

/* Merges slashes and resolves dots in place (RFC 3986 section 5.2.4). What is written never
 * overtakes what is read. */
static bool resolve(char *path)
{
	const char *in = path;
	char *out = path;
	while (*in) {
		in += strspn(in, "/");
		size_t len = strcspn(in, "/"), dots = 0;
		bool is_dot_part = is_dots(in, &dots);
		if (is_dot_part && (in[dots] == ';' || (dots == 2 && out == path)))
			return false;
		if (is_dot_part && dots == 2) {
			while (*--out != '/')
				;
		}
		bool is_last = in[len] == '\0';
		if (is_last || !is_dot_part)
			*out++ = '/';
		if (!is_dot_part) {
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	*out = '\0';
	return true;
}

/* The length of a path in which nothing is to be decoded, merged or resolved, as in nearly every
 * request; 0 for one that wants a closer look. */
static size_t plain_len(const char *path)
{
	static const bool is_plain[256] = { ['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
		['0' ... '9'] = true,
		['-'] = true,
		['_'] = true,
		['.'] = true,
		['/'] = true };
	size_t len = 0;
	for (; is_plain[(unsigned char)path[len]]; len++) {
		if (path[len] == '/' && (path[len + 1] == '/' || path[len + 1] == '.'))
			return 0;
	}
	return path[len] == '\0' || path[len] == '?' || path[len] == '#' ? len : 0;
}

const char *path_normalise(struct arena *arena, const char *request_uri)
{
	const char *path = path_of(request_uri);
	if (!path)
		return NULL;
	size_t plain = plain_len(path);
	if (plain > 0)
		return arena_strndup(arena, path, plain);
	size_t len = strcspn(path, "?#");
	char *out = arena_alloc(arena, len + 1);
	return decode(out, path, len) && resolve(out) ? out : NULL;
}

/* One character is a whole UTF-8 sequence. */
static const char *skip_char(const char *text)
{
	do {
		text++;
	} while (((unsigned char)*text & 0xc0) == 0x80);
	return text;
}

/* Only the last '*' is ever tried again, so the work is at most pattern times path. */
static bool matches(const char *pattern, const char *pattern_end, const char *path)
{
	const char *star = NULL, *retry = NULL;
	while (*path) {
		if (pattern < pattern_end && *pattern == '*') {
			star = ++pattern;
			retry = path;
		} else if (pattern < pattern_end && *pattern == '?') {
			pattern++;
			path = skip_char(path);
		} else if (pattern < pattern_end && *pattern == *path) {
			pattern++;
			path++;
		} else if (star) {
			pattern = star;
			path = ++retry;
		} else {
			return false;
		}
	}
	while (pattern < pattern_end && *pattern == '*')
		pattern++;
	return pattern == pattern_end;
}

bool path_matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);
	if (matches(pattern, pattern + len, path))
		return true;
	/* The folder itself, which the server answers with a redirect or a listing. */
	return len >= 2 && strcmp(pattern + len - 2, "/*") == 0 &&
	       matches(pattern, pattern + len - 2, path);
}
