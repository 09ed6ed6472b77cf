#include "store/wire.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/log.h"
#include "store/socket.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of one exchange. A server that sends more is not our Redis. */
enum { REPLY_MAX_BYTES = 16 << 20, ITEMS_MAX = 1 << 18, DEPTH_MAX = 7 };
enum { READ_BYTES = 8192, OUT_KEPT_BYTES = 65536 };

/* hiredis 1.0 made this size_t. */
#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

struct wire {
	int fd;
	redisReader *reader;
	redisReplyObjectFunctions functions;
	void *(*create_array)(const redisReadTask *, item_count);
	const char *refused; /* why our create_array refused */
	/* Of the exchange in hand: */
	size_t items;
	size_t read_bytes;
	char *out;
	size_t out_len, out_sent, out_capacity;
};

#define DIGITS(number) DIGITS_OF(number)
#define DIGITS_OF(number) #number

const char *wire_version(void)
{
	return "hiredis " DIGITS(HIREDIS_MAJOR) "." DIGITS(HIREDIS_MINOR) "." DIGITS(HIREDIS_PATCH);
}

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

/* hiredis allocates an array by the number that the server announces, before any item is there.
 * A hostile one says *1000000000, or nests without end (hiredis 1 has no limit of its own). */
static void *create_array(const redisReadTask *task, item_count count)
{
	struct wire *wire = task->privdata;
	int depth = 0;
	for (const redisReadTask *parent = task->parent; parent; parent = parent->parent)
		depth++;
	if (depth >= DEPTH_MAX)
		wire->refused = "a reply nested too deeply";
	else if ((size_t)count > ITEMS_MAX - wire->items)
		wire->refused = "a reply of too many items";
	if (wire->refused)
		return NULL;
	wire->items += (size_t)count;
	return wire->create_array(task, count);
}

static struct wire *wire_new(int fd)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	redisReader *reader = redisReaderCreate();
	if (!wire || !reader)
		fatal("out of memory: a connection to Redis");
	wire->fd = fd;
	wire->reader = reader;
	wire->create_array = reader->fn->createArray;
	wire->functions = *reader->fn;
	wire->functions.createArray = create_array;
	reader->fn = &wire->functions;
	reader->privdata = wire;
	return wire;
}

/* Commands carry password hashes, AUTH a password. */
static void forget_out(struct wire *wire)
{
	if (wire->out_len > 0)
		crypto_wipe(wire->out, wire->out_len);
	wire->out_len = wire->out_sent = 0;
	if (wire->out_capacity > OUT_KEPT_BYTES) {
		free(wire->out);
		wire->out = NULL;
		wire->out_capacity = 0;
	}
}

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	forget_out(wire);
	free(wire->out);
	redisReaderFree(wire->reader);
	close(wire->fd);
	free(wire);
}

bool wire_is_quiet(const struct wire *wire)
{
	return socket_wait(wire->fd, POLLIN, deadline_in_ms(0)) == 0;
}

/* A new block, so that the old one can be wiped: realloc leaves a copy behind. */
static void grow_out(struct wire *wire, size_t more)
{
	size_t capacity = (wire->out_len + more) * 2;
	char *grown = malloc(capacity);
	if (!grown)
		fatal("out of memory: %zu bytes for Redis", capacity);
	if (wire->out && wire->out_len > 0) {
		memcpy(grown, wire->out, wire->out_len);
		crypto_wipe(wire->out, wire->out_len);
	}
	free(wire->out);
	wire->out = grown;
	wire->out_capacity = capacity;
}

/* Every argument with its length: no byte in it can end it or become a command. */
static void add_command(struct wire *wire, const struct store_command *command)
{
	char *text = NULL;
	const char *argv[STORE_ARGS_MAX];
	memcpy(argv, command->argv, sizeof(argv));
	long long len = redisFormatCommandArgv(&text, (int)command->argc, argv, NULL);
	if (len < 0 || !text)
		fatal("out of memory: a command for Redis");
	if (!wire->out || (size_t)len > wire->out_capacity - wire->out_len)
		grow_out(wire, (size_t)len);
	memcpy(wire->out + wire->out_len, text, (size_t)len);
	wire->out_len += (size_t)len;
	crypto_wipe(text, (size_t)len);
	redisFreeCommand(text);
}

