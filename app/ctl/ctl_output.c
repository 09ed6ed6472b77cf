#include "ctl/ctl_output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "ctl/ctl.h"

/* Controls (a terminal obeys C1 as well), ends of line, and what turns the direction of writing
 * (CVE-2021-42574). */
static bool misleads(unsigned codepoint)
{
	return codepoint < 0x20 || (codepoint >= 0x7f && codepoint <= 0x9f) ||
	       (codepoint >= 0x200b && codepoint <= 0x200f) ||
	       (codepoint >= 0x2028 && codepoint <= 0x202e) ||
	       (codepoint >= 0x2060 && codepoint <= 0x2069) || codepoint == 0xfeff;
}

static const char *clean(struct arena *arena, const char *text, bool lines)
{
	struct buf out;

	buf_init(&out, arena, 8 * strlen(text) + 1);
	while (*text) {
		size_t len = encode_char_len(text, strlen(text));
		unsigned codepoint = encode_codepoint(text, len);

		if (len == 0)
			buf_add_text(&out, "\xef\xbf\xbd"); /* U+FFFD */
		else if (misleads(codepoint) && !(lines && codepoint == '\n'))
			buf_printf(&out, "\\u%04x", codepoint);
		else
			buf_add(&out, text, len);
		text += len ? len : 1;
	}
	return out.data ? out.data : "";
}

const char *ctl_output_clean(struct arena *arena, const char *text)
{
	return clean(arena, text, false);
}

const char *ctl_output_clean_lines(struct arena *arena, const char *text)
{
	return clean(arena, text, true);
}

const char *ctl_output_time(struct arena *arena, int64_t at_sec)
{
	time_t at = (time_t)at_sec;
	struct tm parts;
	char text[40];

	if (at_sec <= 0 || !gmtime_r(&at, &parts) ||
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return "-";
	return arena_strdup(arena, text);
}

const char *ctl_output_span(struct arena *arena, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" } };

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (seconds >= 2 * units[i].seconds)
			return arena_printf(arena, "%lld %s",
				(long long)(seconds / units[i].seconds), units[i].name);
	return arena_printf(arena, "%lld s", (long long)seconds);
}

void ctl_output_result(const struct ctl *ctl, struct json *object, const char *format, ...)
{
	va_list args;

	if (ctl->json) {
		puts(json_format(object));
	} else {
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
	}
	json_free(object);
}

void ctl_output_field(const char *title, const char *text)
{
	if (text)
		printf("%-12s %s\n", title, text);
}

struct json *ctl_output_roles(const char *roles)
{
	/* Any program may write a user's record; JSON must be UTF-8. */
	return json_text_list(encode_is_utf8(roles, strlen(roles)) ? roles : "(not UTF-8)");
}

bool ctl_output_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	ctl_refuse("the answer could not be written to standard output");
	return false;
}
