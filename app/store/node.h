/* One server that holds keys: its idle connections and its breaker. In a cluster each master is
 * one; otherwise there is one for all keys. A node lives as long as its topology. */
#ifndef DOORWARD_STORE_NODE_H
#define DOORWARD_STORE_NODE_H

#include "store/breaker.h"
#include "store/pool.h"

struct node {
	unsigned index; /* which of the mirror's sources it is */
	struct pool pool;
	struct breaker breaker;
};

#endif