/* What copying it will take of the arena. Recursion is bounded by DEPTH_MAX. */
static size_t reply_bytes(const redisReply *reply)
{
	size_t bytes = reply->elements * sizeof(struct store_value) + reply->len + 1;
	for (size_t i = 0; i < reply->elements; i++)
		bytes += reply_bytes(reply->element[i]);
	return bytes;
}

static bool copy_reply(struct arena *arena, const redisReply *from, struct wire_reply *out);

static bool copy_list(struct arena *arena, const redisReply *from, struct wire_reply *out)
{
	struct store_value *items = arena_alloc(arena, from->elements * sizeof(*items));
	for (size_t i = 0; i < from->elements; i++) {
		struct wire_reply item = { .error = NULL };
		if (!copy_reply(arena, from->element[i], &item))
			return false;
		items[i] = item.value;
		if (item.error)
			out->error = item.error;
	}
	out->value.type = STORE_LIST;
	out->value.item = items;
	out->value.count = from->elements;
	return true;
}

static bool copy_reply(struct arena *arena, const redisReply *from, struct wire_reply *out)
{
	out->value = (struct store_value){ .type = STORE_NIL, .text = "" };
	switch (from->type) {
	case REDIS_REPLY_NIL:
		return true;
	case REDIS_REPLY_INTEGER:
		out->value.type = STORE_INT;
		out->value.integer = from->integer;
		return true;
	case REDIS_REPLY_ARRAY:
		return copy_list(arena, from, out);
	case REDIS_REPLY_ERROR:
		out->error = arena_strndup(arena, from->str, from->len);
		return true;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		out->value.type = STORE_TEXT;
		out->value.text = arena_strndup(arena, from->str, from->len);
		out->value.len = from->len;
		return true;
	default: /* RESP3, which we never ask for */
		return false;
	}
}

static enum wire_result take_reply(
	struct wire_call *call, redisReply *reply, struct wire_reply *out)
{
	enum wire_result result = WIRE_OK;
	if (reply_bytes(reply) > arena_left_bytes(call->arena))
		result = fail(call, WIRE_FAULT, "a reply that is too long");
	else if (!copy_reply(call->arena, reply, out))
		result = fail(call, WIRE_FAULT, "a reply of an unknown type");
	freeReplyObject(reply);
	return result;
}

static enum wire_result take_replies(struct wire *wire, struct wire_call *call,
	struct wire_reply *replies, size_t count, size_t *got)
{
	while (*got < count) {
		void *reply = NULL;
		if (redisReaderGetReply(wire->reader, &reply) != REDIS_OK)
			return fail(call, WIRE_FAULT,
				wire->refused ? wire->refused : wire->reader->errstr);
		if (!reply)
			return WIRE_OK;
		enum wire_result result = take_reply(call, reply, &replies[*got]);
		if (result != WIRE_OK)
			return result;
		(*got)++;
	}
	return WIRE_OK;
}

/* Writes what the socket takes. False when it broke; what the server said before is still to be
 * read ("-ERR max number of clients reached"), so that is not the end yet. */
