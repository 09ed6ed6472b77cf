#include "ctl/ctl_doctor.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/user.h"
#include "base/arena.h"
#include "base/encode.h"
#include "base/settings.h"
#include "ctl/ctl_forgery.h"
#include "ctl/ctl_guard.h"
#include "ctl/ctl_mode.h"
#include "ctl/ctl_redis.h"
#include "ctl/ctl_site.h"
#include "ctl/ctl_trick.h"
#include "ctl/ctl_visit.h"

const char ctl_doctor_agent[] = "doorwardctl doctor";

/* ---- asking ---- */

static size_t add_style(struct ctl_http_request *request, enum ctl_doctor_style style)
{
	static const char *const person[] = { "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
		"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document" };
	static const char *const script[] = { "Accept: application/json",
		"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty" };
	size_t count = sizeof person / sizeof *person;

	for (size_t i = 0; i < count; i++)
		request->header[i] = style == CTL_DOCTOR_PERSON ? person[i] : script[i];
	return count;
}

/* A site that hangs is not asked two hundred times. */
static const struct ctl_http_reply *ask(
	struct ctl_doctor *doctor, const struct ctl_http_request *request)
{
	struct ctl_http_reply *none;

	if (doctor->late < CTL_DOCTOR_LATE_MAX) {
		const struct ctl_http_reply *reply = ctl_http_ask(doctor->http, request);

		doctor->late += reply->result == CTL_HTTP_FAULT;
		if (reply->result == CTL_HTTP_FAULT && doctor->late == CTL_DOCTOR_LATE_MAX)
			ctl_finding_unseen(&doctor->findings,
				"what would have come next: the site does not answer any more (%s).",
				reply->error);
		return reply;
	}
	none = arena_alloc(doctor->ctl->caller.arena, sizeof *none);
	*none = (struct ctl_http_reply){ .result = CTL_HTTP_FAULT,
		.error = "",
		.target = request->target,
		.body = "",
		.local_address = "" };
	return none;
}

const struct ctl_http_reply *ctl_doctor_ask(struct ctl_doctor *doctor, const char *method,
	const char *target, enum ctl_doctor_style style, const char *extra)
{
	struct ctl_http_request request = { .method = method, .target = target };
	size_t count = add_style(&request, style);

	if (!extra || strncasecmp(extra, "User-Agent:", 11) != 0)
		request.header[count++] = "User-Agent: doorwardctl doctor";
	request.header[count] = extra;
	return ask(doctor, &request);
}

const struct ctl_http_reply *ctl_doctor_ask_signed_in(
	struct ctl_doctor *doctor, const char *target, const char *const *extra)
{
	struct ctl_http_request request = { .target = target };
	size_t count = add_style(&request, CTL_DOCTOR_PERSON);

	request.header[count++] = "User-Agent: doorwardctl doctor";
	if (doctor->cookie)
		request.header[count++] = doctor->cookie;
	for (size_t i = 0; extra && extra[i] && count + 1 < CTL_HTTP_HEADERS_MAX; i++)
		request.header[count++] = extra[i];
	return ask(doctor, &request);
}

bool ctl_doctor_is_led_to_sign_in(
	const struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	const char *prefix = doctor->ctl->settings->server.prefix;
	const char *to = ctl_http_header(reply, "Location");
	size_t origin = strlen(doctor->origin), len = strlen(prefix);

	to += strncmp(to, doctor->origin, origin) == 0 ? origin : 0;
	return reply->status >= 300 && reply->status < 400 && strncmp(to, prefix, len) == 0 &&
	       to[len] == '/';
}

const char *ctl_doctor_answer(struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	struct arena *arena = doctor->ctl->caller.arena;
	const char *to = ctl_http_header(reply, "Location");

	if (reply->status == 0)
		return arena_printf(arena, "%s%s gives no answer", doctor->origin, reply->target);
	return arena_printf(arena, "%s%s answers %d%s%s", doctor->origin, reply->target,
		reply->status, *to ? ", to " : "", to);
}

/* ---- what to ask ---- */

