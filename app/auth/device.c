#include "auth/device.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct device_mark {
	const char *mark;
	const char *word;
};

/* First match wins, so the more special stand first (Edge and Opera also say Chrome and Safari). */
static const struct device_mark browsers[] = {
	{ "Edg", "Edge" },
	{ "OPR/", "Opera" },
	{ "SamsungBrowser", "Samsung Internet" },
	{ "Vivaldi", "Vivaldi" },
	{ "Firefox/", "Firefox" },
	{ "FxiOS", "Firefox" },
	{ "CriOS", "Chrome" },
	{ "Chromium", "Chromium" },
	{ "Chrome/", "Chrome" },
	{ "Safari/", "Safari" },
	{ "curl/", "curl" },
	{ "python", "Python" },
	{ "Python", "Python" },
	{ NULL, NULL },
};
static const struct device_mark systems[] = {
	{ "iPhone", "iPhone" },
	{ "iPad", "iPad" },
	{ "Android", "Android" },
	{ "Windows", "Windows" },
	{ "CrOS", "ChromeOS" },
	{ "Mac OS X", "Mac" },
	{ "Linux", "Linux" },
	{ NULL, NULL },
};

static const char *device_find(const struct device_mark *marks, const char *agent)
{
	for (; marks->mark; marks++)
		if (strstr(agent, marks->mark))
			return marks->word;
	return NULL;
}

void device_words(const char *agent, char out[DEVICE_MAX + 1])
{
	const char *browser = device_find(browsers, agent);
	const char *system = device_find(systems, agent);

	snprintf(out, DEVICE_MAX + 1, "%s%s%s", browser ? browser : DEVICE_UNKNOWN,
		system ? " on " : "", system ? system : "");
}
