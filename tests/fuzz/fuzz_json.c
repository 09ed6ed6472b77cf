/* JSON from outside. What is taken can be written, and reads the same again. */
#include "base/buf.h"
#include "base/json.h"
#include "fuzz/fuzz.h"

static void walk(const char *name, struct json *value, void *context)
{
	size_t *depth = context;
	HOLDS(name && *depth <= 32);
	++*depth;
	json_each(value, walk, depth);
	for (size_t i = 0; i < json_count(value); i++)
		walk("", json_at(value, i), depth);
	--*depth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wrong_at = 0, depth = 0;
	char *text = fuzz_bytes(data, size);

	fuzz_begin();
	struct json *json = json_parse_at(text, size, &wrong_at);
	HOLDS(json || wrong_at <= size);
	if (json) {
		walk("", json, &depth);
		char *written = fuzz_text(json_format(json), strlen(json_format(json)));
		struct json *again = json_parse(written, strlen(written));
		HOLDS(again && strcmp(json_format(again), written) == 0);
		struct buf ours;
		buf_init(&ours, fuzz_arena, 16 * size + 1024);
		json_write(&ours, json);
		HOLDS(buf_ok(&ours) && strcmp(ours.data, written) == 0);
		json_free(again);
		free(written);
	}
	json_free(json);
	free(text);
	return 0;
}