/* scheme://authority/path into its origin (lower case, without a default port) and its path. */
static bool read_url(struct ctl_doctor *doctor, const char *url, const char **path)
{
	struct arena *arena = doctor->ctl->caller.arena;
	const char *authority = strstr(url, "://");
	bool secure = strncasecmp(url, "https://", 8) == 0;

	if (!authority || (!secure && strncasecmp(url, "http://", 7) != 0))
		return false;
	authority += 3;
	size_t len = strcspn(authority, "/?#");
	char *host = arena_strndup(arena, authority, len);
	if (len == 0 || strpbrk(host, "@ \t\\"))
		return false;
	for (char *c = host; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	char *port = strrchr(host, ':');
	if (port && strcmp(port, secure ? ":443" : ":80") == 0)
		*port = '\0';
	doctor->origin = arena_printf(arena, "%s://%s", secure ? "https" : "http", host);
	*path = authority[len] == '/'
			? arena_strndup(arena, authority + len, strcspn(authority + len, "#"))
			: "/";
	return true;
}

/* The same host by plain http: port 80 beside port 443, otherwise as the administrator says. */
static bool read_plain(struct ctl_doctor *doctor, const char *port)
{
	struct arena *arena = doctor->ctl->caller.arena;
	char *host = arena_strdup(arena, doctor->origin + strlen("https://"));
	char *own_port = strrchr(host, ':');
	long long number = 80;

	if (own_port && strchr(own_port, ']'))
		own_port = NULL;
	if (port && !encode_parse_uint(port, 1, 65535, &number))
		return false;
	if (own_port)
		*own_port = '\0';
	if (port || !own_port)
		doctor->plain_origin = arena_printf(arena, "http://%s:%lld", host, number);
	return true;
}

static enum ctl_status refuse_argument(const char *sentence)
{
	ctl_refuse("%s", sentence);
	return CTL_USAGE;
}

static enum ctl_status read_arguments(struct ctl_doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	const char *path, *option;
	size_t from = 0;

	if (!read_url(doctor, ctl->args.word[0], &path))
		return refuse_argument(
			"the URL is the site's address as people type it, such as https://www.example.org/private/");
	if (!read_plain(doctor, ctl_args_value(&ctl->args, "http-port")))
		return refuse_argument("--http-port is a number up to 65535");
	doctor->echo = ctl_args_value(&ctl->args, "echo");
	if (doctor->echo && *doctor->echo != '/')
		return refuse_argument("--echo is a path, such as /private/whoami");
	while ((option = ctl_args_next(&ctl->args, "path", &from)) != NULL)
		if (*option != '/')
			return refuse_argument("--path is a path, such as /private/");
	ctl_guard_choose_pages(doctor, strcmp(path, "/") != 0 ? path : NULL);
	return CTL_OK;
}

static enum ctl_status find_visitor(struct ctl_doctor *doctor)
{
	const char *name = ctl_args_value(&doctor->ctl->args, "user");
	enum ctl_status status;

	if (!name || !doctor->store_answers)
		return CTL_OK;
	status = ctl_find_user(doctor->ctl, name, &doctor->user);
	if (status == CTL_OK && doctor->user.disabled)
		status = ctl_refuse("%s is disabled, and cannot be signed in", doctor->user.name);
	return status;
}

/* ---- the examination ---- */

static void examine_site(struct ctl_doctor *doctor)
{
	const char *ca_file = ctl_args_value(&doctor->ctl->args, "cacert");
	struct arena *arena = doctor->ctl->caller.arena;

	if (strncmp(doctor->origin, "https://", 8) != 0) {
		ctl_finding_add(&doctor->findings, CTL_REMEDY_NOT_HTTPS,
			"%s is plain http: whoever is on the way can read and change everything.",
			doctor->origin);
		return;
	}
	doctor->http = ctl_http_new(arena, doctor->origin, ca_file);
	if (doctor->plain_origin)
		doctor->plain = ctl_http_new(arena, doctor->plain_origin, NULL);
	if (!ctl_site_check(doctor))
		return;
	ctl_guard_check(doctor);
	ctl_trick_check(doctor);
	ctl_site_check_plain(doctor);
	ctl_visit_begin(doctor);
	ctl_visit_check(doctor);
	ctl_forgery_check(doctor);
	ctl_visit_end(doctor);
}

enum ctl_status ctl_doctor_run(struct ctl *ctl)
{
	struct ctl_doctor doctor = { .ctl = ctl };
	enum ctl_status status = CTL_USAGE;

	if (!ctl_finding_begin(&doctor.findings, ctl, ctl->args.word[0]) ||
		(status = read_arguments(&doctor)) != CTL_OK)
		goto out;
	ctl_mode_check(&doctor);
	ctl_redis_check(&doctor);
	if ((status = find_visitor(&doctor)) != CTL_OK)
		goto out;
	examine_site(&doctor);
	status = ctl_finding_end(&doctor.findings);
out:
	ctl_finding_free(&doctor.findings);
	ctl_http_free(doctor.plain);
	ctl_http_free(doctor.http);
	return status;
}
