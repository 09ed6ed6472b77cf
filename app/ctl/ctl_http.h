/* An HTTP client that asks one site as nobody else would: the request target goes out as it is
 * given, redirects are not followed, no proxy of the environment is used. By libcurl (the only file
 * that includes it).
 *
 * Everything of a reply is in the arena given at the start. */
#ifndef DOORWARD_CTL_CTL_HTTP_H
#define DOORWARD_CTL_CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct ctl_http;

enum { CTL_HTTP_HEADERS_MAX = 64, CTL_HTTP_BODY_MAX = 256 * 1024 };

/* origin: "https://host:port". ca_file NULL: the machine's certificate authorities. */
struct ctl_http *ctl_http_new(struct arena *arena, const char *origin, const char *ca_file);
/* NULL does nothing. */
void ctl_http_free(struct ctl_http *http);

struct ctl_http_request {
	const char *method; /* NULL: GET */
	const char *target; /* as it stands in the request line */
	const char *header[CTL_HTTP_HEADERS_MAX]; /* "Name: value", up to a NULL */
};

enum ctl_http_result {
	CTL_HTTP_OK,
	CTL_HTTP_NO_REPLY, /* connected, but closed without an answer that could be understood */
	CTL_HTTP_CERTIFICATE, /* nothing was sent */
	CTL_HTTP_FAULT, /* no connection, or too late */
};

struct ctl_http_reply {
	enum ctl_http_result result;
	const char *error; /* what libcurl says of it; "" with CTL_HTTP_OK */
	const char *target; /* what was asked for */
	int status; /* 0 without an answer */
	const char *name[CTL_HTTP_HEADERS_MAX], *value[CTL_HTTP_HEADERS_MAX];
	size_t headers;
	const char *body; /* the first CTL_HTTP_BODY_MAX bytes, NUL at the end */
	size_t body_len;
	const char *local_address; /* of this end; "" when unknown */
};

/* Never NULL. */
const struct ctl_http_reply *ctl_http_ask(
	struct ctl_http *http, const struct ctl_http_request *request);

/* The value of the first header of that name, in any case; "" when there is none. */
const char *ctl_http_header(const struct ctl_http_reply *reply, const char *name);
/* The text stands in a header of that name, in any case of letters. */
bool ctl_http_says(const struct ctl_http_reply *reply, const char *name, const char *text);
/* Seconds since 1970 of the answer's Date; -1 when there is none. */
long long ctl_http_date(const struct ctl_http_reply *reply);
/* "libcurl 7.88.1" and its TLS library. */
const char *ctl_http_version(void);

#endif
