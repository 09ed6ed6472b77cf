/* Which path needs what: section [rules], first match wins, default signed-in.
 *
 *   [METHOD[,METHOD...] ]PATTERN = REQUIREMENT
 *
 * A rule for GET holds for HEAD as well. PATTERN starts with '/'; '*' stands for any run of
 * characters ('/' too), '?' for one; a pattern that ends in "/" followed by "*" also matches the
 * folder itself. It is written decoded (no %20); one that could match no path is refused.
 * REQUIREMENT: anyone, optional, signed-in, deny, or role:NAME[,role:NAME...] (any of them); where
 * the store is asked, a last word on_store_failure:deny or on_store_failure:stale may follow.
 * Patterns are compared with the normalised path (rules_normalise), never with the raw one. */
#ifndef DOORWARD_AUTH_RULES_H
#define DOORWARD_AUTH_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct rules;
struct settings;

/* What a request gets when the store cannot answer. */
enum rules_failure { RULES_FAILURE_AS_SET, RULES_FAILURE_DENY, RULES_FAILURE_STALE };
enum rules_need { RULES_ANYONE, RULES_OPTIONAL, RULES_SIGNED_IN, RULES_ROLE, RULES_DENY };

struct rule {
	enum rules_need need;
	const char *roles; /* RULES_ROLE: "admin,ops" */
	enum rules_failure on_failure; /* AS_SET: as [failure] on_store_failure says */
	int line; /* of the settings file; 0: the default */
};

/* NULL with "FILE:LINE: ..." in error. */
struct rules *rules_parse(const struct settings *settings, char *error, size_t error_size);
/* Does one of them say on_store_failure:stale? */
bool rules_any_stale(const struct rules *rules);
void rules_free(struct rules *rules);

/* The path of a raw request target as the web servers make it: query and fragment cut, absolute
 * form cut to its path, percent-decoded once, // merged, . and .. resolved. NULL when it cannot be
 * done with one meaning: a bad escape, NUL or control byte, encoded slash, backslash, .. above the
 * root, "..;", what decoding twice would change (%252e), not starting with '/'. (CVE-2021-32637:
 * what cannot be normalised is refused.) */
const char *rules_normalise(struct arena *arena, const char *request_uri);
/* Never NULL. */
const struct rule *rules_find(const struct rules *rules, const char *method, const char *path);

#endif
