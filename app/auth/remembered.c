#include "auth/remembered.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"

enum { REMEMBERED_WAYS = 4, REMEMBERED_STRIPES = 64 };

struct remembered_entry {
	uint64_t hash;
	struct token token;
	size_t len, signed_len; /* what follows is the signature: the secret of a token */
	char text[];
};

struct remembered_set {
	struct remembered_entry *way[REMEMBERED_WAYS];
	unsigned next_victim;
};

struct remembered {
	size_t sets; /* a power of two */
	struct remembered_set *set;
	uint64_t seed;
	pthread_mutex_t stripe[REMEMBERED_STRIPES];
};

struct remembered *remembered_new(size_t max_tokens)
{
	struct remembered *remembered = calloc(1, sizeof *remembered);
	size_t sets = REMEMBERED_STRIPES;

	while (sets * REMEMBERED_WAYS < max_tokens)
		sets *= 2;
	if (!remembered || !(remembered->set = calloc(sets, sizeof *remembered->set)))
		fatal("out of memory: %zu tokens", max_tokens);
	remembered->sets = sets;
	for (int i = 0; i < REMEMBERED_STRIPES; i++)
		pthread_mutex_init(&remembered->stripe[i], NULL);
	random_bytes(&remembered->seed, sizeof remembered->seed);
	return remembered;
}

static void remembered_drop(struct remembered_entry *entry)
{
	if (!entry)
		return;
	crypto_wipe(entry->text, entry->len);
	free(entry);
}

void remembered_free(struct remembered *remembered)
{
	if (!remembered)
		return;
	for (size_t i = 0; i < remembered->sets; i++)
		for (int way = 0; way < REMEMBERED_WAYS; way++)
			remembered_drop(remembered->set[i].way[way]);
	for (int i = 0; i < REMEMBERED_STRIPES; i++)
		pthread_mutex_destroy(&remembered->stripe[i]);
	free(remembered->set);
	free(remembered);
}

/* Only the place is found by it; what counts is the whole text. The end of a token is its
 * signature, which is as good as random. */
static uint64_t remembered_hash(const struct remembered *remembered, const char *text, size_t len)
{
	size_t tail = len > 64 ? 64 : len;

	return hash_bytes(remembered->seed, text + len - tail, tail);
}

static struct remembered_entry *remembered_match(
	const struct remembered_set *set, uint64_t hash, const char *text, size_t len)
{
	for (int i = 0; i < REMEMBERED_WAYS; i++) {
		struct remembered_entry *entry = set->way[i];

		if (entry && entry->hash == hash && entry->len == len &&
			memcmp(entry->text, text, entry->signed_len) == 0 &&
			crypto_equal(entry->text + entry->signed_len, text + entry->signed_len,
				len - entry->signed_len))
			return entry;
	}
	return NULL;
}

bool remembered_find(struct remembered *remembered, const char *text, size_t len, struct token *out)
{
	uint64_t hash = remembered_hash(remembered, text, len);
	size_t at = hash & (remembered->sets - 1);

	pthread_mutex_lock(&remembered->stripe[at % REMEMBERED_STRIPES]);
	const struct remembered_entry *entry =
		remembered_match(&remembered->set[at], hash, text, len);
	if (entry)
		*out = entry->token;
	pthread_mutex_unlock(&remembered->stripe[at % REMEMBERED_STRIPES]);
	return entry != NULL;
}

/* A free place, else one whose token has expired, else the next in turn. */
static struct remembered_entry **remembered_victim(struct remembered_set *set)
{
	int64_t now = clock_agreed_sec();

	for (int i = 0; i < REMEMBERED_WAYS; i++)
		if (!set->way[i] || set->way[i]->token.exp <= now)
			return &set->way[i];
	return &set->way[set->next_victim++ % REMEMBERED_WAYS];
}

void remembered_add(
	struct remembered *remembered, const char *text, size_t len, const struct token *token)
{
	uint64_t hash = remembered_hash(remembered, text, len);
	size_t at = hash & (remembered->sets - 1);
	struct remembered_entry *entry = malloc(sizeof *entry + len), *before = NULL;

	if (!entry)
		fatal("out of memory: a token");
	const char *dot = memrchr(text, '.', len);
	*entry = (struct remembered_entry){ .hash = hash, .token = *token, .len = len };
	entry->signed_len = dot ? (size_t)(dot - text) : 0;
	memcpy(entry->text, text, len);
	pthread_mutex_lock(&remembered->stripe[at % REMEMBERED_STRIPES]);
	if (remembered_match(&remembered->set[at], hash, text, len)) {
		before = entry;
	} else {
		struct remembered_entry **place = remembered_victim(&remembered->set[at]);
		before = *place;
		*place = entry;
	}
	pthread_mutex_unlock(&remembered->stripe[at % REMEMBERED_STRIPES]);
	remembered_drop(before);
}
