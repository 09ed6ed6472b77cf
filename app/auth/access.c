#include "auth/access.h"

#include <stdint.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/facts.h"
#include "auth/known.h"
#include "auth/remembered.h"
#include "auth/rules.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"

enum { ACCESS_CLOCK_MAX_AGE_MS = 60 * 1000 };

/* A token never outlives its session: one that ends with it ends for good, so that nobody is sent
 * to refresh in vain. */
static enum reason access_expired(const struct auth *auth, const struct token *token)
{
	int64_t life = token->exp - token->auth_time;

	return life == auth->settings->session.absolute_timeout ||
			       life == auth->settings->session.remember_absolute
		       ? REASON_ABSOLUTE_TIMEOUT
		       : REASON_EXPIRED;
}

static enum reason access_judge(const struct auth *auth, const struct caller *caller,
	const struct token *token, const struct facts *facts)
{
	/* By the store's clock, learnt in the same round trip. */
	if (clock_agreed_sec() >= token->exp)
		return access_expired(auth, token);
	if (!facts->session_lives)
		return REASON_SESSION_ENDED;
	if (facts->denied)
		return REASON_TOKEN_REVOKED;
	if (!facts->user_exists || facts->user_disabled)
		return REASON_USER_DISABLED;
	if (token->ver < facts->ver || facts->session_ver < facts->ver)
		return REASON_VERSION_SUPERSEDED;
	/* Still the browser that the session was given to? */
	if (!session_context_fits(caller, facts->context, auth->settings->session.bind))
		return REASON_CONTEXT_CHANGED;
	return REASON_OK;
}

static bool access_renew_is_due(
	const struct auth *auth, const struct access_request *request, const struct facts *facts)
{
	bool any = auth->settings->session.activity == SETTINGS_ACTIVITY_ANY;
	/* Style rotate is prolonged by each refresh, unless a script's does not count: then by the
	 * page loads themselves, of which /auth/refresh may see none. */
	bool counts = facts->sliding ? any || request->navigation : !any && request->navigation;

	return counts && !request->passive && facts->left_sec < facts_renew_below(auth, facts);
}

/* False: to be asked again by who is not in a hurry. */
static bool access_renew(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, const struct token *token, struct facts *facts)
{
	if (!access_renew_is_due(auth, request, facts))
		return true;
	if (caller->patience == CALLER_MEMORY_ONLY)
		return false;
	if (facts_renew(auth, caller, token, facts) == FACTS_OK)
		return true;
	if (caller->patience != CALLER_WAITS)
		return false;
	/* A prolongation that fails is no reason to refuse: the session still lives. */
	log_warn("session not prolonged: the store did not answer");
	return true;
}

/* AUTH_<NAME> for each extra field that the user's record has. */
static void access_fill_extra(
	const struct caller *caller, const struct facts *facts, struct access *out)
{
	struct access_field *extra =
		arena_alloc(caller->arena, (facts->extra_count + 1) * sizeof *extra);

	for (size_t i = 0; i < facts->extra_count; i++) {
		if (!facts->extra[i].value)
			continue;
		char *name = arena_printf(caller->arena, "AUTH_%s", facts->extra[i].field);
		for (char *c = name; *c; c++)
			*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		extra[out->extra_count++] =
			(struct access_field){ .name = name, .value = facts->extra[i].value };
	}
	out->extra = extra;
}

/* Before the store's time is known, this machine's clock may be minutes away from it: a token that
 * seems to be of another time is looked at again with the time they agree on. */
static enum reason access_verify(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, struct token *out)
{
	const char *text = request->token;
	size_t len = request->token_len;
	enum reason reason;

	if (auth->remembered && remembered_find(auth->remembered, text, len, out))
		reason = token_check_times(out);
	/* Strangers can make it verify as many as they like: not on a thread that accepts. */
	else if (caller->patience != CALLER_WAITS)
		return REASON_STORE_UNAVAILABLE;
	else if ((reason = token_verify(auth->keys, auth->settings, text, len, out)) == REASON_OK &&
		 auth->remembered)
		remembered_add(auth->remembered, text, len, out);
	if ((reason != REASON_EXPIRED && reason != REASON_NOT_YET_VALID) ||
		clock_is_learnt(ACCESS_CLOCK_MAX_AGE_MS))
		return reason;
	/* Without the store nobody can say what time it is: that is no "no". */
	if (facts_learn_clock(auth, caller) != FACTS_OK)
		return REASON_STORE_UNAVAILABLE;
	return token_check_times(out);
}

static bool access_may_be_stale(const struct auth *auth, const struct rule *rule)
{
	switch (rule->on_failure) {
	case RULES_FAILURE_STALE:
		return true;
	case RULES_FAILURE_DENY:
		return false;
	case RULES_FAILURE_AS_SET:
		break;
	}
	return auth->settings->failure.on_store_failure == SETTINGS_FAILURE_STALE;
}

