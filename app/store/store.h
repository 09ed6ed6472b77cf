/* Redis, seen as typed commands and values.
 *
 * Where the keys are - one server, a master named by sentinels, a cluster - only topology*.c knows.
 * A store holds a few connections and hands one to each call; any number of threads may call it.
 * One call is one round trip: all its commands are written together (in a cluster: to each of the
 * nodes that its keys are on, one after the other). The deadline is over the
 * whole call (connecting, writing, every byte read), on the monotonic clock. After a time-out or a
 * refused connection the breaker opens: calls answer STORE_FAULT at once, except one probe at a
 * time that looks whether the store is back.
 *
 * STORE_FAULT means "I don't know", whatever the cause (refused, late, garbled, any error reply:
 * LOADING, READONLY, NOPERM, OOM, WRONGTYPE ...). It is logged here, with Redis' own words, never
 * with a value (a call with a brief deadline that was not answered is not). Nothing else is a
 * FAULT: a missing key is STORE_OK with a nil. */
#ifndef DOORWARD_STORE_STORE_H
#define DOORWARD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct arena;
struct mirror;
struct store;

/* Files in PEM form; ca_file "": no TLS. A cluster's or sentinel's servers use it when it is set.
 */
struct store_tls_files {
	const char *ca_file;
	const char *cert_file, *key_file; /* a client certificate; both "" for none */
};

struct store_config {
	const char *url; /* as address.h has it */
	const char *password; /* NULL: none. Copied, wiped by store_free */
	const char *sentinel_user, *sentinel_password; /* NULL: none. Copied, wiped likewise */
	struct store_tls_files tls;
	const char *prefix; /* of every key, such as "dw:" */
	int64_t timeout_ms; /* of one call at most */
};

/* Does not connect. NULL with a sentence in error when the URL cannot be understood, or a setting
 * does not fit it. */
struct store *store_new(const struct store_config *config, char *error, size_t error_size);
void store_free(struct store *store);
/* The same as the settings say, the password read from its file; a call may take at least
 * least_timeout_ms. */
struct settings;
struct store *store_open(
	const struct settings *settings, int64_t least_timeout_ms, char *error, size_t error_size);

enum store_result { STORE_OK, STORE_FAULT };

enum store_type { STORE_NIL, STORE_TEXT, STORE_INT, STORE_LIST };

/* A reply, in the caller's arena. */
struct store_value {
	enum store_type type;
	int64_t integer; /* STORE_INT */
	const char *text; /* STORE_TEXT, NUL at the end; otherwise "" */
	size_t len; /* of text */
	const struct store_value *item; /* STORE_LIST */
	size_t count;
};

/* The Lua scripts: one per file of store/scripts. Their contracts are in those files. */
enum store_script {
	STORE_ROTATION_USE,
	STORE_SESSION_START,
	STORE_SESSION_END,
	STORE_SESSION_SEEN,
	STORE_SESSION_RENEW,
	STORE_THROTTLE_TAKE,
	STORE_THROTTLE_GIVE,
	STORE_USER_ADD,
	STORE_USER_UPDATE,
	STORE_SCRIPTS
};

enum { STORE_ARGS_MAX = 64 };

struct store_command {
	const char *argv[STORE_ARGS_MAX];
	size_t argc;
	int script; /* enum store_script, or -1 */
	/* May be sent a second time when the connection broke under it. */
	bool repeatable;
	/* For store_look_up: */
	bool mirrored; /* reads the key argv[1]; its answer may come from the mirror */
	bool along; /* asked only when others are asked anyway */
	bool optional; /* alone, its fault is none */
	/* For a command without a key: one of store_next_server; 0 for any. */
	unsigned server;
	/* Set by store_run: which node answered, or that its answer is not to be kept. */
	unsigned answered_by;
};

enum { STORE_NOT_TO_KEEP = 0xffff };

/* A command that only reads, or may be repeated: arguments up to a NULL. */
struct store_command store_read(const char *name, ...) __attribute__((sentinel));
/* A command that is sent once. */
struct store_command store_write(const char *name, ...) __attribute__((sentinel));
/* A script with its number of keys; keys, then arguments follow by store_arg. */
struct store_command store_call(enum store_script script, int keys, bool repeatable);
/* Texts are borrowed until store_run returns. One argument too many is fatal(). */
void store_arg(struct store_command *command, const char *text);
void store_arg_int(struct store_command *command, struct arena *arena, int64_t number);

