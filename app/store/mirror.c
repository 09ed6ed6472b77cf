#include "store/mirror.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "store/mirror_bytes.h"

enum { MIRROR_WAYS = 8, MIRROR_STRIPES = 64 };

/* bytes: the key, then the replies one after the other (mirror_bytes.h). */
struct mirror_entry {
	uint64_t hash;
	uint64_t ticket;
	int64_t expires_ms; /* monotonic */
	uint32_t key_len;
	uint32_t value_len; /* 0: a placeholder */
	uint32_t count;
	uint32_t source;
	bool absent; /* PTTL said -2 */
	bool nothing; /* the answers say that there is nothing */
	bool lasting; /* PTTL said -1 */
	int64_t left_more_ms; /* by which the key outlives this entry */
	char bytes[];
};

struct mirror_set {
	struct mirror_entry *way[MIRROR_WAYS];
	unsigned next_victim;
};

struct mirror {
	size_t sets; /* a power of two */
	struct mirror_set *set;
	pthread_mutex_t stripe[MIRROR_STRIPES];
	uint64_t seed;
	_Atomic uint64_t tickets;
	/* Of each source; of all that are used, and of any. */
	_Atomic int64_t lease_ms[MIRROR_SOURCES_MAX];
	_Atomic int64_t lease_all_ms, lease_any_ms;
	pthread_mutex_t lease_mutex;
	bool used[MIRROR_SOURCES_MAX];
};

struct mirror *mirror_new(size_t max_entries)
{
	struct mirror *mirror = calloc(1, sizeof *mirror);
	size_t sets = MIRROR_STRIPES;

	while (sets * MIRROR_WAYS < max_entries)
		sets *= 2;
	if (!mirror || !(mirror->set = calloc(sets, sizeof *mirror->set)))
		fatal("out of memory: a mirror of %zu entries", max_entries);
	mirror->sets = sets;
	for (int i = 0; i < MIRROR_STRIPES; i++)
		pthread_mutex_init(&mirror->stripe[i], NULL);
	pthread_mutex_init(&mirror->lease_mutex, NULL);
	mirror->used[0] = true;
	/* Nobody outside can choose keys that fall into one set. */
	random_bytes(&mirror->seed, sizeof mirror->seed);
	return mirror;
}

static void mirror_drop(struct mirror_entry **entry)
{
	if (!*entry)
		return;
	crypto_wipe((*entry)->bytes, (*entry)->key_len + (*entry)->value_len);
	free(*entry);
	*entry = NULL;
}

void mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return;
	mirror_flush(mirror);
	for (int i = 0; i < MIRROR_STRIPES; i++)
		pthread_mutex_destroy(&mirror->stripe[i]);
	pthread_mutex_destroy(&mirror->lease_mutex);
	free(mirror->set);
	free(mirror);
}

/* The sums, under the mutex. */
static void mirror_sum_leases(struct mirror *mirror)
{
	int64_t all_ms = INT64_MAX, any_ms = 0;

	for (int i = 0; i < MIRROR_SOURCES_MAX; i++) {
		int64_t lease_ms = atomic_load(&mirror->lease_ms[i]);
		if (mirror->used[i] && lease_ms < all_ms)
			all_ms = lease_ms;
		if (mirror->used[i] && lease_ms > any_ms)
			any_ms = lease_ms;
	}
	atomic_store(&mirror->lease_all_ms, all_ms == INT64_MAX ? 0 : all_ms);
	atomic_store(&mirror->lease_any_ms, any_ms);
}

void mirror_use_source(struct mirror *mirror, unsigned source, bool used)
{
	pthread_mutex_lock(&mirror->lease_mutex);
	mirror->used[source] = used;
	mirror_sum_leases(mirror);
	pthread_mutex_unlock(&mirror->lease_mutex);
}

void mirror_lease_until(struct mirror *mirror, unsigned source, int64_t mono_ms)
{
	pthread_mutex_lock(&mirror->lease_mutex);
	atomic_store(&mirror->lease_ms[source], mono_ms);
	mirror_sum_leases(mirror);
	pthread_mutex_unlock(&mirror->lease_mutex);
}

bool mirror_is_leased(const struct mirror *mirror)
{
	return clock_mono_ms() < atomic_load(&mirror->lease_all_ms);
}

