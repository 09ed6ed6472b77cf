/* The inside of a store, for store*.c only. */
#ifndef DOORWARD_STORE_STORE_OWN_H
#define DOORWARD_STORE_STORE_OWN_H

#include <stdatomic.h>

#include "store/complaint.h"
#include "store/script.h"
#include "store/store.h"
#include "store/topology.h"

struct store {
	char *password;
	char *sentinel_user, *sentinel_password;
	struct wire_tls *tls;
	char *prefix;
	size_t prefix_len;
	int64_t timeout_ms;
	struct topology *topology;
	struct script_shas scripts;
	struct complaint complaint;
	_Atomic int64_t slow_at_ms; /* 0: the last call was answered, and soon */
	struct mirror *mirror; /* NULL: none */
	struct tracker_set *trackers;
};

#endif
