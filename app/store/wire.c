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

enum { OUT_KEPT_BYTES = 65536 };

#define DIGITS(number) DIGITS_OF(number)
#define DIGITS_OF(number) #number

const char *wire_version(void)
{
	return "hiredis " DIGITS(HIREDIS_MAJOR) "." DIGITS(HIREDIS_MINOR) "." DIGITS(HIREDIS_PATCH);
}

static struct wire *wire_new(int fd)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	if (!wire || !wire_reply_init(wire))
		fatal("out of memory: a connection to Redis");
	wire->fd = fd;
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
	redisContext *context = wire->tls;
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
	redisReaderFree(wire->reader);
	if (wire->tls)
		free_tls(wire);
	else
		close(wire->fd);
	free(wire);
}

bool wire_is_quiet(const struct wire *wire)
{
	return socket_wait(wire->fd, POLLIN, deadline_in_ms(0)) == 0;
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
	wire->tls = context;
	/* Only begun here: the rest happens while the first command is written. */
	if (redisInitiateSSLWithContext(context, tls->context) != REDIS_OK)
		return wire_tls_refused(wire, call);
	return WIRE_OK;
}

/* SSL_write takes all of it or nothing, and then wants the same again. */
ssize_t wire_tls_write(struct wire *wire)
{
	redisContext *context = wire->tls;
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
	redisContext *context = wire->tls;
	return context->err ? -1 : context->funcs->read(context, bytes, size);
}

const char *wire_tls_error(const struct wire *wire)
{
	return wire->tls->errstr;
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
	(void)snprintf(call->why, sizeof(call->why), "no TLS");
	return WIRE_FAULT;
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
