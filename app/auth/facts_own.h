/* Between facts_ask.c, which asks, and facts.c, which reads the answers. */
#ifndef DOORWARD_AUTH_FACTS_OWN_H
#define DOORWARD_AUTH_FACTS_OWN_H

#include <stddef.h>

#include "store/store.h"

struct arena;
struct auth;
struct caller;
struct token;

enum { FACTS_EXTRA_MAX = 16 };

/* The first of them are about one token. */
enum { AT_SESSION, AT_TTL, AT_USER, AT_DENY, AT_REALM, AT_TIME, AT_SEEN, FACTS_COMMANDS };
enum { FACTS_OWN = AT_REALM };

/* Where the extra fields begin among the answers about the user. */
enum { AT_EXTRA = 4 };

/* [users] extra_fields, taken apart. */
struct facts_fields {
	const char *name[FACTS_EXTRA_MAX];
	size_t count;
};

void facts_split_fields(const struct auth *auth, struct arena *arena, struct facts_fields *out);
/* Fills replies[FACTS_COMMANDS]; AT_SEEN is of no interest, AT_TIME may be nil. */
enum store_result facts_fetch(const struct auth *auth, const struct caller *caller,
	const struct token *token, const struct facts_fields *fields, struct store_value *replies);

#endif
