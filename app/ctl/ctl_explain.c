#include "ctl/ctl_explain.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/access.h"
#include "auth/rotation.h"
#include "auth/rules.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"
#include "ctl/ctl_input.h"
#include "ctl/ctl_meaning.h"
#include "ctl/ctl_output.h"
#include "ctl/ctl_refresh.h"

enum { INPUT_MAX_BYTES = 64 * 1024 };

/* What a client would send, and what would become of it. */
struct inquiry {
	struct auth auth; /* with settings that have no effect on the session */
	struct caller caller; /* as the client */
	struct access_request request;
	bool by_request; /* false: only a refresh token was given */
	const char *refresh_token; /* NULL: none */
	const char *path; /* normalised; NULL: not asked for, or cannot be */
	const struct settings_rule *rule; /* NULL: the default */
	enum access_result result;
	struct access access;
	struct ctl_refresh refresh;
};

/* ---- what was given ---- */

static void take_cookie(struct inquiry *inquiry, char *pair)
{
	const struct settings *set = inquiry->auth.settings;
	char *value = strchr(pair, '=');

	if (!value)
		return;
	*value++ = '\0';
	pair += strspn(pair, " \t\r");
	value[strcspn(value, " \t\r")] = '\0';
	if (strcmp(pair, set->cookie.refresh_name) == 0)
		inquiry->refresh_token = value;
	if (strcmp(pair, set->cookie.access_name) != 0)
		return;
	inquiry->request.token_reason = inquiry->request.token_reason == REASON_NO_TOKEN
						? REASON_OK
						: REASON_DUPLICATE_COOKIE;
	inquiry->request.token = value;
	inquiry->request.token_len = strlen(value);
}

/* Servers join several Cookie headers with a comma; our values have none. */
static void take_cookies(struct inquiry *inquiry, char *rest)
{
	char *pair;

	while ((pair = strsep(&rest, ";,\n")) != NULL) {
		pair += strncasecmp(pair, "Cookie:", 7) == 0 ? 7 : 0;
		take_cookie(inquiry, pair);
	}
	if (inquiry->request.token_reason == REASON_DUPLICATE_COOKIE)
		inquiry->request.token = NULL;
}

static void take_text(struct inquiry *inquiry, const char *text)
{
	if (strncasecmp(text, "Authorization:", 14) == 0)
		text += 14 + strspn(text + 14, " \t");
	if (strncasecmp(text, "Bearer ", 7) == 0)
		text += 7 + strspn(text + 7, " \t");
	/* Neither kind of token has such a character. */
	if (strchr(text, '=')) {
		take_cookies(inquiry, arena_strdup(inquiry->caller.arena, text));
	} else if (strlen(text) == ROTATION_TOKEN_LEN && !strchr(text, '.')) {
		inquiry->refresh_token = text;
		inquiry->by_request = false;
	} else if (*text) {
		inquiry->request.token = text;
		inquiry->request.token_len = strlen(text);
	}
}

/* The same settings, but nothing is prolonged, and of the client only that is compared which was
 * told. */
static const struct settings *settings_for(
	const struct ctl *ctl, const char *agent, const char *address)
{
	struct settings *set = arena_alloc(ctl->caller.arena, sizeof *set);
	int64_t bind = ctl->settings->session.bind;
	bool by_agent = agent && (bind == SETTINGS_BIND_AGENT || bind == SETTINGS_BIND_BOTH);
	bool by_address = address && (bind == SETTINGS_BIND_ADDRESS || bind == SETTINGS_BIND_BOTH);

	*set = *ctl->settings;
	set->session.renew_below = 0;
	set->session.bind = by_agent && by_address ? SETTINGS_BIND_BOTH
			    : by_agent             ? SETTINGS_BIND_AGENT
			    : by_address           ? SETTINGS_BIND_ADDRESS
						   : SETTINGS_BIND_NONE;
	return set;
}

static bool read_inquiry(struct ctl *ctl, struct inquiry *inquiry)
{
	const char *agent = ctl_args_value(&ctl->args, "agent");
	const char *address = ctl_args_value(&ctl->args, "address");
	const char *method = ctl_args_value(&ctl->args, "method");
	size_t len = 0;

	inquiry->auth = ctl->auth;
	inquiry->auth.settings = settings_for(ctl, agent, address);
	inquiry->caller = ctl->caller;
	inquiry->caller.agent = agent ? agent : "";
	inquiry->caller.address = address ? address : "";
	inquiry->caller.look_only = true;
	inquiry->by_request = true;
	inquiry->request.token_reason = REASON_NO_TOKEN;
	inquiry->request.method = method ? method : "GET";
	inquiry->request.uri = ctl_args_value(&ctl->args, "uri");
	if (ctl->args.words == 0)
		return true;
	const char *text = ctl_input_text(ctl->caller.arena, INPUT_MAX_BYTES, &len);
	if (text)
		take_text(inquiry, text);
	return text != NULL;
}

/* ---- the decision ---- */

static void find_rule(const struct ctl *ctl, struct inquiry *inquiry)
{
	if (!inquiry->request.uri)
		return;
	inquiry->path = rules_normalise(ctl->caller.arena, inquiry->request.uri);
	if (!inquiry->path)
		return;
	int line = rules_find(ctl->auth.rules, inquiry->request.method, inquiry->path)->line;
	for (size_t i = 0; i < ctl->settings->rules_count; i++)
		if (ctl->settings->rules[i].line == line)
			inquiry->rule = &ctl->settings->rules[i];
}

static const char *const decisions[] = {
	[ACCESS_ALLOWED] = "allowed",
	[ACCESS_UNAUTHENTICATED] = "unauthenticated",
	[ACCESS_DENIED] = "denied",
	[ACCESS_FAULT] = "fault",
};

