/* Cookie headers, one a line. What is found lies within a header, is what a slow and simple reading
 * finds, and is the only one of its name. */
#include "fuzz/fuzz.h"
#include "http/cookie.h"
#include "http/request.h"

enum { LINES_MAX = 8, VALUE_MAX = 4096 };

static const char name[] = "__Host-doorward";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How much a pair that begins at `at` counts: 0 when none begins there; behind a comma, where a
 * neighbour domain's cookie can put it, twice, so that it is never the one. */
static int weight_of(const char *header, const char *at)
{
	while (at > header && is_blank(at[-1]))
		at--;
	if (at == header || at[-1] == ';')
		return 1;
	return at[-1] == ',' ? 2 : 0;
}

/* Wherever "name" [blanks] "=" stands. */
static int count_pairs(const char *header)
{
	int count = 0;
	for (const char *at = strstr(header, name); at; at = strstr(at + 1, name)) {
		const char *behind = at + sizeof name - 1;
		while (is_blank(*behind))
			behind++;
		count += *behind == '=' ? weight_of(header, at) : 0;
	}
	return count;
}

static void judge(const struct request *request, int pairs)
{
	const char *value = NULL;
	size_t len = 0;
	bool inside = false;
	enum cookie_result result = cookie_find(request, name, &value, &len);

	for (const char *const *param = request->params; *param && value; param++)
		inside |= value >= *param && value + len <= *param + strlen(*param);
	HOLDS((result == COOKIE_FOUND) == (value != NULL));
	HOLDS(!value || inside);
	HOLDS(!value || (len <= VALUE_MAX && !memchr(value, ';', len) && !memchr(value, ',', len)));
	HOLDS(!value || len == 0 || (!is_blank(value[0]) && !is_blank(value[len - 1])));
	HOLDS((result == COOKIE_ABSENT) == (pairs == 0));
	HOLDS(result != COOKIE_FOUND || pairs == 1);
	HOLDS(pairs < 2 || result == COOKIE_DUPLICATE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char method[] = "REQUEST_METHOD=GET";
	char *params[LINES_MAX + 2] = { NULL };
	struct fuzz_parts parts = { data, data + size };
	struct request request = { 0 };
	const char *why = NULL;
	int count = 0, pairs = 0;

	fuzz_begin();
	for (; parts.at < parts.end && count < LINES_MAX; count++) {
		char *line = fuzz_part(&parts, '\n');
		size_t line_len = strlen("HTTP_COOKIE=") + strlen(line) + 1;
		params[count] = malloc(line_len);
		HOLDS(params[count] != NULL);
		(void)snprintf(params[count], line_len, "HTTP_COOKIE=%s", line);
		pairs += count_pairs(line);
		free(line);
	}
	params[count] = method;
	if (request_init(&request, fuzz_arena, (const char *const *)params, "", &why))
		judge(&request, pairs);
	else
		HOLDS(size > REQUEST_PARAMS_MAX_BYTES / 2);
	for (int i = 0; i < count; i++)
		free(params[i]);
	return 0;
}
