#include "ctl/ctl_guard.h"

#include <string.h>

#include "auth/rules.h"
#include "base/arena.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/settings.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_site.h"

enum { ERROR_MAX = 1024, NOISE_BYTES = 6 };

/* The folders that the example configurations protect, and a site that is protected whole. */
static const char *const usual_paths[] = { "/private/", "/admin/", "/app/", "/" };

enum ctl_guard_answer ctl_guard_judge(
	const struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	int status = reply->status;

	if ((status >= 200 && status < 300) || status == 304)
		return CTL_GUARD_OPEN;
	if (status == 401 || status == 403 || ctl_doctor_is_led_to_sign_in(doctor, reply))
		return CTL_GUARD_REFUSED;
	if (status == 404 || status == 410)
		return CTL_GUARD_MISSING;
	return status == 0 || status >= 500 ? CTL_GUARD_BROKEN : CTL_GUARD_ELSEWHERE;
}

/* ---- which pages ---- */

static const struct rule *rule_of(const struct ctl_doctor *doctor, const char *path)
{
	const struct rules *rules = doctor->ctl->auth.rules;
	const char *plain = rules ? rules_normalise(doctor->ctl->caller.arena, path) : NULL;

	return plain ? rules_find(rules, "GET", plain) : NULL;
}

/* By the rules anybody may see it. */
static bool is_public(const struct rule *rule)
{
	return rule && (rule->need == RULES_ANYONE || rule->need == RULES_OPTIONAL);
}

static void add_page(struct ctl_doctor *doctor, const char *path, bool named)
{
	for (size_t i = 0; i < doctor->pages; i++)
		if (strcmp(doctor->page[i].path, path) == 0)
			return;
	if (doctor->pages < CTL_DOCTOR_PAGES_MAX)
		doctor->page[doctor->pages++] =
			(struct ctl_doctor_page){ .path = path, .named = named };
}

/* "GET,POST /admin/reports*" -> "/admin/", when its requirement is a sign-in. */
static void add_rule(struct ctl_doctor *doctor, const struct settings_rule *rule)
{
	const char *path = strchr(rule->pattern, '/');
	bool open = strncmp(rule->requirement, "anyone", 6) == 0 ||
		    strncmp(rule->requirement, "optional", 8) == 0;

	if (open || !path)
		return;
	size_t len = strcspn(path, "*?");
	if (path[len] != '\0')
		while (len > 0 && path[len - 1] != '/')
			len--;
	/* What a request line cannot hold as it is would have to be encoded. */
	if (len > 1 && strcspn(path, " \t%#") >= len &&
		!is_public(rule_of(doctor, arena_strndup(doctor->ctl->caller.arena, path, len))))
		add_page(doctor, arena_strndup(doctor->ctl->caller.arena, path, len), false);
}

void ctl_guard_choose_pages(struct ctl_doctor *doctor, const char *path)
{
	struct ctl *ctl = doctor->ctl;
	char error[ERROR_MAX] = "";
	size_t from = 0;

	if (path)
		add_page(doctor, path, true);
	ctl->auth.rules = rules_parse(ctl->settings, error, sizeof error);
	while ((path = ctl_args_next(&ctl->args, "path", &from)) != NULL)
		add_page(doctor, path, true);
	if (doctor->pages > 0)
		return;
	for (size_t i = 0; i < ctl->settings->rules_count; i++)
		add_rule(doctor, &ctl->settings->rules[i]);
	for (size_t i = 0; i < sizeof usual_paths / sizeof *usual_paths; i++)
		if (!is_public(rule_of(doctor, usual_paths[i])))
			add_page(doctor, usual_paths[i], false);
}

/* ---- what they say ---- */

const char *ctl_guard_nowhere(struct ctl_doctor *doctor, const char *path)
{
	const char *slash = strrchr(path, '/');
	unsigned char noise[NOISE_BYTES];
	char hex[2 * NOISE_BYTES + 1];

	random_bytes(noise, sizeof noise);
	encode_hex(hex, noise, sizeof noise);
	return arena_printf(doctor->ctl->caller.arena, "%.*s/doorward-doctor-%s",
		(int)(slash ? slash - path : 0), path, hex);
}

