/* Request targets, and patterns of rules (behind a line feed). A normalised path has no dot
 * segment, no doubled slash, nothing that a second reading would change, and is its own normal
 * form; matching agrees with the plain recursive definition. */
#include "auth/path.h"
#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "http/url.h"

#include <strings.h>

static bool has_segment(const char *path, const char *segment)
{
	size_t len = strlen(segment);
	for (const char *at = path; (at = strchr(at, '/')); at++) {
		if (strncmp(at + 1, segment, len) == 0 && strchr("/;", at[1 + len]))
			return true;
	}
	return false;
}

static void judge_path(const char *path)
{
	struct buf again;
	HOLDS(*path == '/' && !strstr(path, "//") && !strchr(path, '\\'));
	HOLDS(!has_segment(path, ".") && !has_segment(path, ".."));
	for (const char *c = path; *c; c++)
		HOLDS((unsigned char)*c >= ' ' && *c != 0x7f);
	HOLDS(!strcasestr(path, "%2f") && !strcasestr(path, "%2e") && !strcasestr(path, "%5c") &&
		!strstr(path, "%00") && !strstr(path, "%25"));
	buf_init(&again, fuzz_arena, 3 * strlen(path));
	url_add_query_value(&again, path);
	HOLDS(buf_ok(&again));
	const char *same = path_normalise(fuzz_arena, again.data);
	HOLDS(same && strcmp(same, path) == 0);
}

/* Some servers decode an encoded slash and some do not: it has no one meaning. */
static void judge_target(const char *target)
{
	size_t len = strcspn(target, "?#");
	if (*target != '/')
		return;
	for (size_t i = 0; i + 3 <= len; i++)
		HOLDS(strncasecmp(target + i, "%2f", 3) != 0 &&
			strncasecmp(target + i, "%5c", 3) != 0 &&
			strncmp(target + i, "%00", 3) != 0);
}

static size_t char_len(const char *text)
{
	size_t len = 1;
	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* As the manual says it. Only for short ones: it tries everything. */
static bool matches_slowly(const char *pattern, const char *end, const char *path)
{
	if (pattern == end)
		return *path == '\0';
	if (*pattern == '*')
		return matches_slowly(pattern + 1, end, path) ||
		       (*path && matches_slowly(pattern, end, path + 1));
	if (!*path)
		return false;
	if (*pattern == '?')
		return matches_slowly(pattern + 1, end, path + char_len(path));
	return *pattern == *path && matches_slowly(pattern + 1, end, path + 1);
}

static int stars(const char *pattern)
{
	int count = 0;
	for (; *pattern; pattern++)
		count += *pattern == '*';
	return count;
}

static void judge_match(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);
	bool folder = len >= 2 && strcmp(pattern + len - 2, "/*") == 0;
	bool slow = matches_slowly(pattern, pattern + len, path) ||
		    (folder && matches_slowly(pattern, pattern + len - 2, path));
	HOLDS(path_matches(pattern, path) == slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts parts = { data, data + size };
	char *target = fuzz_part(&parts, '\n'), *pattern = fuzz_part(&parts, '\0');

	fuzz_begin();
	const char *path = path_normalise(fuzz_arena, target);
	if (path) {
		judge_path(path);
		judge_target(target);
	}
	if (path && strlen(path) < 40 && strlen(pattern) < 20 && stars(pattern) < 5)
		judge_match(pattern, path);
	/* What can match no path matches none; of a folder that is written with two slashes
	 * (refused as well) it is the folder itself that could. */
	size_t len = strlen(pattern);
	bool two_slashes = len >= 3 && strcmp(pattern + len - 3, "//*") == 0;
	HOLDS(!path || !path_fault_of_pattern(pattern) || len > 500 || strchr(pattern, '%') ||
		two_slashes || !path_matches(pattern, path));
	free(target);
	free(pattern);
	return 0;
}
