#include "ctl/ctl_http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

enum { CONNECT_MS = 5000, TOTAL_MS = 20000 };

struct ctl_http {
	struct arena *arena;
	CURL *curl;
	const char *origin;
	char error[CURL_ERROR_SIZE];
};

/* What a transfer writes into. */
struct receipt {
	struct arena *arena;
	struct ctl_http_reply *reply;
	struct buf body;
};

struct ctl_http *ctl_http_new(struct arena *arena, const char *origin, const char *ca_file)
{
	struct ctl_http *http = calloc(1, sizeof *http);

	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
		!(http->curl = curl_easy_init()))
		fatal("libcurl does not start");
	http->arena = arena;
	http->origin = arena_strdup(arena, origin);
	curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->error);
	curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(http->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(http->curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* One line of text per request: the tricks are told as HTTP/1.1 has them. */
	curl_easy_setopt(http->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS);
	if (ca_file)
		curl_easy_setopt(http->curl, CURLOPT_CAINFO, ca_file);
	return http;
}

void ctl_http_free(struct ctl_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	curl_global_cleanup();
	free(http);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct receipt *receipt = context;
	size_t room = CTL_HTTP_BODY_MAX - receipt->body.len, len = size * count;

	buf_add(&receipt->body, bytes, len < room ? len : room);
	return len;
}

/* A header line, or the status line that begins another answer (after 100 Continue). */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct receipt *receipt = context;
	struct ctl_http_reply *reply = receipt->reply;
	size_t len = size * count;
	char *line = arena_strndup(receipt->arena, bytes, len);
	char *colon = strchr(line, ':');

	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(line, "HTTP/", 5) == 0) {
		reply->headers = 0;
	} else if (colon && reply->headers < CTL_HTTP_HEADERS_MAX) {
		*colon = '\0';
		reply->name[reply->headers] = line;
		reply->value[reply->headers++] = colon + 1 + strspn(colon + 1, " \t");
	}
	return len;
}

static enum ctl_http_result result_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return CTL_HTTP_OK;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return CTL_HTTP_CERTIFICATE;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_HTTP2:
		return CTL_HTTP_NO_REPLY;
	default:
		return CTL_HTTP_FAULT;
	}
}

static struct curl_slist *headers_of(const struct ctl_http_request *request)
{
	/* Nothing that libcurl would add by itself for a body. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; i < CTL_HTTP_HEADERS_MAX && request->header[i]; i++)
		list = curl_slist_append(list, request->header[i]);
	return list;
}

static void set_method(CURL *curl, const char *method)
{
	bool post = strcmp(method, "POST") == 0;

	curl_easy_setopt(curl, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (post) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

const struct ctl_http_reply *ctl_http_ask(
	struct ctl_http *http, const struct ctl_http_request *request)
{
	struct ctl_http_reply *reply = arena_alloc(http->arena, sizeof *reply);
	struct receipt receipt = { .arena = http->arena, .reply = reply };
	struct curl_slist *headers = headers_of(request);
	const char *local = NULL;
	long status = 0;

	buf_init(&receipt.body, http->arena, CTL_HTTP_BODY_MAX + 1);
	*http->error = '\0';
	set_method(http->curl, request->method ? request->method : "GET");
	curl_easy_setopt(http->curl, CURLOPT_URL, http->origin);
	curl_easy_setopt(http->curl, CURLOPT_REQUEST_TARGET, request->target);
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, &receipt);
	curl_easy_setopt(http->curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(http->curl, CURLOPT_HEADERDATA, &receipt);
	CURLcode code = curl_easy_perform(http->curl);
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(http->curl, CURLINFO_LOCAL_IP, &local);
	curl_slist_free_all(headers);
	reply->result = result_of(code);
	reply->target = request->target;
	reply->status = (int)status;
	/* A whole head without the rest of its body is an answer for our purposes. */
	if (reply->result == CTL_HTTP_NO_REPLY && status >= 200)
		reply->result = CTL_HTTP_OK;
	reply->error = code == CURLE_OK
			       ? ""
			       : arena_strdup(http->arena,
					 *http->error ? http->error : curl_easy_strerror(code));
	reply->body = receipt.body.data ? receipt.body.data : "";
	reply->body_len = receipt.body.len;
	reply->local_address = arena_strdup(http->arena, local ? local : "");
	return reply;
}

const char *ctl_http_header(const struct ctl_http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->headers; i++)
		if (strcasecmp(reply->name[i], name) == 0)
			return reply->value[i];
	return "";
}

bool ctl_http_says(const struct ctl_http_reply *reply, const char *name, const char *text)
{
	for (size_t i = 0; i < reply->headers; i++)
		if (strcasecmp(reply->name[i], name) == 0 && strcasestr(reply->value[i], text))
			return true;
	return false;
}

long long ctl_http_date(const struct ctl_http_reply *reply)
{
	const char *date = ctl_http_header(reply, "Date");

	return *date ? (long long)curl_getdate(date, NULL) : -1;
}

const char *ctl_http_version(void)
{
	return curl_version();
}
