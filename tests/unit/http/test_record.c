#include "http/record.h"

#include <string.h>

#include "check.h"

static unsigned char bytes[4096];
static size_t len;

static void add(unsigned type, unsigned id, const char *content, size_t content_len)
{
	unsigned padding = (unsigned)(8 - content_len % 8) % 8;
	const unsigned char head[8] = { 1, (unsigned char)type, (unsigned char)(id >> 8),
		(unsigned char)id, (unsigned char)(content_len >> 8), (unsigned char)content_len,
		(unsigned char)padding, 0 };

	memcpy(bytes + len, head, sizeof head);
	len += sizeof head;
	memcpy(bytes + len, content, content_len);
	len += content_len;
	memset(bytes + len, 0, padding);
	len += padding;
}

static void begin(unsigned char role)
{
	const char body[8] = { 0, (char)role };

	len = 0;
	add(1, 258, body, sizeof body);
}

static void check_prefixes(void)
{
	for (size_t part = 0; part < len; part++)
		CHECK(!record_is_whole(bytes, part));
	CHECK(record_is_whole(bytes, len));
}

static void an_authorizer_request_is_whole_with_its_parameters(void)
{
	begin(2);
	add(4, 258, "\1\1ab", 4);
	add(4, 258, "\1\1cdxyz", 7);
	add(4, 258, "", 0);
	check_prefixes();
}

static void a_responder_request_is_whole_with_its_body(void)
{
	begin(1);
	add(4, 258, "\1\1ab", 4);
	add(4, 258, "", 0);
	CHECK(!record_is_whole(bytes, len));
	add(5, 258, "name=value", 10);
	CHECK(!record_is_whole(bytes, len));
	add(5, 258, "", 0);
	check_prefixes();
}

static void whatever_is_not_as_web_servers_send_it_may_keep_a_reader_waiting(void)
{
	begin(2);
	add(4, 259, "", 0);
	CHECK(!record_is_whole(bytes, len)); /* of another request */
	begin(2);
	add(9, 0, "", 0);
	add(4, 258, "", 0);
	CHECK(!record_is_whole(bytes, len)); /* GET_VALUES between */
	len = 0;
	add(4, 258, "", 0);
	CHECK(!record_is_whole(bytes, len)); /* no BEGIN_REQUEST */
	len = 0;
	add(1, 258, "\0", 1);
	add(4, 258, "", 0);
	CHECK(!record_is_whole(bytes, len)); /* without a role */
}

int main(void)
{
	RUN(an_authorizer_request_is_whole_with_its_parameters);
	RUN(a_responder_request_is_whole_with_its_body);
	RUN(whatever_is_not_as_web_servers_send_it_may_keep_a_reader_waiting);
	return check_result();
}
