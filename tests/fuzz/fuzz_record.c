/* FastCGI records. record_is_whole agrees with a reference that reads them by states, and a request
 * once whole stays so whatever follows it. */
#include "fuzz/fuzz.h"
#include "http/record.h"

enum state { AT_BEGIN, AT_PARAMS, AT_STDIN, AT_END, AT_FAULT };

struct reader {
	enum state state;
	unsigned id, role;
};

static enum state step(struct reader *reader, const uint8_t *record, unsigned content_len)
{
	unsigned type = record[1], id = record[2] * 256U + record[3];
	if (reader->state == AT_BEGIN) {
		if (type != 1 || content_len < 2)
			return AT_FAULT;
		reader->id = id;
		reader->role = record[8] * 256U + record[9];
		return AT_PARAMS;
	}
	if (id != reader->id || type != (reader->state == AT_PARAMS ? 4 : 5))
		return AT_FAULT;
	if (content_len > 0)
		return reader->state;
	return reader->state == AT_PARAMS && reader->role == 1 ? AT_STDIN : AT_END;
}

static bool reference(const uint8_t *data, size_t size)
{
	struct reader reader = { .state = AT_BEGIN };
	while (reader.state != AT_END && reader.state != AT_FAULT) {
		if (size < 8)
			return false;
		unsigned content_len = data[4] * 256U + data[5];
		size_t whole = 8 + (size_t)content_len + data[6];
		if (size < whole)
			return false;
		reader.state = step(&reader, data, content_len);
		data += whole;
		size -= whole;
	}
	return reader.state == AT_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool was_whole = false;
	fuzz_begin();
	/* Every beginning of it, in memory of its own: what has arrived so far. */
	for (size_t len = size > 200 ? size - 200 : 0; len <= size; len++) {
		unsigned char *bytes = (unsigned char *)fuzz_bytes(data, len);
		bool whole = record_is_whole(bytes, len);
		HOLDS(whole == reference(data, len));
		HOLDS(whole || !was_whole);
		was_whole = whole;
		free(bytes);
	}
	return 0;
}
