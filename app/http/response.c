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
static bool is_name(const char *name, size_t len)
{
	static const bool is_part[256] = { ['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
		['0' ... '9'] = true,
		['-'] = true,
		['_'] = true };
	for (size_t i = 0; i < len; i++) {
		if (!is_part[(unsigned char)name[i]])
			return false;
	}
	return len > 0;
}

static bool is_value(const char *value)
{
	for (; *value; value++) {
		if (*value < ' ' || *value > '~')
			return false;
	}
	return true;
}

static void add_line(
	struct buf *headers, const char *name, size_t name_len, const char *value, size_t value_len)
{
	char *at = buf_extend(headers, name_len + value_len + 4);
	if (!at)
		return;
	at = mempcpy(at, name, name_len);
	at = mempcpy(at, ": ", 2);
	at = mempcpy(at, value, value_len);
	*at++ = '\r';
	*at = '\n';
}

void response_header(struct response *response, const char *name, const char *value)
{
	size_t len = strlen(name);
	/* A second Status is the first for nginx and the last for lighttpd: there is only ours. */
	if (!is_name(name, len) || !is_value(value) || strcasecmp(name, "Status") == 0) {
		response->broken = true;
		return;
	}
	add_line(&response->headers, name, len, value, strlen(value));
}

/* How many bytes from there on stand as they are. A server strips spaces at the ends, and two names
 * would become one. */
static size_t plain_run(const char *value, size_t from, size_t len)
{
	static const bool is_plain[256] = { [' ' ... '$'] = true, ['&' ... '~'] = true };
	size_t i = from;
	for (; i < len && is_plain[(unsigned char)value[i]]; i++) {
		if (value[i] == ' ' && (i == 0 || i + 1 == len))
			break;
	}
	return i - from;
}

static const char *percent_encoded(struct arena *arena, const char *value, size_t len)
{
	struct buf out;
	buf_init(&out, arena, RESPONSE_HEADERS_MAX_BYTES);
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(value, i, len);
		buf_add(&out, value + i, run);
		i += run;
		if (i < len)
			buf_printf(&out, "%%%02X", (unsigned char)value[i++]);
	}
	return buf_ok(&out) ? out.data : NULL;
}

void response_variable(struct response *response, const char *name, const char *value)
{
	struct buf *headers = &response->headers;
	size_t len = strlen(value), name_len = strlen(name);
	if (plain_run(value, 0, len) != len) {
		value = percent_encoded(headers->arena, value, len);
		len = value ? strlen(value) : 0;
	}
	if (!value || !is_name(name, name_len)) {
		response->broken = true;
		return;
	}
	buf_add(headers, "Variable-", sizeof("Variable-") - 1);
	add_line(headers, name, name_len, value, len);
}

bool response_render(const struct response *response, struct buf *out)
{
	const char *text = response_status_text(response->status);
	bool sound =
		!response->broken && *text && buf_ok(&response->headers) && buf_ok(&response->body);
	buf_clear(out);
	if (sound) {
		const char *number = arena_int(response->headers.arena, response->status);
		const char *line = arena_join(response->headers.arena, number, " ", text, NULL);
		add_line(out, "Status", 6, line, strlen(line));
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
