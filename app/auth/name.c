#include "auth/name.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/log.h"

/* Composed (NFC); unassigned characters are refused, because a newer Unicode may fold them. */
static char *name_map(const char *text, unsigned options)
{
	utf8proc_uint8_t *mapped = NULL;
	options |= UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_REJECTNA;
	utf8proc_ssize_t len = utf8proc_map(
		(const utf8proc_uint8_t *)text, 0, &mapped, (utf8proc_option_t)options);

	if (len == UTF8PROC_ERROR_NOMEM)
		fatal("out of memory: a user name");
	return len < 0 ? NULL : (char *)mapped;
}

/* Format and other invisible characters would make two names that nobody can tell apart. */
static bool name_char_is_allowed(utf8proc_int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	if (c == ',' || c == ':' || utf8proc_get_property(c)->ignorable)
		return false;
	return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF &&
	       category != UTF8PROC_CATEGORY_CO && category != UTF8PROC_CATEGORY_ZL &&
	       category != UTF8PROC_CATEGORY_ZP;
}

static bool name_trim(const char *folded, struct buf *out)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)folded;
	bool space_due = false;

	while (*at) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t len = utf8proc_iterate(at, -1, &c);
		if (len <= 0)
			return false;
		if (utf8proc_category(c) == UTF8PROC_CATEGORY_ZS) {
			space_due = out->len > 0;
		} else if (!name_char_is_allowed(c)) {
			return false;
		} else {
			if (space_due)
				buf_add_char(out, ' ');
			space_due = false;
			buf_add(out, at, (size_t)len);
		}
		at += len;
	}
	return buf_ok(out) && out->len > 0;
}

/* Letters that fold to themselves, digits, and what else mail addresses have: most names, and
 * nothing that Unicode would change. */
static bool name_is_plain(const char *typed)
{
	return typed[strspn(typed, "abcdefghijklmnopqrstuvwxyz0123456789._-@+")] == '\0';
}

bool name_fold(const char *typed, size_t typed_max, char *out, size_t out_size)
{
	char *composed = NULL, *folded = NULL;
	bool ok = false;
	struct buf name;

	buf_init_fixed(&name, out, out_size);
	if (strnlen(typed, typed_max + 1) > typed_max)
		goto out;
	if (name_is_plain(typed)) {
		buf_add_text(&name, typed);
		return buf_ok(&name) && name.len > 0;
	}
	/* Composed before it is folded: folding splits what holds U+0345, and the order of the
	 * marks must be settled by then (Unicode 3.13, D145). */
	if (!(composed = name_map(typed, 0)))
		goto out;
	if (!(folded = name_map(composed, UTF8PROC_CASEFOLD)))
		goto out;
	ok = name_trim(folded, &name);
out:
	free(folded);
	free(composed);
	return ok;
}
