#include "http/record.h"

enum { RECORD_HEADER_BYTES = 8 };

enum record_type { RECORD_BEGIN_REQUEST = 1, RECORD_PARAMS = 4, RECORD_STDIN = 5 };

enum { RECORD_RESPONDER = 1 };

struct record {
	unsigned type, id;
	size_t content_len;
	const unsigned char *content;
};

/* Header: version, type, id (2), content length (2), padding length, reserved. */
static bool record_next(const unsigned char *bytes, size_t len, size_t *at, struct record *out)
{
	const unsigned char *head = bytes + *at;

	if (len - *at < RECORD_HEADER_BYTES)
		return false;
	*out = (struct record){ .type = head[1],
		.id = (unsigned)head[2] << 8 | head[3],
		.content_len = (size_t)head[4] << 8 | head[5],
		.content = head + RECORD_HEADER_BYTES };
	size_t whole = RECORD_HEADER_BYTES + out->content_len + head[6];
	if (len - *at < whole)
		return false;
	*at += whole;
	return true;
}

/* A stream ends with an empty record. */
static bool record_stream(const unsigned char *bytes, size_t len, size_t *at,
	const struct record *begin, enum record_type type)
{
	struct record record;

	do {
		if (!record_next(bytes, len, at, &record) || record.type != type ||
			record.id != begin->id)
			return false;
	} while (record.content_len > 0);
	return true;
}

bool record_is_whole(const unsigned char *bytes, size_t len)
{
	struct record begin;
	size_t at = 0;

	if (!record_next(bytes, len, &at, &begin) || begin.type != RECORD_BEGIN_REQUEST ||
		begin.content_len < 2)
		return false;
	unsigned role = (unsigned)begin.content[0] << 8 | begin.content[1];
	return record_stream(bytes, len, &at, &begin, RECORD_PARAMS) &&
	       (role != RECORD_RESPONDER || record_stream(bytes, len, &at, &begin, RECORD_STDIN));
}
