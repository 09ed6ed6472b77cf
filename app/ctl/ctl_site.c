#include "ctl/ctl_site.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/keys.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/settings.h"
#include "ctl/ctl_cookie.h"
#include "ctl/ctl_doctor.h"

enum { HSTS_LEAST_SEC = 180 * 86400 };

/* A header that TRACE would send back. */
static const char trace_header[] = "Doorward-Doctor: do-not-repeat-this";

static const char *page(struct ctl_doctor *doctor, const char *name)
{
	return arena_printf(
		doctor->ctl->caller.arena, "%s/%s", doctor->ctl->settings->server.prefix, name);
}

static enum ctl_remedy_server server_of(const struct ctl_http_reply *reply)
{
	if (ctl_http_says(reply, "Server", "nginx"))
		return CTL_REMEDY_NGINX;
	if (ctl_http_says(reply, "Server", "Caddy"))
		return CTL_REMEDY_CADDY;
	if (ctl_http_says(reply, "Server", "lighttpd"))
		return CTL_REMEDY_LIGHTTPD;
	return ctl_http_says(reply, "Server", "Apache") ? CTL_REMEDY_APACHE : CTL_REMEDY_ANY;
}

void ctl_site_check_hsts(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *what)
{
	const char *value = ctl_http_header(reply, "Strict-Transport-Security");
	const char *age = strcasestr(value, "max-age=");

	if (ctl_finding_has(&doctor->findings, CTL_REMEDY_HSTS))
		return;
	if (!*value)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_HSTS,
			"%s comes without Strict-Transport-Security: the first visit by plain http can be led anywhere.",
			what);
	else if (!age || strtoll(age + 8 + (age[8] == '"'), NULL, 10) < HSTS_LEAST_SEC)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_HSTS,
			"%s comes with Strict-Transport-Security: %s, which holds for less than half a year.",
			what, value);
}

void ctl_site_check_no_store(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *what)
{
	const char *value = ctl_http_header(reply, "Cache-Control");

	if (!ctl_http_says(reply, "Cache-Control", "no-store"))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_CACHEABLE,
			"%s may be kept by caches: it comes %s%s, without no-store.", what,
			*value ? "with Cache-Control: " : "without Cache-Control", value);
}

static void check_login(struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	bool ours = reply->status == 200 && strstr(reply->body, "name=\"csrf\"");

	if (reply->status >= 500)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_DOORWARD_DOWN,
			"the sign-in page, %s, answers %d.", page(doctor, "login"), reply->status);
	else if (!ours)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_PAGES_MISSING,
			"%s is not Doorward's sign-in page (it answers %d).", page(doctor, "login"),
			reply->status);
	if (!ours)
		return;
	ctl_site_check_hsts(doctor, reply, "the sign-in page");
	ctl_site_check_no_store(doctor, reply, "the sign-in page");
	ctl_cookie_check(doctor, reply);
	if (!*ctl_http_header(reply, "Set-Cookie"))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_COOKIE_MISSING,
			"the sign-in page sets no cookie, so that nobody can sign in.");
}

/* Only what the running Doorward says itself can be believed; another answer says that these pages
 * are not for us. */
static void check_status(struct ctl_doctor *doctor)
{
	const struct ctl_http_reply *ready = ctl_doctor_ask(
		doctor, "GET", page(doctor, "health/ready"), CTL_DOCTOR_SCRIPT, NULL);
	const struct ctl_http_reply *jwks =
		ctl_doctor_ask(doctor, "GET", page(doctor, "jwks.json"), CTL_DOCTOR_SCRIPT, NULL);
	const struct keys *keys = doctor->ctl->auth.keys;

	if (ready->status == 503 && !ctl_finding_has(&doctor->findings, CTL_REMEDY_DOORWARD_DOWN))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_DOORWARD_DOWN,
			"Doorward says that it is not ready (%s answers 503)%s.",
			page(doctor, "health/ready"),
			doctor->store_answers ? ", although Redis answers here" : "");
	if (keys && jwks->status == 200 && strstr(jwks->body, "\"keys\"") &&
		!strstr(jwks->body, keys_signing_at(keys, clock_agreed_sec())->kid))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_KEYS_DIFFER,
			"the Doorward that answers does not know the key %s, which signs by the files in %s.",
			keys_signing_at(keys, clock_agreed_sec())->kid,
			doctor->ctl->settings->token.keys_dir);
}