static bool mirror_is_valid(
	const struct mirror *mirror, const struct mirror_entry *entry, int64_t now_ms)
{
	if (entry->value_len == 0 || entry->expires_ms <= now_ms)
		return false;
	return now_ms < (entry->nothing ? atomic_load(&mirror->lease_all_ms)
					: atomic_load(&mirror->lease_ms[entry->source]));
}

static struct mirror_set *mirror_lock(struct mirror *mirror, uint64_t hash)
{
	size_t at = hash & (mirror->sets - 1);

	pthread_mutex_lock(&mirror->stripe[at % MIRROR_STRIPES]);
	return &mirror->set[at];
}

static void mirror_unlock(struct mirror *mirror, uint64_t hash)
{
	size_t at = hash & (mirror->sets - 1);

	pthread_mutex_unlock(&mirror->stripe[at % MIRROR_STRIPES]);
}

static struct mirror_entry **mirror_slot(
	struct mirror_set *set, uint64_t hash, const char *key, size_t len)
{
	for (int i = 0; i < MIRROR_WAYS; i++) {
		const struct mirror_entry *entry = set->way[i];

		if (entry && entry->hash == hash && entry->key_len == len &&
			memcmp(entry->bytes, key, len) == 0)
			return &set->way[i];
	}
	return NULL;
}

/* A free way, else one whose time is over, else the next in turn. */
static struct mirror_entry **mirror_victim(struct mirror_set *set, int64_t now_ms)
{
	for (int i = 0; i < MIRROR_WAYS; i++)
		if (!set->way[i] || set->way[i]->expires_ms <= now_ms)
			return &set->way[i];
	return &set->way[set->next_victim++ % MIRROR_WAYS];
}

static int64_t mirror_left_ms(const struct mirror_entry *entry, int64_t now_ms)
{
	if (entry->absent)
		return -2;
	return entry->lasting ? -1 : entry->expires_ms - now_ms + entry->left_more_ms;
}

/* The entry's bytes in the arena, so that the lock is held for a copy only. */
static const char *mirror_copy(
	struct mirror *mirror, const char *key, struct arena *arena, struct mirror_answer *answer)
{
	int64_t now_ms = answer->now_ms ? answer->now_ms : clock_mono_ms();
	size_t len = strlen(key);
	uint64_t hash = hash_bytes(mirror->seed, key, len);
	const char *copy = NULL;

	if (now_ms >= atomic_load(&mirror->lease_any_ms))
		return NULL;
	struct mirror_set *set = mirror_lock(mirror, hash);
	struct mirror_entry *const *slot = mirror_slot(set, hash, key, len);
	if (slot && (*slot)->count == answer->count && mirror_is_valid(mirror, *slot, now_ms)) {
		copy = memcpy(arena_alloc(arena, (*slot)->value_len), (*slot)->bytes + len,
			(*slot)->value_len);
		answer->left_ms = mirror_left_ms(*slot, now_ms);
	}
	mirror_unlock(mirror, hash);
	return copy;
}

bool mirror_find(
	struct mirror *mirror, const char *key, struct arena *arena, struct mirror_answer *answer)
{
	const char *at = mirror_copy(mirror, key, arena, answer);

	for (size_t i = 0; at && i < answer->count; i++)
		at = mirror_bytes_get(arena, at, &answer->replies[i]);
	return at != NULL;
}

static struct mirror_entry *mirror_entry_new(
	uint64_t hash, const char *key, size_t len, const char *value, size_t value_len)
{
	struct mirror_entry *entry = malloc(sizeof *entry + len + value_len);

	if (!entry)
		fatal("out of memory: the mirror");
	*entry = (struct mirror_entry){ .hash = hash,
		.expires_ms = INT64_MAX,
		.key_len = (uint32_t)len,
		.value_len = (uint32_t)value_len };
	memcpy(entry->bytes, key, len);
	if (value_len > 0)
		memcpy(entry->bytes + len, value, value_len);
	return entry;
}

uint64_t mirror_expect(struct mirror *mirror, const char *key)
{
	size_t len = strlen(key);
	uint64_t hash = hash_bytes(mirror->seed, key, len);
	int64_t now_ms = clock_mono_ms();

	if (len > MIRROR_KEY_MAX || now_ms >= atomic_load(&mirror->lease_any_ms))
		return 0;
	struct mirror_entry *placeholder = mirror_entry_new(hash, key, len, NULL, 0);
	placeholder->ticket = atomic_fetch_add(&mirror->tickets, 1) + 1;
	uint64_t ticket = placeholder->ticket;
	struct mirror_set *set = mirror_lock(mirror, hash);
	struct mirror_entry **slot = mirror_slot(set, hash, key, len);
	if (!slot)
		slot = mirror_victim(set, now_ms);
	mirror_drop(slot);
	*slot = placeholder;
	mirror_unlock(mirror, hash);
	return ticket;
}

