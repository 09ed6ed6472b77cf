#include "auth/known_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"

enum { KNOWN_WAYS = 4, KNOWN_STRIPES = 64 };

struct known_set {
	struct known_entry *way[KNOWN_WAYS];
	int64_t distrust_sec;
};

struct known_table {
	size_t sets; /* a power of two */
	struct known_set *set;
	uint64_t seed;
	pthread_mutex_t stripe[KNOWN_STRIPES];
};

struct known_table *known_table_new(size_t max_entries)
{
	struct known_table *table = calloc(1, sizeof *table);
	size_t sets = KNOWN_STRIPES;

	while (sets * 2 * KNOWN_WAYS <= max_entries)
		sets *= 2;
	if (!table || !(table->set = calloc(sets, sizeof *table->set)))
		fatal("out of memory: %zu known sessions", max_entries);
	table->sets = sets;
	for (int i = 0; i < KNOWN_STRIPES; i++)
		pthread_mutex_init(&table->stripe[i], NULL);
	random_bytes(&table->seed, sizeof table->seed);
	return table;
}

static void known_drop(struct known_entry *entry)
{
	if (entry)
		free(entry->text);
	free(entry);
}

void known_table_free(struct known_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->sets; i++)
		for (int way = 0; way < KNOWN_WAYS; way++)
			known_drop(table->set[i].way[way]);
	for (int i = 0; i < KNOWN_STRIPES; i++)
		pthread_mutex_destroy(&table->stripe[i]);
	free(table->set);
	free(table);
}

void known_table_lock(
	struct known_table *table, const char *uid, const char *handle, struct known_place *out)
{
	snprintf(out->key, sizeof out->key, "%s%s%s", uid, handle ? ":" : "", handle ? handle : "");
	out->hash = hash_bytes(table->seed, out->key, strlen(out->key));
	size_t at = out->hash & (table->sets - 1);
	out->set = &table->set[at];
	out->lock = &table->stripe[at % KNOWN_STRIPES];
	pthread_mutex_lock(out->lock);
}

void known_table_unlock(struct known_place *place)
{
	pthread_mutex_unlock(place->lock);
}

struct known_entry *known_table_find(const struct known_place *place)
{
	for (int i = 0; i < KNOWN_WAYS; i++) {
		struct known_entry *entry = place->set->way[i];

		if (entry && entry->hash == place->hash && strcmp(entry->key, place->key) == 0)
			return entry;
	}
	return NULL;
}

static int64_t known_last_ms(const struct known_entry *entry)
{
	return entry->seen_ms > entry->ended_ms ? entry->seen_ms : entry->ended_ms;
}

static struct known_entry **known_victim(struct known_set *set)
{
	struct known_entry **oldest = &set->way[0];

	for (int i = 0; i < KNOWN_WAYS; i++) {
		if (!set->way[i])
			return &set->way[i];
		if (known_last_ms(set->way[i]) < known_last_ms(*oldest))
			oldest = &set->way[i];
	}
	return oldest;
}

struct known_entry *known_table_take(struct known_place *place)
{
	struct known_entry *entry = known_table_find(place), **victim;

	if (entry)
		return entry;
	victim = known_victim(place->set);
	for (int i = 0; *victim && i < KNOWN_TABLE_DENIED; i++)
		if ((*victim)->denied[i].exp > place->set->distrust_sec)
			place->set->distrust_sec = (*victim)->denied[i].exp;
	known_drop(*victim);
	if (!(entry = calloc(1, sizeof *entry)))
		fatal("out of memory: a known session");
	entry->hash = place->hash;
	memcpy(entry->key, place->key, sizeof entry->key);
	return *victim = entry;
}

int64_t known_table_distrust_sec(const struct known_place *place)
{
	return place->set->distrust_sec;
}
