#include "auth/scan.h"

#include <string.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"

enum { SCAN_BATCH_BYTES = 64 << 20 };

/* A prefix is text, MATCH is a pattern. */
static const char *scan_pattern(struct arena *arena, const char *prefix)
{
	struct buf pattern;

	buf_init(&pattern, arena, 2 * strlen(prefix) + 1);
	for (; *prefix; prefix++) {
		if (strchr("*?[]^-\\", *prefix))
			buf_add_char(&pattern, '\\');
		buf_add_char(&pattern, *prefix);
	}
	buf_add_char(&pattern, '*');
	return pattern.data;
}

static bool scan_visit(
	const struct store_value *found, struct arena *arena, scan_visitor *visit, void *context)
{
	const char **keys = arena_alloc(arena, (found->count + 1) * sizeof *keys);
	size_t count = 0;

	for (size_t i = 0; i < found->count; i++) {
		const char *key = store_item_text(found, i);
		if (key)
			keys[count++] = key;
	}
	return count == 0 || visit(keys, count, context);
}

/* One batch from *cursor, which then holds the next one. */
static bool scan_step(const struct auth *auth, const struct caller *caller, const char *pattern,
	char cursor[32], struct store_value *reply)
{
	struct store_command command =
		store_read("SCAN", cursor, "MATCH", pattern, "COUNT", "500", NULL);

	if (store_run_one(auth->store, caller->arena, caller->deadline, &command, reply) !=
		STORE_OK)
		return false;
	const char *next = store_item_text(reply, 0);
	if (!next || strlen(next) >= 32 || reply->count != 2)
		return false;
	memcpy(cursor, next, strlen(next) + 1);
	return true;
}

bool scan_each(const struct auth *auth, const struct caller *caller, const char *rest,
	scan_visitor *visit, void *context)
{
	const char *pattern =
		scan_pattern(caller->arena, store_key(auth->store, caller->arena, rest));
	struct caller batch = *caller;
	char cursor[32] = "0";
	bool ok = true;

	batch.arena = arena_new(SCAN_BATCH_BYTES);
	do {
		struct store_value reply = { 0 };
		arena_reset(batch.arena);
		ok = scan_step(auth, &batch, pattern, cursor, &reply) &&
		     scan_visit(&reply.item[1], batch.arena, visit, context);
	} while (ok && strcmp(cursor, "0") != 0);
	arena_free(batch.arena);
	return ok;
}
