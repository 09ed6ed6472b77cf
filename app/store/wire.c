#include "base/arena.h"
#include "base/crypto.h"
#include "base/log.h"
#include "store/socket.h"
#include "store/wire_own.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#if defined(DOORWARD_HIREDIS_SSL)
#include <hiredis/hiredis_ssl.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of one exchange. A server that sends more is not our Redis. */
enum { ITEMS_MAX = 1 << 18, DEPTH_MAX = 7 };
enum { OUT_KEPT_BYTES = 65536 };

/* hiredis 1.0 made this size_t. */
#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

/* What hiredis knows of a wire. */
struct wire_hiredis {
	redisReader *reader;
	redisReplyObjectFunctions functions;
	void *(*create_array)(const redisReadTask *, item_count);
	redisContext *tls; /* NULL: plain */
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
	return wire->hiredis->create_array(task, count);
}

static struct wire *wire_new(int fd)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	struct wire_hiredis *hiredis = calloc(1, sizeof(*hiredis));
	redisReader *reader = redisReaderCreate();
	if (!wire || !hiredis || !reader)
		fatal("out of memory: a connection to Redis");
	wire->fd = fd;
	wire->hiredis = hiredis;
	hiredis->reader = reader;
	hiredis->create_array = reader->fn->createArray;
	hiredis->functions = *reader->fn;
	hiredis->functions.createArray = create_array;
	reader->fn = &hiredis->functions;
	reader->privdata = wire;
	return wire;
}

/* Commands carry password hashes, AUTH a password. */
void wire_forget_out(struct wire *wire)
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

#if defined(DOORWARD_HIREDIS_SSL)
/* Closes the socket as well. */
static void free_tls(struct wire *wire)
{
	redisContext *context = wire->hiredis->tls;
	crypto_wipe(context->obuf, wire->tls_pending);
	redisFree(context);
}
#else
static void free_tls(const struct wire *wire)
{
	(void)wire;
}
#endif

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	wire_forget_out(wire);
	free(wire->out);
	redisReaderFree(wire->hiredis->reader);
	if (wire->tls)
		free_tls(wire);
	else
		close(wire->fd);
	free(wire->hiredis);
	free(wire);
}

