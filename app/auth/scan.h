/* Walks over keys of the store by a prefix. For the administrator's commands: it looks at every key
 * of the store, so no request may wait for it. */
#ifndef DOORWARD_AUTH_SCAN_H
#define DOORWARD_AUTH_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct auth;
struct caller;

/* Keys that live until it returns. False ends the walk. */
typedef bool scan_visitor(const char *const *keys, size_t count, void *context);

/* Visits the keys that begin with the store's prefix and `rest`, in batches. A key that exists from
 * beginning to end is visited, perhaps twice. False when the store or visit failed. */
bool scan_each(const struct auth *auth, const struct caller *caller, const char *rest,
	scan_visitor *visit, void *context);

#endif
