#include "ctl/ctl_cookie.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/settings.h"
#include "ctl/ctl_doctor.h"

struct cookie {
	const char *name, *value;
	const char *same_site, *path; /* "" when not said */
	bool secure, http_only, has_domain;
};

/* RFC 6265 section 5.2, for what we send ourselves. */
static struct cookie read_cookie(struct arena *arena, const char *line)
{
	char *rest = arena_strdup(arena, line);
	char *pair = strsep(&rest, ";"), *attribute;
	char *equals = strchr(pair, '=');
	struct cookie cookie = { .name = pair, .value = "", .same_site = "", .path = "" };

	if (equals) {
		*equals = '\0';
		cookie.value = equals + 1;
	}
	while ((attribute = strsep(&rest, ";")) != NULL) {
		attribute += strspn(attribute, " \t");
		if (strcasecmp(attribute, "Secure") == 0)
			cookie.secure = true;
		else if (strcasecmp(attribute, "HttpOnly") == 0)
			cookie.http_only = true;
		else if (strncasecmp(attribute, "SameSite=", 9) == 0)
			cookie.same_site = attribute + 9;
		else if (strncasecmp(attribute, "Path=", 5) == 0)
			cookie.path = attribute + 5;
		else if (strncasecmp(attribute, "Domain=", 7) == 0)
			cookie.has_domain = true;
	}
	return cookie;
}

static bool is_ours(const struct settings *set, const char *name)
{
	return strcmp(name, set->cookie.access_name) == 0 ||
	       strcmp(name, set->cookie.refresh_name) == 0 ||
	       strcmp(name, set->cookie.csrf_name) == 0;
}

static bool is_scope_kept(const struct settings *set, const struct cookie *cookie)
{
	bool is_host = strncmp(cookie->name, "__Host-", 7) == 0;

	/* A name that is none of ours was changed on the way, or is somebody else's. */
	return is_ours(set, cookie->name) && !cookie->has_domain &&
	       (!is_host || strcmp(cookie->path, "/") == 0);
}

static void check_one(struct ctl_doctor *doctor, const struct cookie *cookie)
{
	const struct settings *set = doctor->ctl->settings;
	bool strict = set->cookie.same_site == SETTINGS_SAME_SITE_STRICT;
	struct ctl_finding_list *findings = &doctor->findings;

	if (!cookie->secure)
		ctl_finding_add(findings, CTL_REMEDY_COOKIE_INSECURE,
			"the cookie %s arrives without Secure: browsers refuse it, or send it by plain http.",
			cookie->name);
	if (!cookie->http_only)
		ctl_finding_add(findings, CTL_REMEDY_COOKIE_READABLE,
			"the cookie %s arrives without HttpOnly: every script on the page can take it.",
			cookie->name);
	if (strcasecmp(cookie->same_site, "Strict") != 0 &&
		(strict || strcasecmp(cookie->same_site, "Lax") != 0))
		ctl_finding_add(findings, CTL_REMEDY_COOKIE_SAME_SITE,
			"the cookie %s arrives with %s%s, not with the SameSite=%s of the settings: other sites can make a browser send it.",
			cookie->name, *cookie->same_site ? "SameSite=" : "no SameSite",
			cookie->same_site, strict ? "Strict" : "Lax");
	if (!is_scope_kept(set, cookie))
		ctl_finding_add(findings, CTL_REMEDY_COOKIE_SCOPE,
			"Doorward's pages set the cookie %s%s: other hosts of the domain can set or see it.",
			cookie->name, cookie->has_domain ? " with a Domain" : "");
}

void ctl_cookie_check(struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	for (size_t i = 0; i < reply->headers; i++) {
		if (strcasecmp(reply->name[i], "Set-Cookie") != 0)
			continue;
		struct cookie cookie = read_cookie(doctor->ctl->caller.arena, reply->value[i]);

		if (*cookie.value)
			check_one(doctor, &cookie);
	}
}

const char *ctl_cookie_value(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->headers; i++) {
		if (strcasecmp(reply->name[i], "Set-Cookie") != 0)
			continue;
		struct cookie cookie = read_cookie(doctor->ctl->caller.arena, reply->value[i]);

		if (*cookie.value && strcmp(cookie.name, name) == 0)
			return cookie.value;
	}
	return NULL;
}
