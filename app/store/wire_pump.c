/* Writing commands and reading replies, never past the deadline. */
#include "store/wire_own.h"

#include "base/arena.h"
#include "store/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { REPLY_MAX_BYTES = 16 << 20, READ_BYTES = 8192, TLS_RETRY_MS = 10 };

static enum wire_result fail(struct wire_call *call, enum wire_result result, const char *why)
{
	(void)snprintf(call->why, sizeof(call->why), "%s", why);
	return result;
}

static enum wire_result fail_errno(struct wire_call *call, const char *what)
{
	char words[100];
	(void)snprintf(call->why, sizeof(call->why), "%s: %s", what,
		strerror_r(errno, words, sizeof(words)));
	return WIRE_CLOSED;
}

/* Writes what the socket takes. False when it broke; what the server said before is still to be
 * read ("-ERR max number of clients reached"), so that is not the end yet. */
static bool push(struct wire *wire, struct wire_call *call)
{
	while (wire->out_sent < wire->out_len && wire->tls) {
		ssize_t sent = wire_tls_write(wire);
		if (sent <= 0)
			return sent == 0;
		wire->out_sent += (size_t)sent;
		call->sent = true;
	}
	while (wire->out_sent < wire->out_len) {
		ssize_t sent = send(wire->fd, wire->out + wire->out_sent,
			wire->out_len - wire->out_sent, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN;
		wire->out_sent += (size_t)sent;
		call->sent = true;
	}
	return true;
}

static enum wire_result feed(
	struct wire *wire, struct wire_call *call, const char *bytes, size_t len)
{
	wire->read_bytes += len;
	if (wire->read_bytes > REPLY_MAX_BYTES)
		return fail(call, WIRE_FAULT, "a reply that is too long");
	return wire_feed(wire, call, bytes, len);
}

enum wire_result wire_tls_refused(const struct wire *wire, struct wire_call *call)
{
	(void)snprintf(call->why, sizeof(call->why),
		"no TLS: is the server's certificate signed by one in tls_ca_file, and ours by one "
		"that it knows: %.90s",
		wire_tls_error(wire));
	return WIRE_FAULT;
}

/* Until nothing is left: what OpenSSL has read ahead, poll does not tell of. */
static enum wire_result pull_tls(
	struct wire *wire, struct wire_call *call, char *bytes, size_t size)
{
	ssize_t got;
	enum wire_result result = WIRE_OK;
	while ((got = wire_tls_read(wire, bytes, size)) > 0 && result == WIRE_OK) {
		wire->tls_spoke = true;
		result = feed(wire, call, bytes, (size_t)got);
	}
	if (got >= 0 || result != WIRE_OK)
		return result;
	if (!wire->tls_spoke)
		return wire_tls_refused(wire, call);
	(void)snprintf(
		call->why, sizeof(call->why), "the connection broke: %.90s", wire_tls_error(wire));
	return WIRE_CLOSED;
}

static enum wire_result pull(struct wire *wire, struct wire_call *call)
{
	char bytes[READ_BYTES];
	if (wire->tls)
		return pull_tls(wire, call, bytes, sizeof(bytes));
	ssize_t got = recv(wire->fd, bytes, sizeof(bytes), 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return WIRE_OK;
	if (got < 0)
		return fail_errno(call, "the connection broke");
	if (got == 0)
		return fail(call, WIRE_CLOSED, "the connection was closed");
	return feed(wire, call, bytes, (size_t)got);
}

/* OpenSSL that could not write may wait for something to read, in its handshake; which of the two
 * it does not say. So it is asked again soon. */
static struct deadline tls_retry(struct deadline outer)
{
	struct deadline soon = deadline_in_ms(TLS_RETRY_MS);
	return soon.at_mono_ms < outer.at_mono_ms ? soon : outer;
}

/* Replies are read while commands are still being written: neither side waits for the other. */
static enum wire_result pump(struct wire *wire, struct wire_call *call)
{
	/* Asked here, as a socket that is always ready never lets poll time out; and before
	 * writing, as what is sent takes effect even when nobody waits for the answer any more. */
	if (deadline_left_ms(call->deadline) == 0)
		return fail(call, WIRE_LATE, call->sent ? "no answer in time" : "no time was left");
	short events = POLLIN;
	bool blocked = push(wire, call) && wire->out_sent < wire->out_len;
	if (blocked && !wire->tls)
		events |= POLLOUT;
	short ready = socket_wait(wire->fd, events,
		blocked && wire->tls ? tls_retry(call->deadline) : call->deadline);
	if (!ready)
		return blocked && wire->tls ? WIRE_OK : fail(call, WIRE_LATE, "no answer in time");
	return ready & ~POLLOUT ? pull(wire, call) : WIRE_OK;
}

enum wire_result wire_exchange(struct wire *wire, struct wire_call *call,
	const struct store_command *const *commands, struct wire_reply *replies, size_t count)
{
	enum wire_result result = WIRE_OK;
	size_t got = 0;
	wire->items = wire->read_bytes = 0;
	for (size_t i = 0; i < count; i++)
		wire_add_command(wire, commands[i]);
	while (got < count && result == WIRE_OK) {
		result = pump(wire, call);
		if (result == WIRE_OK)
			result = wire_take_replies(wire, call, replies, count, &got);
	}
	if (result == WIRE_OK && !wire_is_in_step(wire))
		result = fail(call, WIRE_FAULT,
			replies[0].error && *replies[0].error ? replies[0].error
							      : "an answer to no question");
	wire_forget_out(wire);
	return result;
}

enum wire_result wire_send(
	struct wire *wire, struct wire_call *call, const struct store_command *command)
{
	enum wire_result result = WIRE_OK;
	wire_add_command(wire, command);
	while (wire->out_sent < wire->out_len && result == WIRE_OK) {
		if (!push(wire, call))
			result = fail_errno(call, "the connection broke");
		else if (wire->out_sent < wire->out_len &&
			 !(wire->tls ? socket_wait(wire->fd, POLLIN, tls_retry(call->deadline))
				     : socket_wait(wire->fd, POLLOUT, call->deadline)) &&
			 deadline_left_ms(call->deadline) == 0)
			result = fail(call, WIRE_FAULT, "no answer in time");
	}
	wire_forget_out(wire);
	return result;
}

enum wire_result wire_receive(struct wire *wire, struct wire_call *call, struct wire_reply *reply)
{
	enum wire_result result = WIRE_OK;
	size_t got = 0;
	wire->items = wire->read_bytes = 0;
	*reply = (struct wire_reply){ .error = NULL };
	for (;;) {
		result = wire_take_replies(wire, call, reply, 1, &got);
		if (result != WIRE_OK || got == 1)
			return result;
		if (!socket_wait(wire->fd, POLLIN, call->deadline))
			return fail(call, WIRE_LATE, "no message in time");
		result = pull(wire, call);
		if (result != WIRE_OK)
			return result;
	}
}
