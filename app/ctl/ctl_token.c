#include "ctl/ctl_token.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/facts.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/encode.h"
#include "base/json.h"
#include "ctl/ctl_input.h"
#include "ctl/ctl_meaning.h"
#include "ctl/ctl_output.h"
#include "store/store.h"

/* More than a token may have, so that the verdict on a long one is the decision's own. */
enum { INPUT_MAX_BYTES = 64 * 1024 };

/* The token, without "Authorization: Bearer " before it. */
static const char *read_token(struct ctl *ctl, size_t *len)
{
	static const char *const before[] = { "Authorization:", "Bearer " };
	const char *text = ctl_input_text(ctl->caller.arena, INPUT_MAX_BYTES, len);

	if (!text)
		return NULL;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		if (strncasecmp(text, before[i], strlen(before[i])) == 0) {
			text += strlen(before[i]);
			text += strspn(text, " \t");
		}
	*len = strlen(text);
	if (*len > 0)
		return text;
	ctl_refuse("there is no token on standard input");
	return NULL;
}

/* One of the first two parts as JSON; NULL when it is none. Yours. */
static struct json *decode_part(struct arena *arena, const char *text, size_t len)
{
	char *bytes = arena_alloc(arena, len + 1);
	size_t size = 0;

	if (len == 0 || !encode_base64url_decode(bytes, len, &size, text, len))
		return NULL;
	return json_parse(bytes, size);
}

static const char *shown(struct arena *arena, struct json *part)
{
	return part ? ctl_output_clean_lines(arena, json_format_pretty(part)) : "(not JSON)";
}

static void print_decoded(
	struct arena *arena, struct json *object, const struct token *token, enum reason reason)
{
	printf("header %s\nclaims %s\n", shown(arena, json_get(object, "header")),
		shown(arena, json_get(object, "claims")));
	if (token->exp > 0) {
		ctl_output_field("issued", ctl_output_time(arena, token->iat));
		ctl_output_field("expires", ctl_output_time(arena, token->exp));
	}
	printf("%-12s %s", "verifies", reason == REASON_OK ? "yes\n" : "no: ");
	if (reason != REASON_OK)
		printf("%s (%s)\n", reason_code(reason), ctl_meaning_of(reason));
}

enum ctl_status ctl_token_decode(struct ctl *ctl)
{
	struct arena *arena = ctl->caller.arena;
	struct json *object = json_object();
	struct token token;
	size_t len = 0;
	const char *text = read_token(ctl, &len);

	if (!text) {
		json_free(object);
		return CTL_NO;
	}
	if (facts_learn_clock(&ctl->auth, &ctl->caller) != FACTS_OK)
		ctl_refuse("Redis does not answer: whether the token has expired is judged by this "
			   "machine's clock");
	enum reason reason = token_verify(ctl->auth.keys, ctl->settings, text, len, &token);
	size_t header_len = strcspn(text, ".");
	const char *claims = text + header_len + (text[header_len] == '.');
	json_set(object, "header", decode_part(arena, text, header_len));
	json_set(object, "claims", decode_part(arena, claims, strcspn(claims, ".")));
	json_set(object, "verifies", json_bool(reason == REASON_OK));
	json_set(object, "reason", json_text(reason_code(reason)));
	if (ctl->json)
		puts(json_format(object));
	else
		print_decoded(arena, object, &token, reason);
	json_free(object);
	return reason == REASON_OK ? CTL_OK : CTL_NO;
}

static struct json *result_of(const struct token *token, const char *what)
{
	struct json *object = json_set(json_object(), "jti", json_text(token->jti));

	json_set(object, "session", json_text(token->sid));
	return json_set(object, "result", json_text(what));
}

/* Until exp by the store's clock and no longer: afterwards it is refused by itself. */
static enum ctl_status deny(struct ctl *ctl, const struct token *token)
{
	struct arena *arena = ctl->caller.arena;
	struct user user = { .id = token->sub, .name = "" };
	struct store_value reply = { 0 };
	const char *key = store_key_deny(ctl->auth.store, arena, token->sub.text, token->jti);
	struct store_command command = store_read("SET", key, "1", "EX", NULL);

	int64_t left_sec = token->exp - clock_agreed_sec();
	store_arg_int(&command, arena, left_sec > 0 ? left_sec : 1);
	ctl_renew(ctl);
	if (store_run_one(ctl->auth.store, arena, ctl->caller.deadline, &command, &reply) !=
		STORE_OK)
		return ctl_fault(ctl);
	ctl_audit(ctl, "admin.token_denied", &user, token->sid,
		arena_printf(arena, "jti %s", token->jti));
	ctl_output_result(ctl, result_of(token, "denied"),
		"the token is refused from now on. Its session lives; to end that as well:\n"
		"doorwardctl session end %s",
		token->sid);
	return CTL_OK;
}

enum ctl_status ctl_token_deny(struct ctl *ctl)
{
	struct token token;
	size_t len = 0;
	const char *text = read_token(ctl, &len);

	if (!text)
		return CTL_NO;
	if (facts_learn_clock(&ctl->auth, &ctl->caller) != FACTS_OK)
		return ctl_fault(ctl);
	enum reason reason = token_verify(ctl->auth.keys, ctl->settings, text, len, &token);
	if (reason == REASON_OK || reason == REASON_NOT_YET_VALID)
		return deny(ctl, &token);
	if (reason != REASON_EXPIRED)
		return ctl_refuse("not a token of this site: %s (%s)", reason_code(reason),
			ctl_meaning_of(reason));
	ctl_output_result(ctl, result_of(&token, "expired"),
		"the token expired at %s and is refused already",
		ctl_output_time(ctl->caller.arena, token.exp));
	return CTL_OK;
}
