/* Accept and Accept-Language. Each range lies in the header, behind the one before, without a
 * separator in it, and weighs 0 to 1000; there is always a language, and it is one of ours. */
#include "fuzz/fuzz.h"
#include "http/accept.h"
#include "http/language.h"

#include <strings.h>

struct seen {
	const char *at, *end;
};

static void look(const char *range, size_t len, int weight, void *context)
{
	struct seen *seen = context;
	HOLDS(range >= seen->at && range + len <= seen->end);
	HOLDS(weight >= 0 && weight <= 1000);
	for (size_t i = 0; i < len; i++)
		HOLDS(!strchr(",; \t", range[i]));
	seen->at = range + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct language_set *set;
	char error[400] = "", *header = fuzz_text(data, size);
	struct seen seen = { .at = header, .end = header + strlen(header) };

	fuzz_begin();
	if (!set)
		set = language_set_load("languages", error, sizeof error);
	HOLDS(set != NULL);
	accept_each(header, look, &seen);
	(void)accept_prefers_json(header);
	const char *tag = language_tag(language_choose(set, header));
	/* Nothing that the browser says gets into the tag: it is asked for by itself again. */
	HOLDS(strcmp(language_tag(language_choose(set, tag)), tag) == 0);
	HOLDS(strcmp(tag, "en") == 0 || strncasecmp(tag, "en", 2) != 0);
	free(header);
	return 0;
}
