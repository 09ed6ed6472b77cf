#include "auth/known.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/facts.h"
#include "auth/known_table.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	KNOWN_TEXT_MAX_BYTES = 4096,
	KNOWN_TELL_MS = 60 * 1000,
	/* An answer on its way, or one of a mirror that was not told yet, is no proof that what was
	 * ended lives again: longer than any [mirror] lease_ms. */
	KNOWN_SETTLE_MS = 11 * 1000,
};

struct known {
	struct known_table *table;
	_Atomic int64_t realm_ver;
};

struct known *known_new(size_t max_entries)
{
	struct known *known = calloc(1, sizeof *known);

	if (!known)
		fatal("out of memory");
	known->table = known_table_new(max_entries);
	return known;
}

void known_free(struct known *known)
{
	if (known)
		known_table_free(known->table);
	free(known);
}

static void known_end(struct known_entry *entry)
{
	int64_t now_ms = clock_mono_ms();

	entry->seen_ms = 0;
	/* "Rather none of it", which is far ahead, stays. */
	if (entry->ended_ms < now_ms)
		entry->ended_ms = now_ms;
}

/* False when the answer may be older than the end. */
static bool known_revive(struct known_entry *entry, int64_t asked_ms)
{
	if (entry->ended_ms > 0 && asked_ms < entry->ended_ms + KNOWN_SETTLE_MS)
		return false;
	entry->ended_ms = 0;
	if (asked_ms > entry->seen_ms)
		entry->seen_ms = asked_ms;
	return true;
}

static void known_deny(struct known_entry *entry, const struct token *token)
{
	int64_t now = clock_agreed_sec();

	for (int i = 0; i < KNOWN_TABLE_DENIED; i++) {
		struct known_denial *denial = &entry->denied[i];

		if (denial->exp > now && strcmp(denial->jti, token->jti) != 0)
			continue;
		memcpy(denial->jti, token->jti, sizeof denial->jti);
		denial->exp = token->exp;
		return;
	}
	/* So many tokens of one session: rather none of it. */
	entry->ended_ms = INT64_MAX / 2;
	entry->seen_ms = 0;
}

static bool known_is_denied(const struct known_entry *entry, const struct token *token)
{
	for (int i = 0; i < KNOWN_TABLE_DENIED; i++)
		if (strcmp(entry->denied[i].jti, token->jti) == 0)
			return true;
	return false;
}

/* Texts one behind the other, each with its NUL. */
struct known_text {
	char bytes[KNOWN_TEXT_MAX_BYTES];
	size_t len;
	bool too_long;
};

static void known_add_text(struct known_text *out, const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;

	if (len > sizeof out->bytes - out->len) {
		out->too_long = true;
		return;
	}
	if (len > 0)
		memcpy(out->bytes + out->len, text, len);
	out->len += len;
}

/* Nothing is written where nothing changed, which is nearly always. */
static void known_set_text(struct known_entry *entry, const struct known_text *text)
{
	if (entry->text && entry->text_len == text->len &&
		memcmp(entry->text, text->bytes, text->len) == 0)
		return;
	free(entry->text);
	if (!(entry->text = malloc(text->len + 1)))
		fatal("out of memory: a known session");
	memcpy(entry->text, text->bytes, text->len);
	entry->text_len = text->len;
}

/* The version rises: an answer with a lower one is older. */
static void known_note_user(struct known *known, const struct token *token,
	const struct facts *facts, const struct known_text *text, int64_t asked_ms)
{
	struct known_place place;
	int64_t ver = facts->ver - facts->realm_ver;

	known_table_lock(known->table, token->sub.text, NULL, &place);
	struct known_entry *entry = known_table_take(&place);
	if (!facts->user_exists || facts->user_disabled || text->too_long) {
		known_end(entry);
	} else if (ver >= entry->facts.ver && known_revive(entry, asked_ms)) {
		entry->facts = *facts;
		entry->facts.ver = ver;
		known_set_text(entry, text);
	}
	known_table_unlock(&place);
}

static void known_note_session(struct known *known, const struct token *token,
	const struct facts *facts, const struct known_text *text, int64_t asked_ms)
{
	struct known_place place;

	known_table_lock(known->table, token->sub.text, token->sid, &place);
	struct known_entry *entry = known_table_take(&place);
	if (facts->denied)
		known_deny(entry, token);
	if (!facts->session_lives || text->too_long) {
		known_end(entry);
	} else if (!facts->denied && known_revive(entry, asked_ms)) {
		entry->facts = *facts;
		entry->end_sec = clock_agreed_sec() + facts->left_sec;
		known_set_text(entry, text);
	}
	known_table_unlock(&place);
}

