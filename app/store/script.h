/* The Lua scripts of store/scripts: their texts are in the program, their SHAs come from Redis. */
#ifndef DOORWARD_STORE_SCRIPT_H
#define DOORWARD_STORE_SCRIPT_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"
#include "store/wire.h"

enum { SCRIPT_SHA_LEN = 40 };

/* A text has one SHA, whatever the server: written once, before `known` becomes true. */
struct script_shas {
	atomic_bool known;
	pthread_mutex_t mutex;
	char sha[STORE_SCRIPTS][SCRIPT_SHA_LEN + 1];
};

/* "rotation_use" */
const char *script_name(enum store_script script);
/* Loads all of them. Does not count as sent: it changes nothing. */
enum wire_result script_load(struct script_shas *shas, struct wire *wire, struct wire_call *call);

#endif
