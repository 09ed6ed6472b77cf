/* One connection to Redis, always within a deadline. Only wire*.c include hiredis.
 *
 * hiredis parses the replies; the socket is ours, since hiredis' own connect and write know no
 * deadline, fail on EINTR and raise SIGPIPE. A wire belongs to one thread at a time. After anything
 * but WIRE_OK it must be closed: what comes next on it may answer an earlier question. */
#ifndef DOORWARD_STORE_WIRE_H
#define DOORWARD_STORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "store/target.h"
#include "store/store.h"

struct arena;
struct wire;

enum wire_result {
	WIRE_OK,
	WIRE_UNREACHABLE, /* no connection: refused, no socket, unknown host */
	WIRE_CLOSED, /* it broke */
	WIRE_LATE,
	WIRE_FAULT /* what came is no reply of Redis, too big, or an error at sign-in */
};

/* What one use of a wire needs and leaves. */
struct wire_call {
	struct arena *arena; /* of the replies */
	struct deadline deadline;
	bool sent; /* a byte of a command went out (not of the sign-in) */
	char why[200]; /* when not WIRE_OK */
};

struct wire_reply {
	struct store_value value;
	const char *error; /* Redis' words if it, or anything in it, is an error reply; else NULL */
};

/* How to sign in. Borrowed. */
struct wire_login {
	const char *password; /* NULL: none */
	struct wire_tls *tls; /* NULL: plain */
};

/* Connects (wire_open.c); AUTH when there is a password, SELECT when there is a database. */
enum wire_result wire_open(struct wire **out, const struct target *target,
	const struct wire_login *login, struct wire_call *call);
/* Takes the socket over, whatever it returns. */
enum wire_result wire_attach(
	struct wire **out, int fd, const struct wire_login *login, struct wire_call *call);

/* The server's certificate must be signed by one in ca_file; its name is not compared. NULL with a
 * sentence in error; always, where hiredis was built without TLS. */
struct wire_tls *wire_tls_new(const struct store_tls_files *files, char *error, size_t error_size);
/* wire_tls_free(NULL) does nothing. */
void wire_tls_free(struct wire_tls *tls);

/* Sends all commands, then reads as many replies. */
enum wire_result wire_exchange(struct wire *wire, struct wire_call *call,
	const struct store_command *const *commands, struct wire_reply *replies, size_t count);
/* For a subscriber, to whom messages come unasked. wire_send writes one command; its answer is
 * found among what wire_receive returns, one message a call, in the order sent. WIRE_LATE means
 * that none came before the deadline: here the wire stays good, and a part of one may have come: it
 * stands in the arena, which must be the same at the next call, and not be reset before. */
enum wire_result wire_send(
	struct wire *wire, struct wire_call *call, const struct store_command *command);
enum wire_result wire_receive(struct wire *wire, struct wire_call *call, struct wire_reply *reply);
/* Nothing to be read and no end: an idle wire may be used again. */
bool wire_is_quiet(const struct wire *wire);
/* wire_close(NULL) does nothing. */
void wire_close(struct wire *wire);
/* "hiredis 0.14.1" */
const char *wire_version(void);

#endif
