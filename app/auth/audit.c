#include "auth/audit.h"

#include <string.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/log.h"
#include "store/store.h"

enum { AUDIT_FIELDS = 9, AUDIT_TEXT_MAX = 200, AUDIT_EVENTS_MAX = 10000 };

/* 30 days: long enough to look into what happened, and nothing of a person stays for good. */
static const char audit_lifetime_sec[] = "2592000";

/* What strangers sent, cut to AUDIT_TEXT_MAX bytes between characters. */
static const char *audit_cut(struct arena *arena, const char *text)
{
	if (!text || !*text)
		return NULL;
	size_t len = strnlen(text, AUDIT_TEXT_MAX + 1);
	if (len <= AUDIT_TEXT_MAX)
		return text;
	len = AUDIT_TEXT_MAX;
	while (len > AUDIT_TEXT_MAX - 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return arena_printf(arena, "%.*s...", (int)len, text);
}

static void audit_fields(const struct caller *caller, const struct audit *audit,
	struct log_field fields[AUDIT_FIELDS + 1])
{
	struct arena *arena = caller->arena;
	const struct log_field all[AUDIT_FIELDS + 1] = {
		{ "reason", audit->reason == REASON_OK ? NULL : reason_code(audit->reason) },
		{ "user", audit_cut(arena, audit->user) },
		{ "uid", audit->uid },
		{ "session", audit->session },
		{ "address", audit_cut(arena, caller->address) },
		{ "agent", audit_cut(arena, caller->agent) },
		{ "detail", audit_cut(arena, audit->detail) },
		{ "other", audit_cut(arena, audit->other) },
		{ "path", audit_cut(arena, audit->path) },
		{ NULL, NULL },
	};
	memcpy(fields, all, sizeof all);
}

void audit_log(const struct caller *caller, const struct audit *audit)
{
	struct log_field fields[AUDIT_FIELDS + 1];

	audit_fields(caller, audit, fields);
	log_audit(audit->event, fields);
}

void audit_publish(const struct auth *auth, const struct caller *caller, const struct audit *audit)
{
	struct log_field fields[AUDIT_FIELDS + 1];
	const char *key = store_key(auth->store, caller->arena, "events");
	struct store_value replies[4] = { 0 };
	/* One step: the stream must never be left without an expiry. */
	struct store_command commands[4] = {
		store_write("MULTI", NULL),
		store_write("XADD", key, "MAXLEN", "~", NULL),
		store_write("EXPIRE", key, audit_lifetime_sec, NULL),
		store_write("EXEC", NULL),
	};
	struct store_command *add = &commands[1];

	audit_fields(caller, audit, fields);
	log_audit(audit->event, fields);
	store_arg_int(add, caller->arena, AUDIT_EVENTS_MAX);
	store_arg(add, "*");
	store_arg(add, "event");
	store_arg(add, audit->event);
	for (const struct log_field *field = fields; field->name; field++)
		if (field->text) {
			store_arg(add, field->name);
			store_arg(add, field->text);
		}
	/* The line in the log is the record; a stream that cannot be had is in the log as well. */
	(void)store_run(auth->store, caller->arena, caller->deadline, commands, replies, 4);
}