static void known_raise(_Atomic int64_t *ver, int64_t seen)
{
	int64_t before = atomic_load_explicit(ver, memory_order_relaxed);

	while (before < seen && !atomic_compare_exchange_weak(ver, &before, seen))
		;
}

void known_note(
	struct known *known, const struct token *token, const struct facts *facts, int64_t asked_ms)
{
	struct known_text text;

	if (!known)
		return;
	text.len = 0;
	text.too_long = false;
	known_raise(&known->realm_ver, facts->realm_ver);
	known_add_text(&text, facts->name);
	known_add_text(&text, facts->roles);
	for (size_t i = 0; i < facts->extra_count; i++)
		if (facts->extra[i].value) {
			known_add_text(&text, facts->extra[i].field);
			known_add_text(&text, facts->extra[i].value);
		}
	known_note_user(known, token, facts, &text, asked_ms);
	text.len = 0;
	text.too_long = false;
	known_add_text(&text, facts->context ? facts->context : "");
	known_note_session(known, token, facts, &text, asked_ms);
}

static void known_end_key(struct known *known, const char *uid, const char *handle)
{
	struct known_place place;

	if (!known)
		return;
	known_table_lock(known->table, uid, handle, &place);
	struct known_entry *entry = known_table_take(&place);
	if (entry->ended_ms < INT64_MAX / 2)
		known_end(entry);
	known_table_unlock(&place);
}

void known_end_session(struct known *known, const char *uid, const char *handle)
{
	known_end_key(known, uid, handle);
}

void known_end_user(struct known *known, const char *uid)
{
	known_end_key(known, uid, NULL);
}

static const char *known_next_text(const char **at)
{
	const char *text = *at;

	*at += strlen(text) + 1;
	return text;
}

static void known_fill_user(struct arena *arena, const struct known_entry *entry, struct facts *out)
{
	/* At most as many as there were, and each has two texts. */
	struct facts_extra *extra =
		arena_alloc(arena, (entry->facts.extra_count + 1) * sizeof *extra);
	const char *at = arena_alloc(arena, entry->text_len + 1), *end = at + entry->text_len;

	memcpy((char *)(uintptr_t)at, entry->text, entry->text_len);
	*out = entry->facts;
	out->name = known_next_text(&at);
	out->roles = known_next_text(&at);
	out->extra_count = 0;
	out->extra = extra;
	while (at < end) {
		struct facts_extra *one = &extra[out->extra_count++];
		one->field = known_next_text(&at);
		one->value = known_next_text(&at);
	}
}

static bool known_find_user(
	struct known *known, struct arena *arena, const char *uid, struct facts *out)
{
	struct known_place place;

	known_table_lock(known->table, uid, NULL, &place);
	const struct known_entry *entry = known_table_find(&place);
	bool found = entry && entry->seen_ms > 0;
	if (found)
		known_fill_user(arena, entry, out);
	known_table_unlock(&place);
	return found;
}

static bool known_is_fresh(const struct known_place *place, const struct known_entry *entry,
	const struct token *token, int64_t max_age_sec)
{
	int64_t now = clock_agreed_sec(), age_ms = clock_mono_ms() - entry->seen_ms;

	return entry->seen_ms > 0 && age_ms < max_age_sec * 1000 && entry->end_sec > now &&
	       (entry->facts.absolute_end == 0 || entry->facts.absolute_end > now) &&
	       known_table_distrust_sec(place) <= now && !known_is_denied(entry, token);
}

static void known_fill_session(
	struct arena *arena, struct known_entry *entry, struct known_answer *out)
{
	struct facts *facts = out->facts;
	int64_t now_ms = clock_mono_ms();

	facts->session_lives = true;
	facts->session_ended_elsewhere = false;
	facts->denied = false;
	facts->context = arena_strdup(arena, entry->text);
	facts->session_ver = entry->facts.session_ver;
	facts->absolute_end = entry->facts.absolute_end;
	facts->idle_sec = entry->facts.idle_sec;
	facts->sliding = entry->facts.sliding;
	facts->left_sec = entry->end_sec - clock_agreed_sec();
	out->tell = entry->told_ms == 0 || now_ms - entry->told_ms >= KNOWN_TELL_MS;
	if (out->tell)
		entry->told_ms = now_ms;
}

bool known_find(struct known *known, struct arena *arena, const struct token *token,
	int64_t max_age_sec, struct known_answer *out)
{
	struct known_place place;

	if (!known || !known_find_user(known, arena, token->sub.text, out->facts))
		return false;
	out->facts->ver += atomic_load(&known->realm_ver);
	known_table_lock(known->table, token->sub.text, token->sid, &place);
	struct known_entry *entry = known_table_find(&place);
	bool found = entry && known_is_fresh(&place, entry, token, max_age_sec);
	if (found)
		known_fill_session(arena, entry, out);
	known_table_unlock(&place);
	return found;
}
