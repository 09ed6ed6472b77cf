#include "auth/claims.h"

#include "base/encode.h"

#include <string.h>

struct scan {
	char *next;
	const char *end;
};

static bool take(struct scan *scan, char c)
{
	if (scan->next == scan->end || *scan->next != c)
		return false;
	scan->next++;
	return true;
}

static void skip_space(struct scan *scan)
{
	while (take(scan, ' ') || take(scan, '\t') || take(scan, '\r') || take(scan, '\n'))
		;
}

static bool take_around_space(struct scan *scan, char c)
{
	skip_space(scan);
	bool taken = take(scan, c);
	skip_space(scan);
	return taken;
}

/* The string at the scanner, unescaped where it stands; NULL if there is none. */
static char *take_text(struct scan *scan)
{
	if (!take(scan, '"'))
		return NULL;
	char *text = scan->next, *out = text;
	while (scan->next < scan->end) {
		char c = *scan->next++;
		if (c == '"') {
			*out = '\0';
			return text;
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return NULL;
		if (c == '\\') {
			if (scan->next == scan->end)
				return NULL;
			c = *scan->next++;
			if (c != '"' && c != '\\' && c != '/')
				return NULL;
		}
		*out++ = c;
	}
	return NULL;
}

/* Digits only. Whatever else a number could have ("-", ".", "e") is not skipped, so the separator
 * that must follow is missing. */
static bool take_int(struct scan *scan, int64_t *out)
{
	const char *start = scan->next;
	int64_t number = 0;
	for (; scan->next < scan->end && *scan->next >= '0' && *scan->next <= '9'; scan->next++) {
		number = number * 10 + (*scan->next - '0');
		if (number > CLAIMS_INT_MAX)
			return false;
	}
	*out = number;
	return scan->next == start + 1 || (scan->next > start && *start != '0');
}

static bool take_member(struct scan *scan, struct claims *claims)
{
	struct claim claim = { .name = take_text(scan) };
	if (!claim.name || claims_find(claims, claim.name) || claims->count == CLAIMS_MAX)
		return false;
	if (!take_around_space(scan, ':') || scan->next == scan->end)
		return false;
	if (*scan->next == '"') {
		claim.text = take_text(scan);
		if (!claim.text)
			return false;
	} else if (!take_int(scan, &claim.number)) {
		return false;
	}
	claims->list[claims->count++] = claim;
	return true;
}

bool claims_parse(struct claims *claims, char *json, size_t len)
{
	struct scan scan = { .next = json, .end = json + len };
	claims->count = 0;
	if (!encode_is_utf8(json, len) || !take_around_space(&scan, '{'))
		return false;
	if (!take_around_space(&scan, '}')) {
		do {
			if (!take_member(&scan, claims))
				return false;
		} while (take_around_space(&scan, ','));
		if (!take_around_space(&scan, '}'))
			return false;
	}
	return scan.next == scan.end;
}

const struct claim *claims_find(const struct claims *claims, const char *name)
{
	for (size_t i = 0; i < claims->count; i++) {
		if (strcmp(claims->list[i].name, name) == 0)
			return &claims->list[i];
	}
	return NULL;
}

const char *claims_text(const struct claims *claims, const char *name)
{
	const struct claim *claim = claims_find(claims, name);
	return claim ? claim->text : NULL;
}

bool claims_int(const struct claims *claims, const char *name, int64_t *out)
{
	const struct claim *claim = claims_find(claims, name);
	if (!claim || claim->text)
		return false;
	*out = claim->number;
	return true;
}
