#include "http/response.h"

#include "base/arena.h"

#include <string.h>
#include <strings.h>

/* What is sent when the answer cannot be built. */
static const char plain_503[] =
	"Status: 503 Service Unavailable\r\nCache-Control: no-store\r\n\r\n";

static const struct {
	int status;
	const char *text;
} status_texts[] = {
	{ 200, "OK" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};

const char *response_status_text(int status)
{
	for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++) {
		if (status_texts[i].status == status)
			return status_texts[i].text;
	}
	return "";
}

void response_init(struct response *response, struct arena *arena)
{
	*response = (struct response){ .status = 503 };
	buf_init(&response->headers, arena, RESPONSE_HEADERS_MAX_BYTES);
	buf_init(&response->body, arena, RESPONSE_BODY_MAX_BYTES);
}

void response_reset(struct response *response)
{
	response->status = 503;
	response->broken = false;
	buf_clear(&response->headers);
	buf_clear(&response->body);
}

void response_status(struct response *response, int status)
{
	response->status = status;
}

/* A token, RFC 9110 section 5.6.2, of the characters that names of headers and variables have. */
static bool is_name(const char *name)
{
	const char *c = name;
	while ((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
		*c == '-' || *c == '_')
		c++;
	return c > name && *c == '\0';
}

static bool is_value(const char *value)
{
	for (; *value; value++) {
		if (*value < ' ' || *value > '~')
			return false;
	}
	return true;
}

void response_header(struct response *response, const char *name, const char *value)
{
	/* A second Status is the first for nginx and the last for lighttpd: there is only ours. */
	if (!is_name(name) || !is_value(value) || strcasecmp(name, "Status") == 0) {
		response->broken = true;
		return;
	}
	buf_add_text(&response->headers, name);
	buf_add_text(&response->headers, ": ");
	buf_add_text(&response->headers, value);
	buf_add_text(&response->headers, "\r\n");
}

/* How many bytes from there on stand as they are. A server strips spaces at the ends, and two names
 * would become one. */
static size_t plain_run(const char *value, size_t from, size_t len)
{
	size_t i = from;
	for (; i < len; i++) {
		bool end = value[i] == ' ' && (i == 0 || i + 1 == len);
		if (value[i] < ' ' || value[i] > '~' || value[i] == '%' || end)
			break;
	}
	return i - from;
}

void response_variable(struct response *response, const char *name, const char *value)
{
	struct buf *headers = &response->headers;
	size_t len = strlen(value);
	if (!is_name(name)) {
		response->broken = true;
		return;
	}
	buf_add_text(headers, "Variable-");
	buf_add_text(headers, name);
	buf_add_text(headers, ": ");
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(value, i, len);
		buf_add(headers, value + i, run);
		i += run;
		if (i < len)
			buf_printf(headers, "%%%02X", (unsigned char)value[i++]);
	}
	buf_add_text(headers, "\r\n");
}

bool response_render(const struct response *response, struct buf *out)
{
	const char *text = response_status_text(response->status);
	bool sound =
		!response->broken && *text && buf_ok(&response->headers) && buf_ok(&response->body);
	buf_clear(out);
	if (sound) {
		buf_add_text(out, "Status: ");
		buf_add_text(out, arena_int(response->headers.arena, response->status));
		buf_add_text(out, " ");
		buf_add_text(out, text);
		buf_add_text(out, "\r\n");
		buf_add(out, response->headers.data, response->headers.len);
		buf_add_text(out, "\r\n");
		buf_add(out, response->body.data, response->body.len);
		if (buf_ok(out))
			return true;
	}
	buf_clear(out);
	buf_add_text(out, plain_503);
	return false;
}