/* The answer as an entry; NULL when it is too big to be kept. */
static struct mirror_entry *mirror_pack(
	uint64_t hash, const char *key, size_t len, const struct mirror_answer *answer)
{
	char value[MIRROR_VALUE_MAX_BYTES];
	int64_t most_ms = (int64_t)MIRROR_ENTRY_MAX_SEC * 1000, left_ms = answer->left_ms;

	size_t value_len = mirror_bytes_put(value, sizeof value, answer->replies, answer->count);
	if (value_len == 0)
		return NULL;
	struct mirror_entry *entry = mirror_entry_new(hash, key, len, value, value_len);
	entry->count = (uint32_t)answer->count;
	entry->source = answer->source;
	entry->nothing = left_ms == -2 || mirror_bytes_is_nothing(answer->replies, answer->count);
	entry->absent = left_ms == -2;
	entry->lasting = left_ms == -1;
	entry->expires_ms =
		clock_mono_ms() + (left_ms >= 0 && left_ms < most_ms ? left_ms : most_ms);
	entry->left_more_ms = left_ms > most_ms ? left_ms - most_ms : 0;
	crypto_wipe(value, sizeof value);
	return entry;
}

void mirror_fill(
	struct mirror *mirror, const char *key, uint64_t ticket, const struct mirror_answer *answer)
{
	size_t len = strlen(key);
	uint64_t hash = hash_bytes(mirror->seed, key, len);
	struct mirror_entry *entry = ticket == 0 ? NULL : mirror_pack(hash, key, len, answer);

	if (!entry)
		return;
	struct mirror_set *set = mirror_lock(mirror, hash);
	struct mirror_entry **slot = mirror_slot(set, hash, key, len);
	/* No placeholder, or another's: the key changed since it was asked for. */
	if (slot && (*slot)->value_len == 0 && (*slot)->ticket == ticket) {
		mirror_drop(slot);
		*slot = entry;
		entry = NULL;
	}
	mirror_unlock(mirror, hash);
	mirror_drop(&entry);
}

void mirror_forget(struct mirror *mirror, const char *key, size_t len)
{
	uint64_t hash = hash_bytes(mirror->seed, key, len);
	struct mirror_set *set = mirror_lock(mirror, hash);
	struct mirror_entry **slot = mirror_slot(set, hash, key, len);

	if (slot)
		mirror_drop(slot);
	mirror_unlock(mirror, hash);
}

enum { MIRROR_EVERY_SOURCE = MIRROR_SOURCES_MAX };

/* That there is nothing goes with any of them: who was not heard for a while may have made it. */
static void mirror_flush_set(struct mirror_set *set, unsigned source)
{
	for (int way = 0; way < MIRROR_WAYS; way++) {
		const struct mirror_entry *entry = set->way[way];

		if (source == MIRROR_EVERY_SOURCE ||
			(entry && (entry->source == source || entry->value_len == 0 ||
					  entry->nothing)))
			mirror_drop(&set->way[way]);
	}
}

void mirror_flush_source(struct mirror *mirror, unsigned source)
{
	for (size_t i = 0; i < mirror->sets; i++) {
		pthread_mutex_lock(&mirror->stripe[i % MIRROR_STRIPES]);
		mirror_flush_set(&mirror->set[i], source);
		pthread_mutex_unlock(&mirror->stripe[i % MIRROR_STRIPES]);
	}
}

void mirror_flush(struct mirror *mirror)
{
	mirror_flush_source(mirror, MIRROR_EVERY_SOURCE);
}

size_t mirror_count(struct mirror *mirror)
{
	size_t count = 0;

	for (size_t i = 0; i < mirror->sets; i++) {
		pthread_mutex_lock(&mirror->stripe[i % MIRROR_STRIPES]);
		for (int way = 0; way < MIRROR_WAYS; way++) {
			const struct mirror_entry *entry = mirror->set[i].way[way];
			count += entry && entry->value_len > 0;
		}
		pthread_mutex_unlock(&mirror->stripe[i % MIRROR_STRIPES]);
	}
	return count;
}
