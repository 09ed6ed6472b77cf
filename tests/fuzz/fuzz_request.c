/* FastCGI parameters, one a line; what follows the line "--" is the body. A request that is taken
 * has every text, an address in its one form, and a body exactly as long as it said. */
#include "fuzz/fuzz.h"
#include "http/address.h"
#include "http/request.h"

enum { PARAMS_MAX = 64 };

struct body {
	const uint8_t *at, *end;
};

static size_t read_body(void *context, char *into, size_t len)
{
	struct body *body = context;
	size_t left = (size_t)(body->end - body->at);
	len = len < left ? len : left;
	len = len > 100 ? 100 : len; /* in pieces, as from a web server */
	if (len)
		memcpy(into, body->at, len);
	body->at += len;
	return len;
}

static void judge_texts(const struct request *request)
{
	HOLDS(request->method_text && *request->method_text);
	HOLDS(request->path && request->query && request->uri && request->address &&
		request->agent);
	HOLDS(strcmp(address_canonical(fuzz_arena, request->address), request->address) == 0);
	HOLDS(request->role == REQUEST_RESPONDER || request->role == REQUEST_AUTHORIZER);
	HOLDS(request->method != REQUEST_GET || strcmp(request->method_text, "GET") == 0);
	HOLDS(request->method != REQUEST_POST || strcmp(request->method_text, "POST") == 0);
	HOLDS(!request_is_script(request) || !request_is_navigation(request));
	HOLDS(request_origin(request, "https://site.example") <= REQUEST_ORIGIN_UNKNOWN);
	HOLDS(request_origin(request, "") <= REQUEST_ORIGIN_UNKNOWN);
}

static void judge_body(struct request *request, struct body *body)
{
	size_t there = (size_t)(body->end - body->at);
	const char *length = request_param(request, PARAM_CONTENT_LENGTH);
	request->read = read_body;
	request->read_context = body;
	enum request_body_result result = request_read_body(request);
	HOLDS(result <= REQUEST_BODY_BAD);
	if (result != REQUEST_BODY_OK)
		return;
	HOLDS(request->body && request->body_len <= REQUEST_BODY_MAX_BYTES);
	HOLDS(request->body_len <= there && request->body[request->body_len] == '\0');
	HOLDS(length && (size_t)atoll(length) == request->body_len);
	HOLDS(memcmp(request->body, body->end - there, request->body_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *params[PARAMS_MAX + 1] = { NULL };
	struct fuzz_parts parts = { data, data + size };
	struct request request = { 0 };
	const char *why = NULL;
	int count = 0;

	fuzz_begin();
	while (parts.at < parts.end && count < PARAMS_MAX) {
		params[count] = fuzz_part(&parts, '\n');
		if (strcmp(params[count++], "--") == 0)
			break;
	}
	struct body body = { parts.at, parts.end };
	bool taken = request_init(&request, fuzz_arena, (const char *const *)params,
		"192.0.2.0/24, unix, 2001:db8::/32", &why);
	HOLDS(taken || (why && *why));
	if (taken)
		judge_texts(&request);
	if (taken && request.role == REQUEST_RESPONDER)
		judge_body(&request, &body);
	for (int i = 0; i < count; i++)
		free(params[i]);
	return 0;
}
