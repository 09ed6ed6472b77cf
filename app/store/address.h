/* A [store] url, taken apart: one server, the sentinels that know it, or seeds of a cluster. */
#ifndef DOORWARD_STORE_ADDRESS_H
#define DOORWARD_STORE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/target.h"

enum address_kind { ADDRESS_SERVER, ADDRESS_SENTINEL, ADDRESS_CLUSTER };

enum { ADDRESS_SEEDS_MAX = 16 };

struct address {
	enum address_kind kind;
	bool tls; /* rediss:// */
	/* ADDRESS_SERVER: where it is. Otherwise only the user and the database of those found. */
	struct target server;
	struct target seed[ADDRESS_SEEDS_MAX]; /* the sentinels, or some nodes of the cluster */
	size_t seeds;
	char master[128]; /* ADDRESS_SENTINEL: its name there */
};

/* unix:PATH[?db=N&user=NAME], redis:// or rediss://[USER@]HOST[:PORT][/DB],
 * sentinel://[USER@]HOST[:PORT],.../NAME[/DB], cluster://[USER@]HOST[:PORT],...
 * False with a sentence in error that names the setting and the right form. A password in the URL
 * is refused and never repeated: URLs end up in process lists and logs. */
bool address_parse(struct address *out, const char *url, char *error, size_t error_size);

#endif
