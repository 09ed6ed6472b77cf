#include "ctl/ctl_visit.h"

#include <string.h>
#include <strings.h>

#include "auth/rotation.h"
#include "auth/rules.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/settings.h"
#include "ctl/ctl_cookie.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_forgery.h"
#include "ctl/ctl_guard.h"
#include "ctl/ctl_site.h"

enum { LIFE_SEC = 300 };

/* The same settings, but what is made with them does not live long, even if nobody ends it. */
static struct auth brief_auth(struct ctl *ctl)
{
	struct settings *set = arena_alloc(ctl->caller.arena, sizeof *set);
	struct auth auth = ctl->auth;

	*set = *ctl->settings;
	set->session.idle_timeout = LIFE_SEC;
	set->session.absolute_timeout = LIFE_SEC;
	if (set->session.access_lifetime > LIFE_SEC)
		set->session.access_lifetime = LIFE_SEC;
	auth.settings = set;
	return auth;
}

/* As the web server will see it, for [session] bind. */
static struct caller visitor(struct ctl_doctor *doctor)
{
	struct caller caller = doctor->ctl->caller;
	struct ctl_http_request request = { .target = "/" };

	ctl_renew(doctor->ctl);
	caller.deadline = doctor->ctl->caller.deadline;
	caller.agent = ctl_doctor_agent;
	caller.address = ctl_http_ask(doctor->http, &request)->local_address;
	return caller;
}

/* One more session would end another, or be refused. */
static bool is_full(struct ctl_doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	struct session_info *list = NULL;
	size_t count = 0;

	if (ctl->settings->session.max_sessions == 0)
		return false;
	ctl_renew(ctl);
	return session_list(&ctl->auth, &ctl->caller, &doctor->user.id, &list, &count) !=
		       SESSION_OK ||
	       (int64_t)count >= ctl->settings->session.max_sessions;
}

static bool start(struct ctl_doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	struct arena *arena = ctl->caller.arena;
	const struct settings *set = ctl->settings;
	struct auth auth = brief_auth(ctl);
	struct caller caller = visitor(doctor);
	struct session_wish wish = { .persist = false };
	struct rotation_token refresh = { "" };

	if (session_start(&auth, &caller, &doctor->user, &wish, &doctor->session) != SESSION_OK)
		return false;
	doctor->user_name = doctor->user.name;
	ctl_audit(ctl, "admin.session_started", &doctor->user, doctor->session.handle, "by doctor");
	const char *token = token_mint(&auth, &caller, &doctor->session, &doctor->user);
	if (!token || (!doctor->session.sliding &&
			      !rotation_format(auth.keys, &doctor->session, NULL, &refresh)))
		return false;
	doctor->cookie = arena_printf(arena, "Cookie: %s=%s", set->cookie.access_name, token);
	doctor->refresh_cookie = *refresh.text ? arena_printf(arena, "%s; %s=%s", doctor->cookie,
							 set->cookie.refresh_name, refresh.text)
					       : NULL;
	return true;
}

void ctl_visit_begin(struct ctl_doctor *doctor)
{
	struct ctl_finding_list *findings = &doctor->findings;

	if (!doctor->user.name)
		ctl_finding_unseen(findings,
			"what somebody who is signed in gets: say by --user NAME who that shall be.");
	/* A session's cookies go to the site of the settings and to nobody else. */
	else if (ctl_finding_has(findings, CTL_REMEDY_BASE_URL) ||
		 ctl_finding_has(findings, CTL_REMEDY_PAGES_MISSING))
		ctl_finding_unseen(findings,
			"what somebody who is signed in gets: this is not the site that the settings name.");
	else if (!doctor->ctl->auth.keys)
		ctl_finding_unseen(
			findings, "what somebody who is signed in gets: there are no keys.");
	else if (is_full(doctor))
		ctl_finding_unseen(findings,
			"what %s gets when signed in: one more session than [session] max_sessions would be needed.",
			doctor->user.name);
	else if (!start(doctor))
		ctl_finding_unseen(findings,
			"what %s gets when signed in: the session could not be made.",
			doctor->user.name);
}

