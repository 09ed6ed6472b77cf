/* The JSON of a token. What our strict reader takes, a common JSON library takes as well and reads
 * the same, member by member: who signs and who verifies do not differ. */
#include "auth/claims.h"
#include "base/json.h"
#include "fuzz/fuzz.h"

static void judge(const struct claims *claims, struct json *json)
{
	size_t members = 0;
	HOLDS(json_is_object(json) && claims->count <= CLAIMS_MAX);
	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->list[i];
		const struct json *value = json_get(json, claim->name);
		const char *text = json_as_text(value);
		HOLDS(text && json_is_text(value) == (claim->text != NULL));
		HOLDS(!claim->text || strcmp(text, claim->text) == 0);
		HOLDS(claim->text || json_as_int(value, -1) == claim->number);
		HOLDS(claim->text || (claim->number >= 0 && claim->number <= CLAIMS_INT_MAX));
		HOLDS(claims_find(claims, claim->name) == claim);
		members++;
	}
	HOLDS(members == claims->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct claims claims;
	char *text = fuzz_bytes(data, size);

	fuzz_begin();
	if (claims_parse(&claims, text, size)) {
		struct json *json = json_parse((const char *)data, size);
		judge(&claims, json);
		json_free(json);
	}
	free(text);
	return 0;
}
