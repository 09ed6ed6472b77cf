/* The bounded table of known.c: entries by key, in sets with a lock for each group of sets. */
#ifndef DOORWARD_AUTH_KNOWN_TABLE_H
#define DOORWARD_AUTH_KNOWN_TABLE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/facts.h"
#include "auth/token.h"

enum { KNOWN_TABLE_DENIED = 4, KNOWN_TABLE_KEY_MAX = 22 + 1 + TOKEN_HANDLE_LEN };

struct known_denial {
	char jti[TOKEN_JTI_LEN + 1];
	int64_t exp;
};

/* Of a session ("<uid>:<handle>") or of a user ("<uid>"). */
struct known_entry {
	uint64_t hash;
	char key[KNOWN_TABLE_KEY_MAX + 1];
	int64_t seen_ms; /* alive; 0: not to be believed */
	int64_t ended_ms; /* 0: never */
	int64_t told_ms;
	int64_t end_sec; /* of a session, by the agreed clock */
	struct facts facts; /* numbers; the texts are in text, one behind the other */
	struct known_denial denied[KNOWN_TABLE_DENIED];
	size_t text_len;
	char *text;
};

struct known_table;
struct known_set;

struct known_table *known_table_new(size_t max_entries);
/* known_table_free(NULL) does nothing. */
void known_table_free(struct known_table *table);

/* The place of a key, locked until known_table_unlock. handle NULL: the user's key. */
struct known_place {
	char key[KNOWN_TABLE_KEY_MAX + 1];
	uint64_t hash;
	struct known_set *set;
	pthread_mutex_t *lock;
};
void known_table_lock(
	struct known_table *table, const char *uid, const char *handle, struct known_place *out);
void known_table_unlock(struct known_place *place);

/* NULL when there is none. */
struct known_entry *known_table_find(const struct known_place *place);
/* Made if need be, where a free place is, else where nothing was heard of an entry for longest. */
struct known_entry *known_table_take(struct known_place *place);
/* Until then a denial counts whose entry made room: nothing in this place is to be believed. */
int64_t known_table_distrust_sec(const struct known_place *place);

#endif