static const char *decision_of(const struct inquiry *inquiry)
{
	bool anonymous = inquiry->result == ACCESS_ALLOWED && inquiry->access.anonymous;

	return anonymous ? "allowed without identity" : decisions[inquiry->result];
}

static const char *rule_of(const struct ctl *ctl, const struct inquiry *inquiry)
{
	if (!inquiry->request.uri)
		return "none asked for (give --uri): signed in";
	if (!inquiry->path)
		return "none: this path has more than one meaning and is never let through";
	if (!inquiry->rule)
		return "none fits: signed in";
	return arena_printf(ctl->caller.arena, "%s:%d: %s = %s", ctl->settings->path,
		inquiry->rule->line, inquiry->rule->pattern, inquiry->rule->requirement);
}

static void print_identity(struct arena *arena, const struct access *access)
{
	if (!access->token.sub.text[0])
		return;
	ctl_output_field("user", ctl_output_clean(arena, access->user.name && *access->user.name
								 ? access->user.name
								 : access->token.sub.text));
	if (access->user.roles)
		ctl_output_field("roles", ctl_output_clean(arena, access->user.roles));
	ctl_output_field("session", access->token.sid);
	ctl_output_field("token until", ctl_output_time(arena, access->token.exp));
	if (access->absolute_end > 0) {
		ctl_output_field("idle left", ctl_output_span(arena, access->idle_left_sec));
		ctl_output_field("session end", ctl_output_time(arena, access->absolute_end));
	}
	if (access->elsewhere)
		ctl_output_field("ended by", "a newer sign-in, [session] max_sessions");
}

static void print_request(const struct ctl *ctl, const struct inquiry *inquiry)
{
	struct arena *arena = ctl->caller.arena;
	const struct access *access = &inquiry->access;

	ctl_output_field("decision", decision_of(inquiry));
	printf("%-12s %s: %s\n", "reason", reason_code(access->reason),
		ctl_meaning_of(access->reason));
	if (inquiry->request.uri)
		printf("%-12s %s %s\n", "request", ctl_output_clean(arena, inquiry->request.method),
			ctl_output_clean(
				arena, inquiry->path ? inquiry->path : inquiry->request.uri));
	ctl_output_field("rule", rule_of(ctl, inquiry));
	ctl_output_field("missing role", access->missing_role);
	print_identity(arena, access);
	if (ctl->settings->session.bind != inquiry->auth.settings->session.bind)
		ctl_output_field(
			"not compared", "the client ([session] bind); give --agent and --address");
}

static struct json *json_of(const struct ctl *ctl, const struct inquiry *inquiry)
{
	struct json *object = json_object(), *rule = json_object();
	const struct access *access = &inquiry->access;

	if (inquiry->refresh_token)
		json_set(object, "refresh", ctl_refresh_json(&inquiry->refresh));
	if (!inquiry->by_request) {
		json_free(rule);
		return object;
	}
	json_set(object, "decision", json_text(decision_of(inquiry)));
	json_set(object, "reason", json_text(reason_code(access->reason)));
	if (inquiry->path)
		json_set(object, "path",
			json_text(ctl_output_clean(ctl->caller.arena, inquiry->path)));
	if (inquiry->rule) {
		json_set(rule, "line", json_int(inquiry->rule->line));
		json_set(rule, "pattern", json_text(inquiry->rule->pattern));
		json_set(rule, "requirement", json_text(inquiry->rule->requirement));
	}
	json_set(object, "rule", rule);
	if (!access->token.sub.text[0])
		return object;
	json_set(object, "uid", json_text(access->token.sub.text));
	json_set(object, "session", json_text(access->token.sid));
	json_set(object, "token_until", json_int(access->token.exp));
	if (access->user.name) {
		json_set(object, "user",
			json_text(ctl_output_clean(ctl->caller.arena, access->user.name)));
		json_set(object, "roles", ctl_output_roles(access->user.roles));
		json_set(object, "idle_left", json_int(access->idle_left_sec));
		json_set(object, "absolute_end", json_int(access->absolute_end));
	}
	return object;
}

static void print(const struct ctl *ctl, const struct inquiry *inquiry)
{
	struct json *object;

	if (ctl->json) {
		object = json_of(ctl, inquiry);
		puts(json_format(object));
		json_free(object);
		return;
	}
	if (inquiry->by_request)
		print_request(ctl, inquiry);
	if (inquiry->by_request && inquiry->refresh_token)
		putchar('\n');
	if (inquiry->refresh_token)
		ctl_refresh_print(&inquiry->refresh);
}

enum ctl_status ctl_explain_request(struct ctl *ctl)
{
	struct inquiry inquiry = { .by_request = true };

	if (!read_inquiry(ctl, &inquiry))
		return CTL_NO;
	ctl_renew(ctl);
	inquiry.caller.deadline = ctl->caller.deadline;
	if (inquiry.refresh_token && !ctl_refresh_judge(&inquiry.auth, &inquiry.caller,
					     inquiry.refresh_token, &inquiry.refresh))
		return ctl_fault(ctl);
	if (inquiry.by_request) {
		find_rule(ctl, &inquiry);
		inquiry.result = access_decide(
			&inquiry.auth, &inquiry.caller, &inquiry.request, &inquiry.access);
		if (inquiry.result == ACCESS_FAULT)
			return ctl_fault(ctl);
	}
	print(ctl, &inquiry);
	if (!inquiry.by_request)
		return inquiry.refresh.reason == REASON_OK ? CTL_OK : CTL_NO;
	return inquiry.result == ACCESS_ALLOWED ? CTL_OK : CTL_NO;
}