static bool push(struct wire *wire, struct wire_call *call)
{
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

static enum wire_result pull(struct wire *wire, struct wire_call *call)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(wire->fd, bytes, sizeof(bytes), 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return WIRE_OK;
	if (got < 0)
		return fail_errno(call, "the connection broke");
	if (got == 0)
		return fail(call, WIRE_CLOSED, "the connection was closed");
	wire->read_bytes += (size_t)got;
	if (wire->read_bytes > REPLY_MAX_BYTES)
		return fail(call, WIRE_FAULT, "a reply that is too long");
	if (redisReaderFeed(wire->reader, bytes, (size_t)got) != REDIS_OK)
		return fail(call, WIRE_FAULT, wire->reader->errstr);
	return WIRE_OK;
}

/* Replies are read while commands are still being written: neither side waits for the other. */
static enum wire_result pump(struct wire *wire, struct wire_call *call)
{
	/* Asked here, as a socket that is always ready never lets poll time out; and before
	 * writing, as what is sent takes effect even when nobody waits for the answer any more. */
	if (deadline_left_ms(call->deadline) == 0)
		return fail(call, WIRE_LATE, call->sent ? "no answer in time" : "no time was left");
	short events = POLLIN;
	if (push(wire, call) && wire->out_sent < wire->out_len)
		events |= POLLOUT;
	short ready = socket_wait(wire->fd, events, call->deadline);
	if (!ready)
		return fail(call, WIRE_LATE, "no answer in time");
	return ready & ~POLLOUT ? pull(wire, call) : WIRE_OK;
}

enum wire_result wire_exchange(struct wire *wire, struct wire_call *call,
	const struct store_command *const *commands, struct wire_reply *replies, size_t count)
{
	enum wire_result result = WIRE_OK;
	size_t got = 0;
	wire->items = wire->read_bytes = 0;
	for (size_t i = 0; i < count; i++)
		add_command(wire, commands[i]);
	while (got < count && result == WIRE_OK) {
		result = pump(wire, call);
		if (result == WIRE_OK)
			result = take_replies(wire, call, replies, count, &got);
	}
	bool in_step = wire->out_sent == wire->out_len && wire->reader->pos == wire->reader->len;
	if (result == WIRE_OK && !in_step)
		result = fail(call, WIRE_FAULT,
			replies[0].error ? replies[0].error : "an answer to no question");
	forget_out(wire);
	return result;
}

enum wire_result wire_send(
	struct wire *wire, struct wire_call *call, const struct store_command *command)
{
	enum wire_result result = WIRE_OK;
	add_command(wire, command);
	while (wire->out_sent < wire->out_len && result == WIRE_OK) {
		if (!push(wire, call))
			result = fail_errno(call, "the connection broke");
		else if (wire->out_sent < wire->out_len &&
			 !socket_wait(wire->fd, POLLOUT, call->deadline))
			result = fail(call, WIRE_FAULT, "no answer in time");
	}
	forget_out(wire);
	return result;
}

enum wire_result wire_receive(struct wire *wire, struct wire_call *call, struct wire_reply *reply)
{
	enum wire_result result = WIRE_OK;
	size_t got = 0;
	wire->items = wire->read_bytes = 0;
	*reply = (struct wire_reply){ .error = NULL };
	for (;;) {
		result = take_replies(wire, call, reply, 1, &got);
		if (result != WIRE_OK || got == 1)
			return result;
		if (!socket_wait(wire->fd, POLLIN, call->deadline))
			return fail(call, WIRE_LATE, "no message in time");
		result = pull(wire, call);
		if (result != WIRE_OK)
			return result;
	}
}

static enum wire_result sign_in(struct wire *wire, const struct target *target,
	const char *password, struct wire_call *call)
{
	struct store_command auth = { .argv = { "AUTH", password }, .argc = 2 };
	struct store_command auth_user = { .argv = { "AUTH", target->user, password }, .argc = 3 };
	struct store_command select = { .argv = { "SELECT", target->database }, .argc = 2 };
	const struct store_command *commands[2] = { NULL, NULL };
	struct wire_reply replies[2] = { { .error = NULL }, { .error = NULL } };
	size_t count = 0;
	if (password)
		commands[count++] = target->user[0] ? &auth_user : &auth;
	if (target->database[0])
		commands[count++] = &select;

	enum wire_result result = wire_exchange(wire, call, commands, replies, count);
	call->sent = false;
	for (size_t i = 0; i < count && result == WIRE_OK; i++)
		if (replies[i].error)
			result = fail(call, WIRE_FAULT, replies[i].error);
	return result;
}

enum wire_result wire_open(struct wire **out, const struct target *target, const char *password,
	struct wire_call *call)
{
	int fd = socket_open(target, call->deadline, call->why, sizeof(call->why));
	if (fd < 0)
		return WIRE_UNREACHABLE;
	struct wire *wire = wire_new(fd);
	enum wire_result result = sign_in(wire, target, password, call);
	if (result == WIRE_OK)
		*out = wire;
	else
		wire_close(wire);
	return result;
}