/* Anything that keeps shared caches from handing it to others. */
static bool is_private(const struct ctl_http_reply *reply)
{
	return !ctl_http_says(reply, "Cache-Control", "public") &&
	       !ctl_http_says(reply, "Cache-Control", "s-maxage") &&
	       (ctl_http_says(reply, "Cache-Control", "private") ||
		       ctl_http_says(reply, "Cache-Control", "no-store") ||
		       ctl_http_says(reply, "Cache-Control", "no-cache"));
}

static void check_seen(
	struct ctl_doctor *doctor, const char *path, const struct ctl_http_reply *reply)
{
	const char *value = ctl_http_header(reply, "Cache-Control");

	ctl_forgery_check_leak(doctor, reply, path);
	ctl_site_check_hsts(doctor, reply, path);
	if (!is_private(reply))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_CACHEABLE,
			"%s may be kept by a cache and shown to others: it comes %s%s.", path,
			*value ? "with Cache-Control: " : "without Cache-Control", value);
}

static void check_page(struct ctl_doctor *doctor, const char *path)
{
	const struct ctl_http_reply *reply = ctl_doctor_ask_signed_in(doctor, path, NULL);
	const char *answer = ctl_doctor_answer(doctor, reply);

	if (ctl_guard_judge(doctor, reply) == CTL_GUARD_OPEN)
		check_seen(doctor, path, reply);
	else if (reply->status == 401 || ctl_doctor_is_led_to_sign_in(doctor, reply))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_SESSION_REFUSED,
			"%s to %s, whose session these settings made a moment ago.", answer,
			doctor->user_name);
	else
		ctl_finding_unseen(&doctor->findings, "what %s shows: %s to %s.", path, answer,
			doctor->user_name);
}

static void check_refresh(struct ctl_doctor *doctor)
{
	struct ctl_http_request request = { .method = "POST",
		.target = arena_printf(doctor->ctl->caller.arena, "%s/refresh",
			doctor->ctl->settings->server.prefix),
		.header = { "Accept: application/json", "Sec-Fetch-Site: same-origin",
			"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", doctor->refresh_cookie,
			arena_printf(doctor->ctl->caller.arena, "Origin: %s", doctor->origin),
			arena_printf(
				doctor->ctl->caller.arena, "User-Agent: %s", ctl_doctor_agent) } };
	const struct ctl_http_reply *reply = ctl_http_ask(doctor->http, &request);
	const struct settings *set = doctor->ctl->settings;

	if (reply->status != 200) {
		ctl_finding_add(&doctor->findings, CTL_REMEDY_SESSION_REFUSED,
			"POST %s answers %d to %s, whose session these settings made a moment ago.",
			request.target, reply->status, doctor->user_name);
		return;
	}
	if (!ctl_cookie_value(doctor, reply, set->cookie.access_name) ||
		!ctl_cookie_value(doctor, reply, set->cookie.refresh_name))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_COOKIE_MISSING,
			"POST %s does not set both cookies.", request.target);
	ctl_cookie_check(doctor, reply);
	ctl_site_check_no_store(doctor, reply, request.target);
}

void ctl_visit_check(struct ctl_doctor *doctor)
{
	if (!doctor->cookie)
		return;
	for (size_t i = 0; i < doctor->pages; i++)
		if (doctor->page[i].asked)
			check_page(doctor, doctor->page[i].path);
	/* What was named already is not named again by its consequence. */
	if (doctor->refresh_cookie && !ctl_finding_has(&doctor->findings, CTL_REMEDY_BASE_URL) &&
		!ctl_finding_has(&doctor->findings, CTL_REMEDY_PAGES_MISSING) &&
		!ctl_finding_has(&doctor->findings, CTL_REMEDY_DOORWARD_DOWN))
		check_refresh(doctor);
}

void ctl_visit_end(struct ctl_doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;

	if (!doctor->user_name)
		return;
	ctl_renew(ctl);
	switch (session_end(&ctl->auth, &ctl->caller, &doctor->user.id, doctor->session.handle)) {
	case SESSION_OK:
		ctl_audit(ctl, "admin.session_ended", &doctor->user, doctor->session.handle,
			"by doctor");
		break;
	case SESSION_ABSENT:
		break;
	case SESSION_LIMIT:
	case SESSION_FAULT:
		ctl_refuse("the session of %s that was made for this could not be ended; it "
			   "ends by itself within five minutes",
			doctor->user_name);
	}
}