bool wire_is_quiet(const struct wire *wire)
{
	return socket_wait(wire->fd, POLLIN, deadline_in_ms(0)) == 0;
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

enum wire_result wire_take_replies(struct wire *wire, struct wire_call *call,
	struct wire_reply *replies, size_t count, size_t *got)
{
	while (*got < count) {
		void *reply = NULL;
		if (redisReaderGetReply(wire->hiredis->reader, &reply) != REDIS_OK)
			return fail(call, WIRE_FAULT,
				wire->refused ? wire->refused : wire->hiredis->reader->errstr);
		if (!reply)
			return WIRE_OK;
		enum wire_result result = take_reply(call, reply, &replies[*got]);
		if (result != WIRE_OK)
			return result;
		(*got)++;
	}
	return WIRE_OK;
}

bool wire_is_in_step(const struct wire *wire)
{
	const redisReader *reader = wire->hiredis->reader;
	return wire->out_sent == wire->out_len && reader->pos == reader->len;
}

enum wire_result wire_feed(struct wire *wire, struct wire_call *call, const char *bytes, size_t len)
{
	redisReader *reader = wire->hiredis->reader;
	return redisReaderFeed(reader, bytes, len) == REDIS_OK
		       ? WIRE_OK
		       : fail(call, WIRE_FAULT, reader->errstr);
}

/* ---- TLS: hiredis' own, where it was built with it (hiredis_ssl) ---- */

#if defined(DOORWARD_HIREDIS_SSL)
struct wire_tls {
	redisSSLContext *context;
};

struct wire_tls *wire_tls_new(const struct store_tls_files *files, char *error, size_t error_size)
{
	const char *cert = *files->cert_file ? files->cert_file : NULL;
	const char *key = cert ? files->key_file : NULL;
	redisSSLContextError why = REDIS_SSL_CTX_NONE;
	redisSSLContext *context =
		redisCreateSSLContext(files->ca_file, NULL, cert, key, NULL, &why);
	if (!context) {
		(void)snprintf(error, error_size, "TLS to the store: %s: %s",
			redisSSLContextGetError(why),
			why == REDIS_SSL_CTX_CA_CERT_LOAD_FAILED       ? files->ca_file
			: why == REDIS_SSL_CTX_PRIVATE_KEY_LOAD_FAILED ? files->key_file
								       : files->cert_file);
		return NULL;
	}
	struct wire_tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		fatal("out of memory: TLS");
	tls->context = context;
	/* OpenSSL writes without MSG_NOSIGNAL. */
	(void)signal(SIGPIPE, SIG_IGN);
	return tls;
}

void wire_tls_free(struct wire_tls *tls)
{
	if (tls)
		redisFreeSSLContext(tls->context);
	free(tls);
}

static enum wire_result start_tls(struct wire *wire, struct wire_tls *tls, struct wire_call *call)
{
	redisOptions options = { .type = REDIS_CONN_USERFD, .options = REDIS_OPT_NONBLOCK };
	options.endpoint.fd = wire->fd;
	redisContext *context = redisConnectWithOptions(&options);
	if (!context)
		fatal("out of memory: TLS");
	wire->hiredis->tls = context;
	wire->tls = true;
	/* Only begun here: the rest happens while the first command is written. */
	if (redisInitiateSSLWithContext(context, tls->context) != REDIS_OK)
		return wire_tls_refused(wire, call);
	return WIRE_OK;
}

/* SSL_write takes all of it or nothing, and then wants the same again. */
ssize_t wire_tls_write(struct wire *wire)
{
	redisContext *context = wire->hiredis->tls;
	if (wire->out_len == 0 || context->err)
		return context->err ? -1 : 0;
	/* A copy that OpenSSL may keep until it could be sent. */
	if (wire->tls_pending == 0 &&
		redisAppendFormattedCommand(context, wire->out, wire->out_len))
		fatal("out of memory: TLS");
	wire->tls_pending = wire->out_len;
	ssize_t sent = context->funcs->write(context);
	if (sent > 0) {
		crypto_wipe(context->obuf, (size_t)sent);
		sdsclear(context->obuf);
		wire->tls_pending = 0;
	}
	return sent;
}

ssize_t wire_tls_read(struct wire *wire, char *bytes, size_t size)
{
	redisContext *context = wire->hiredis->tls;
	return context->err ? -1 : context->funcs->read(context, bytes, size);
}

const char *wire_tls_error(const struct wire *wire)
{
	return wire->hiredis->tls->errstr;
}
#else
struct wire_tls *wire_tls_new(const struct store_tls_files *files, char *error, size_t error_size)
{
	(void)files;
	(void)snprintf(error, error_size,
		"[store] TLS needs hiredis 1 or newer with its TLS part, and this is %s: let "
		"stunnel do it (docs/store.md has a recipe), or use a unix socket",
		wire_version());
	return NULL;
}

void wire_tls_free(struct wire_tls *tls)
{
	(void)tls;
}

static enum wire_result start_tls(
	struct wire *wire, const struct wire_tls *tls, struct wire_call *call)
{
	(void)wire;
	(void)tls;
	return fail(call, WIRE_FAULT, "no TLS");
}

ssize_t wire_tls_write(struct wire *wire)
{
	(void)wire;
	return -1;
}

ssize_t wire_tls_read(struct wire *wire, char *bytes, size_t size)
{
	(void)wire;
	(void)bytes;
	(void)size;
	return -1;
}

const char *wire_tls_error(const struct wire *wire)
{
	(void)wire;
	return "no TLS";
}
#endif

enum wire_result wire_attach(
	struct wire **out, int fd, const struct wire_login *login, struct wire_call *call)
{
	struct wire *wire = wire_new(fd);
	enum wire_result result = login->tls ? start_tls(wire, login->tls, call) : WIRE_OK;
	if (result == WIRE_OK)
		*out = wire;
	else
		wire_close(wire);
	return result;
}
