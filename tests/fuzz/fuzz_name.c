/* A user's name as typed. The folded name folds to itself, so that two spellings never become
 * one account today and two tomorrow. */
#include "auth/name.h"
#include "base/encode.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *typed = fuzz_text(data, size), folded[256], again[256];

	fuzz_begin();
	if (name_fold(typed, 128, folded, sizeof folded)) {
		size_t len = strlen(folded);
		HOLDS(strlen(typed) <= 128 && len > 0 && encode_is_utf8(folded, len));
		HOLDS(!strchr(folded, ',') && !strchr(folded, ':') && !strstr(folded, "  "));
		HOLDS(folded[0] != ' ' && folded[len - 1] != ' ');
		HOLDS(name_fold(folded, sizeof folded, again, sizeof again));
		HOLDS(strcmp(folded, again) == 0);
	}
	free(typed);
	return 0;
}