/* Runs count commands in one round trip, in order, on one connection; replies[i] answers
 * commands[i]. On STORE_FAULT the replies are all nil. In a cluster the order holds for commands
 * of one slot; MULTI to EXEC, and WAIT, belong to the command beside them. */
enum store_result store_run(struct store *store, struct arena *arena, struct deadline deadline,
	struct store_command *commands, struct store_value *replies, size_t count);
#define store_run_one(store, arena, deadline, command, reply)                                      \
	store_run((store), (arena), (deadline), (command), (reply), 1)

/* The servers that hold keys, from 0 on; 0 after the last. The masters of a Cluster are known once
 * it has answered something. */
unsigned store_next_server(const struct store *store, unsigned server);
/* "127.0.0.1:6379", in the arena. */
const char *store_server_name(struct store *store, struct arena *arena, unsigned server);

/* The same for reads whose answers may be known already (mirror.h). Commands that are marked
 * mirrored and have the same key stand beside each other; PTTL among them tells when the key
 * expires. Asks Redis in one round trip for what is missing, or not at all. */
enum store_result store_look_up(struct store *store, struct arena *arena, struct deadline deadline,
	struct store_command *commands, struct store_value *replies, size_t count);
/* What store_look_up found when it last asked for a key, from memory alone. */
struct store_known {
	const char *key;
	struct store_value *replies; /* to count commands */
	size_t count;
	int64_t left_ms; /* how long the key has still to live, as PTTL says it */
};
/* Fills replies and left_ms of each; false when one is not known. */
bool store_recall(
	struct store *store, struct arena *arena, struct store_known *known, size_t count);
/* Starts mirroring with at most max_entries keys: two more connections and a thread, until
 * store_free. */
struct store_mirror_config {
	size_t max_entries;
	int64_t heartbeat_ms, lease_ms;
};
void store_start_mirror(struct store *store, const struct store_mirror_config *config);
/* NULL when nothing is mirrored. */
struct mirror *store_mirror(struct store *store);

/* Do all keys live on one server? By the kind of its URL. */
bool store_is_one_server(const struct store *store);
/* Is it one server, whose last call was answered within a millisecond or two? If that was not, it
 * may be tried again a second later. Never with sentinels: they are asked by who waits for them. */
bool store_is_quick(const struct store *store);

/* The deadline of one store call: timeout_ms from now, never past `outer`. */
struct deadline store_deadline(const struct store *store, struct deadline outer);
/* For who would rather hand a call on than wait: a few milliseconds, a quarter of timeout_ms at
 * most. That such a call was not answered says nothing about the store: it opens no breaker, is no
 * probe, is neither counted nor logged. */
struct deadline store_brief_deadline(const struct store *store, struct deadline outer);

/* Keys, in the arena (DESIGN 5). uid and handle are base64url text; all keys of one user carry the
 * hash tag {uid}, so that they share a slot in a Cluster. */
const char *store_key_user(const struct store *store, struct arena *arena, const char *uid);
const char *store_key_session(
	const struct store *store, struct arena *arena, const char *uid, const char *handle);
const char *store_key_seen(
	const struct store *store, struct arena *arena, const char *uid, const char *handle);
const char *store_key_deny(
	const struct store *store, struct arena *arena, const char *uid, const char *jti);
const char *store_key_sessions(const struct store *store, struct arena *arena, const char *uid);
/* realm, events, throttle:<kind>:<digest>: `rest` follows the prefix. */
const char *store_key(const struct store *store, struct arena *arena, const char *rest);

/* Value helpers: text of item i of a list, NULL when nil or not there. */
const char *store_item_text(const struct store_value *list, size_t i);
int64_t store_item_int(const struct store_value *list, size_t i, int64_t otherwise);
/* A number, or text that is one; otherwise when nil or neither. */
int64_t store_value_int(const struct store_value *value, int64_t otherwise);
/* The answer to TIME becomes the agreed time (clock.h); another answer says nothing. */
void store_learn_time(const struct store_value *reply);
/* "hiredis 0.14.1" */
const char *store_version(void);

#endif