static void check_refusal(struct ctl_doctor *doctor, const struct ctl_doctor_page *page,
	const struct ctl_http_reply *script)
{
	const struct rule *rule = rule_of(doctor, page->path);
	const struct ctl_http_reply *person =
		ctl_doctor_ask(doctor, "GET", page->path, CTL_DOCTOR_PERSON, NULL);
	bool denied = rule && rule->need == RULES_DENY;

	if (ctl_guard_judge(doctor, person) == CTL_GUARD_OPEN)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_UNPROTECTED,
			"%s, to a browser that is not signed in.",
			ctl_doctor_answer(doctor, person));
	else if (!denied && !ctl_doctor_is_led_to_sign_in(doctor, person))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_NO_REDIRECT,
			"%s to a browser that is not signed in, instead of leading it to the sign-in page.",
			ctl_doctor_answer(doctor, person));
	if (!strstr(script->body, "\"error\""))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_NO_JSON,
			"%s to a script, without the JSON that says why.",
			ctl_doctor_answer(doctor, script));
	ctl_site_check_hsts(doctor, person, page->path);
	/* A bare refusal was named already. */
	if (ctl_doctor_is_led_to_sign_in(doctor, person))
		ctl_site_check_no_store(doctor, person,
			arena_printf(doctor->ctl->caller.arena, "the refusal of %s", page->path));
}

static void check_nowhere(struct ctl_doctor *doctor, const struct ctl_doctor_page *page)
{
	const char *target = ctl_guard_nowhere(doctor, page->path);
	const struct ctl_http_reply *reply =
		ctl_doctor_ask(doctor, "GET", target, CTL_DOCTOR_SCRIPT, NULL);

	/* Beside a single page there may well be public ones. */
	if (ctl_guard_judge(doctor, reply) == CTL_GUARD_MISSING &&
		page->path[strlen(page->path) - 1] == '/' && strlen(page->path) > 1)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_MISSING_PAGES,
			"%s without asking for a sign-in: strangers can tell which pages there are.",
			ctl_doctor_answer(doctor, reply));
}

static void say_open(struct ctl_doctor *doctor, const struct ctl_doctor_page *page,
	const struct ctl_http_reply *reply)
{
	const struct rule *rule = rule_of(doctor, page->path);
	const char *answer = ctl_doctor_answer(doctor, reply);

	if (is_public(rule))
		ctl_finding_add(&doctor->findings, CTL_REMEDY_UNPROTECTED,
			"%s to somebody who is not signed in; line %d of the settings lets anyone in.",
			answer, rule->line);
	else
		ctl_finding_add(&doctor->findings, CTL_REMEDY_UNPROTECTED,
			"%s to somebody who is not signed in.%s", answer,
			page->named
				? ""
				: " (If it is meant to be public, name the protected ones by --path.)");
}

/* /folder -> /folder/ where the web server says so before anything else. */
static const struct ctl_http_reply *ask_page(
	struct ctl_doctor *doctor, struct ctl_doctor_page *page)
{
	const struct ctl_http_reply *reply =
		ctl_doctor_ask(doctor, "GET", page->path, CTL_DOCTOR_SCRIPT, NULL);
	const char *longer = arena_printf(doctor->ctl->caller.arena, "%s/", page->path);
	const char *to = ctl_http_header(reply, "Location");
	size_t origin = strlen(doctor->origin);

	to += strncmp(to, doctor->origin, origin) == 0 ? origin : 0;
	if (reply->status < 300 || reply->status > 399 || strcmp(to, longer) != 0)
		return reply;
	page->path = longer;
	return ctl_doctor_ask(doctor, "GET", page->path, CTL_DOCTOR_SCRIPT, NULL);
}

/* False when the page was only a guess, and a wrong one. */
static bool check_page(struct ctl_doctor *doctor, struct ctl_doctor_page *page)
{
	const struct ctl_http_reply *reply = ask_page(doctor, page);
	const char *answer = ctl_doctor_answer(doctor, reply);

	switch (ctl_guard_judge(doctor, reply)) {
	case CTL_GUARD_REFUSED:
		page->asked = true;
		check_refusal(doctor, page, reply);
		check_nowhere(doctor, page);
		return true;
	case CTL_GUARD_OPEN:
		/* Most sites have a public front page. */
		page->open = page->named || strcmp(page->path, "/") != 0;
		if (page->open)
			say_open(doctor, page, reply);
		return page->open;
	case CTL_GUARD_BROKEN:
		ctl_finding_add(&doctor->findings, CTL_REMEDY_REFUSAL_BROKEN,
			"%s to somebody who is not signed in.", answer);
		return true;
	case CTL_GUARD_MISSING:
	case CTL_GUARD_ELSEWHERE:
		break;
	}
	if (page->named)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_NOT_ASKED,
			"%s without asking for a sign-in.", answer);
	return page->named;
}

void ctl_guard_check(struct ctl_doctor *doctor)
{
	size_t kept = 0;

	for (size_t i = 0; i < doctor->pages; i++)
		if (check_page(doctor, &doctor->page[i]))
			doctor->page[kept++] = doctor->page[i];
	doctor->pages = kept;
	if (kept == 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_NO_PAGE,
			"no protected page was found, so that the protection itself was not tried.");
}