/* What the store says; where it says nothing and the rule allows it, what it last said. */
static enum facts_result access_look(const struct auth *auth, const struct caller *caller,
	const struct rule *rule, struct access *out, struct facts *facts)
{
	struct known_answer known = { .facts = facts };
	int64_t asked_ms = auth->known ? facts_asked_ms(caller) : 0;

	if (facts_read(auth, caller, &out->token, facts) == FACTS_OK) {
		if (auth->known)
			known_note(auth->known, &out->token, facts, asked_ms);
		return FACTS_OK;
	}
	/* To who is in a hurry a fault says only that the store is to be asked again. */
	if (caller->patience != CALLER_WAITS || !access_may_be_stale(auth, rule) ||
		!known_find(auth->known, caller->arena, &out->token,
			auth->settings->failure.stale_max, &known))
		return FACTS_FAULT;
	out->degraded = true;
	out->tell_degraded = known.tell;
	return FACTS_OK;
}

static enum access_result access_fault(struct access *out)
{
	out->degraded = false;
	out->reason = REASON_STORE_UNAVAILABLE;
	return ACCESS_FAULT;
}

static enum access_result access_identify(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, const struct rule *rule, struct access *out)
{
	struct facts facts;

	out->reason = request->token_reason;
	if (!request->token)
		return ACCESS_UNAUTHENTICATED;
	out->reason = access_verify(auth, caller, request, &out->token);
	if (out->reason == REASON_EXPIRED)
		out->reason = access_expired(auth, &out->token);
	if (out->reason == REASON_STORE_UNAVAILABLE)
		return ACCESS_FAULT;
	if (out->reason != REASON_OK)
		return ACCESS_UNAUTHENTICATED;
	if (access_look(auth, caller, rule, out, &facts) != FACTS_OK)
		return access_fault(out);
	out->elsewhere = facts.session_ended_elsewhere;
	out->reason = access_judge(auth, caller, &out->token, &facts);
	/* What was known a minute ago lets in, but is no "no". */
	if (out->reason != REASON_OK)
		return out->degraded ? access_fault(out) : ACCESS_UNAUTHENTICATED;
	if (!out->degraded && !access_renew(auth, caller, request, &out->token, &facts))
		return access_fault(out);
	out->user.id = out->token.sub;
	out->user.name = facts.name;
	out->user.roles = facts.roles;
	out->user.ver = facts.ver;
	out->idle_left_sec = facts.left_sec;
	out->absolute_end = facts.absolute_end;
	access_fill_extra(caller, &facts, out);
	return ACCESS_ALLOWED;
}

static enum access_result access_deny(struct access *out, const char *missing_role)
{
	out->reason = REASON_ROLE_MISSING;
	out->missing_role = missing_role;
	return ACCESS_DENIED;
}

static enum access_result access_check_roles(const struct rule *rule, struct access *out)
{
	const char *role = rule->roles;

	while (*role) {
		size_t len = strcspn(role, ",");

		if (user_has_role(out->user.roles, role, len))
			return ACCESS_ALLOWED;
		role += len + (role[len] == ',');
	}
	return access_deny(out, rule->roles);
}

static enum access_result access_anonymous(struct access *out)
{
	enum reason reason = out->reason;

	/* Nothing of an identity that was not accepted may be handed on. */
	memset(out, 0, sizeof *out);
	out->reason = reason;
	out->anonymous = true;
	return ACCESS_ALLOWED;
}

/* NULL: the path is one that nobody may ask for. */
static const struct rule *access_rule(
	const struct auth *auth, const struct caller *caller, const struct access_request *request)
{
	/* Our own pages, which can do nothing without the store. */
	static const struct rule signed_in = {
		.need = RULES_SIGNED_IN, .roles = "", .on_failure = RULES_FAILURE_DENY
	};

	if (!request->uri)
		return &signed_in;
	const char *path = rules_normalise(caller->arena, request->uri);
	return path ? rules_find(auth->rules, request->method, path) : NULL;
}

bool access_will_ask(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, struct token *token)
{
	const struct rule *rule = access_rule(auth, caller, request);

	return rule && rule->need != RULES_ANYONE && rule->need != RULES_DENY && request->token &&
	       access_verify(auth, caller, request, token) == REASON_OK &&
	       facts_may_ask(auth, caller, token);
}

enum access_result access_decide(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, struct access *out)
{
	const struct rule *rule = access_rule(auth, caller, request);

	memset(out, 0, sizeof *out);
	if (!rule)
		return access_deny(out, NULL);
	if (rule->need == RULES_ANYONE)
		return access_anonymous(out);
	if (rule->need == RULES_DENY)
		return access_deny(out, NULL);
	enum access_result result = access_identify(auth, caller, request, rule, out);
	bool later = result == ACCESS_FAULT && caller->patience != CALLER_WAITS;
	if (rule->need == RULES_OPTIONAL && result != ACCESS_ALLOWED && !later)
		return access_anonymous(out);
	if (rule->need == RULES_ROLE && result == ACCESS_ALLOWED)
		result = access_check_roles(rule, out);
	return out->degraded && result == ACCESS_DENIED ? access_fault(out) : result;
}
