#include "endpoints/wording.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "auth/device.h"
#include "base/arena.h"
#include "base/clock.h"
#include "endpoints/exchange.h"
#include "http/language.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

const char *wording_moment(struct exchange *x, int64_t at)
{
	time_t seconds = (time_t)at;
	struct tm parts;

	if (at <= 0 || !gmtime_r(&seconds, &parts))
		return "";
	return language_say(exchange_language(x), x->arena, "moment", "year",
		arena_printf(x->arena, "%04d", parts.tm_year + 1900), "month",
		arena_printf(x->arena, "%02d", parts.tm_mon + 1), "day",
		arena_printf(x->arena, "%02d", parts.tm_mday), "hour",
		arena_printf(x->arena, "%02d", parts.tm_hour), "minute",
		arena_printf(x->arena, "%02d", parts.tm_min), NULL);
}

const char *wording_ago(struct exchange *x, int64_t at)
{
	const struct language *language = exchange_language(x);
	int64_t passed = clock_agreed_sec() - at;

	if (at <= 0)
		return "";
	if (passed < MINUTE)
		return language_say(language, x->arena, "ago_now", NULL);
	if (passed < HOUR)
		return language_count(language, x->arena, "ago_minutes", passed / MINUTE);
	if (passed < DAY)
		return language_count(language, x->arena, "ago_hours", passed / HOUR);
	return language_count(language, x->arena, "ago_days", passed / DAY);
}

const char *wording_wait(struct exchange *x, int64_t seconds)
{
	const struct language *language = exchange_language(x);

	if (seconds <= MINUTE)
		return language_count(
			language, x->arena, "wait_seconds", seconds > 1 ? seconds : 1);
	if (seconds <= HOUR)
		return language_count(
			language, x->arena, "wait_minutes", (seconds + MINUTE - 1) / MINUTE);
	return language_count(language, x->arena, "wait_hours", (seconds + HOUR - 1) / HOUR);
}

const char *wording_device(struct exchange *x, const char *device)
{
	static const char on[] = " on ";
	const struct language *language = exchange_language(x);
	const char *split = strstr(device, on);
	const char *browser =
		split ? arena_strndup(x->arena, device, (size_t)(split - device)) : device;

	if (!*browser || strcmp(browser, DEVICE_UNKNOWN) == 0)
		browser = exchange_text(x, "device_browser_unknown");
	if (!split)
		return browser;
	return language_say(language, x->arena, "device", "browser", browser, "system",
		split + strlen(on), NULL);
}
