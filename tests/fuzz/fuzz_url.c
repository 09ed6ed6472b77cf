/* Return addresses, and origins. Whatever comes out is a path of this origin as a browser reads it,
 * is either the input or "/", and survives the way through a query. Two lines are two origins. */
#include "fuzz/fuzz.h"
#include "http/origin.h"
#include "http/url.h"

/* WHATWG URL, for a base of our origin: tabs and line ends go, '\' is '/', and two slashes at the
 * beginning are a host. */
static bool stays_here(const char *next)
{
	char first[3] = "";
	size_t found = 0;
	for (; *next && found < 2; next++) {
		if (!strchr("\t\r\n", *next))
			first[found++] = *next;
	}
	return (first[0] == '/' || first[0] == '\\') && first[1] != '/' && first[1] != '\\';
}

/* ".." and "." gone, as a browser does it, none decoded: does "//" stand in front then? */
static bool resolves_to_a_host(const char *next)
{
	size_t depth = 0;
	bool empty_first = false;
	const char *end = next + strcspn(next, "?#");
	for (const char *at = next; at < end;) {
		const char *part = at + 1;
		size_t len = strcspn(part, "/?#");
		if (len == 2 && strncmp(part, "..", 2) == 0) {
			depth -= depth > 0;
		} else if (!(len == 1 && *part == '.')) {
			depth++;
			if (depth == 1)
				empty_first = len == 0 && part + len < end;
		}
		at = part + len;
	}
	return depth > 1 && empty_first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char query[] = "/auth/refresh?next=";
	struct fuzz_parts parts = { data, data + size };
	char *whole = fuzz_text(data, size), *decoded = malloc(size + 1);
	char *one = fuzz_part(&parts, '\n'), *other = fuzz_part(&parts, '\0');

	fuzz_begin();
	HOLDS(decoded != NULL && url_decode(decoded, whole, size) <= size);
	const char *next = url_next(whole, "/auth");
	HOLDS(next == whole || strcmp(next, "/") == 0);
	HOLDS(stays_here(next) && !resolves_to_a_host(next));
	HOLDS(strlen(next) <= URL_NEXT_MAX_BYTES);
	HOLDS(strncmp(next, "/auth/login", strlen("/auth/login")) != 0 || next[11] == '-' ||
		!strchr("/?#", next[11]));
	HOLDS(strcmp(url_next(next, "/auth"), next) == 0);
	const char *link = url_with_next(fuzz_arena, "/auth", "refresh", whole);
	HOLDS(strncmp(link, query, strlen(query)) == 0);
	link += strlen(query);
	HOLDS(strspn(link,
		      "-._~/%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
		strlen(link));
	char *back = fuzz_text(link, strlen(link));
	size_t len = url_decode(back, back, strlen(back));
	HOLDS(len == strlen(next) && memcmp(back, next, len) == 0);
	HOLDS(origin_is_same(one, other) == origin_is_same(other, one));
	HOLDS(!origin_is_same(one, other) || (origin_is_same(one, one) && !strchr(one, '@')));
	free(back);
	free(one);
	free(other);
	free(decoded);
	free(whole);
	return 0;
}
