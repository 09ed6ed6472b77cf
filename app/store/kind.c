#include "store/kind.h"

#include <strings.h>

#include "store/store.h"

/* How many a list has: any number, or as many as fields were asked for. */
enum { ANY = -1, FIELDS = -2 };

static const struct kind {
	const char *name;
	enum store_type type;
	int count;
} kinds[] = {
	{ "EXISTS", STORE_INT, ANY },
	{ "PTTL", STORE_INT, ANY },
	{ "EXPIRETIME", STORE_INT, ANY },
	{ "DEL", STORE_INT, ANY },
	{ "WAIT", STORE_INT, ANY },
	{ "HMGET", STORE_LIST, FIELDS },
	{ "TIME", STORE_LIST, 2 },
	{ "ZRANGE", STORE_LIST, ANY },
	{ "SCAN", STORE_LIST, 2 },
	{ "XRANGE", STORE_LIST, ANY },
};

/* By the contracts in scripts/. */
static enum store_type kind_of_script(enum store_script script)
{
	bool list = script == STORE_ROTATION_USE || script == STORE_SESSION_START ||
		    script == STORE_THROTTLE_TAKE;

	return list ? STORE_LIST : STORE_INT;
}

bool kind_fits(const struct store_command *command, const struct store_value *answer)
{
	const char *name = command->argv[0];

	if (command->script >= 0)
		return answer->type == kind_of_script((enum store_script)command->script);
	if (strcasecmp(name, "HGET") == 0)
		return answer->type == STORE_TEXT || answer->type == STORE_NIL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *kind = &kinds[i];
		size_t count = kind->count == FIELDS ? command->argc - 2 : (size_t)kind->count;

		if (strcasecmp(name, kind->name) != 0)
			continue;
		return answer->type == kind->type && (kind->count == ANY || answer->count == count);
	}
	return true;
}