static void check_trace(struct ctl_doctor *doctor)
{
	const char *const targets[] = { "/", page(doctor, "login"),
		doctor->pages ? doctor->page[0].path : "/" };

	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		const struct ctl_http_reply *reply = ctl_doctor_ask(
			doctor, "TRACE", targets[i], CTL_DOCTOR_SCRIPT, trace_header);

		if (reply->status != 200 || !strstr(reply->body, "do-not-repeat-this"))
			continue;
		ctl_finding_add(&doctor->findings, CTL_REMEDY_TRACE,
			"TRACE %s sends back what it got: a script could read cookies that it must not see.",
			targets[i]);
		return;
	}
}

static void check_date(struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	long long there = ctl_http_date(reply), apart = there - (long long)clock_now_sec();

	if (there > 0 && llabs(apart) > CTL_DOCTOR_CLOCK_SEC)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_CLOCK,
			"the clock of the web server is %lld seconds %s that of this machine.",
			llabs(apart), apart > 0 ? "ahead of" : "behind");
}

static void check_base_url(struct ctl_doctor *doctor)
{
	const char *base = doctor->ctl->settings->server.base_url;

	if (*base && strcasecmp(base, doctor->origin) != 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_BASE_URL,
			"[server] base_url is %s, the site is asked as %s: nobody can sign in here.",
			base, doctor->origin);
}

bool ctl_site_check(struct ctl_doctor *doctor)
{
	const struct ctl_http_reply *login =
		ctl_doctor_ask(doctor, "GET", page(doctor, "login"), CTL_DOCTOR_PERSON, NULL);

	switch (login->result) {
	case CTL_HTTP_CERTIFICATE:
		ctl_finding_add(&doctor->findings, CTL_REMEDY_CERTIFICATE,
			"the certificate of %s cannot be trusted: %s.", doctor->origin,
			login->error);
		return false;
	case CTL_HTTP_NO_REPLY:
	case CTL_HTTP_FAULT:
		ctl_finding_add(&doctor->findings, CTL_REMEDY_UNREACHABLE,
			"%s does not answer: %s.", doctor->origin, login->error);
		return false;
	case CTL_HTTP_OK:
		break;
	}
	doctor->findings.server = server_of(login);
	check_base_url(doctor);
	check_date(doctor, login);
	check_login(doctor, login);
	check_status(doctor);
	check_trace(doctor);
	return true;
}

/* https, or a plain no: everything else means that plain http is served, and that cookies may be
 * set or asked for by it. */
static bool is_turned_away(const struct ctl_http_reply *reply)
{
	bool redirects = reply->status >= 300 && reply->status < 400;

	if (redirects)
		return strncasecmp(ctl_http_header(reply, "Location"), "https://", 8) == 0;
	return reply->status == 0 || reply->status == 400 || reply->status == 403 ||
	       reply->status == 404 || reply->status == 421 || reply->status == 426 ||
	       reply->status >= 500;
}

void ctl_site_check_plain(struct ctl_doctor *doctor)
{
	struct ctl_http_request request = { .header = { "Accept: text/html" } };

	if (!doctor->plain) {
		ctl_finding_unseen(&doctor->findings,
			"plain http: the port is not known; say --http-port 80, or the one it has.");
		return;
	}
	for (size_t i = 0; i <= doctor->pages; i++) {
		request.target = i < doctor->pages ? doctor->page[i].path : page(doctor, "login");
		const struct ctl_http_reply *reply = ctl_http_ask(doctor->plain, &request);

		if (reply->result == CTL_HTTP_FAULT)
			return;
		if (is_turned_away(reply))
			continue;
		ctl_finding_add(&doctor->findings, CTL_REMEDY_PLAIN_HTTP,
			"%s%s answers %d by plain http, instead of leading to https.",
			doctor->plain_origin, request.target, reply->status);
		return;
	}
}
