/* What the decisions share: the program's parts they read, and who is asking.
 *
 * auth/ knows no HTTP. Every decision takes (const struct auth *, const struct caller *, ...),
 * returns an enum whose last value is ..._FAULT ("I don't know"), allocates in the caller's arena
 * and keeps to the caller's deadline. */
#ifndef DOORWARD_AUTH_AUTH_H
#define DOORWARD_AUTH_AUTH_H

#include <stdbool.h>

#include "base/clock.h"

struct arena;
struct facts_ahead;
struct keys;
struct known;
struct remembered;
struct rules;
struct settings;
struct store;
struct userfile;

/* Program life; const until the next reload, which swaps it whole. */
struct auth {
	const struct settings *settings;
	struct store *store;
	const struct keys *keys;
	const struct rules *rules;
	struct remembered *remembered; /* verified tokens; NULL: verify each time */
	struct known *known; /* for the time of a fault; NULL: what cannot be asked is not known */
	struct userfile *userfile; /* NULL unless [users] source = file */
};

/* Of a thread that others wait for: what takes long is a FAULT, without a word in the log. Who asks
 * again with CALLER_WAITS gets the answer. */
enum caller_patience {
	CALLER_WAITS,
	CALLER_HURRIED, /* a signature takes long, and a store that does not answer soon */
	CALLER_MEMORY_ONLY, /* and whatever only the store knows */
};

/* Request life. address and agent are never NULL ("" when the server did not say). */
struct caller {
	struct arena *arena;
	struct deadline deadline;
	const char *address; /* of the browser, as text */
	const char *agent; /* User-Agent */
	enum caller_patience patience;
	const struct facts_ahead *ahead; /* what the store said a moment ago; NULL: it is asked */
	bool look_only; /* doorwardctl explain: that a session was used is not noted */
};

#endif
