/* The inside of a wire, for wire*.c only. What hiredis does is in wire.c and wire_reply.c. */
#ifndef DOORWARD_STORE_WIRE_OWN_H
#define DOORWARD_STORE_WIRE_OWN_H

#include <sys/types.h>

#include "store/wire.h"

struct redisContext;
struct redisReader;

struct wire {
	int fd;
	struct redisReader *reader;
	struct redisContext *tls; /* NULL: plain */
	bool tls_spoke; /* something came: the handshake went well */
	size_t tls_pending; /* bytes of out that OpenSSL has and could not send yet */
	/* Of the exchange in hand: */
	struct arena *arena; /* of the replies */
	size_t items;
	size_t read_bytes;
	const char *refused; /* why a part of a reply was */
	struct store_value root; /* of the reply that is being read */
	const char *error; /* in it */
	char *out;
	size_t out_len, out_sent, out_capacity;
};

void wire_add_command(struct wire *wire, const struct store_command *command);
/* Wiped: commands carry password hashes, AUTH a password. */
void wire_forget_out(struct wire *wire);
/* False when out of memory. */
bool wire_reply_init(struct wire *wire);
/* What came, to be parsed; then the replies that are whole, up to count in all. */
enum wire_result wire_feed(
	struct wire *wire, struct wire_call *call, const char *bytes, size_t len);
enum wire_result wire_take_replies(struct wire *wire, struct wire_call *call,
	struct wire_reply *replies, size_t count, size_t *got);
/* Nothing is left over of what was to be sent and of what came. */
bool wire_is_in_step(const struct wire *wire);

/* As send and recv, but 0 means "not now", and -1 any end. The handshake is part of them. */
ssize_t wire_tls_write(struct wire *wire);
ssize_t wire_tls_read(struct wire *wire, char *bytes, size_t size);
const char *wire_tls_error(const struct wire *wire);
/* Why there is no TLS: how far the handshake comes before it fails is chance. Always WIRE_FAULT. */
enum wire_result wire_tls_refused(const struct wire *wire, struct wire_call *call);

#endif
