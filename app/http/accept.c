#include "http/accept.h"

#include <string.h>
#include <strings.h>

static bool is_type(const char *text, size_t len, const char *type)
{
	return len == strlen(type) && strncasecmp(text, type, len) == 0;
}

static bool is_json(const char *text, size_t len)
{
	static const char suffix[] = "+json";
	size_t suffix_len = sizeof(suffix) - 1;
	return is_type(text, len, "application/json") ||
	       (len > suffix_len && is_type(text + len - suffix_len, suffix_len, suffix));
}

static bool is_html(const char *text, size_t len)
{
	return is_type(text, len, "text/html") || is_type(text, len, "application/xhtml+xml");
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* A qvalue in thousandths: 1, 0.7, 0.123. */
static int qvalue(const char *text)
{
	int weight = *text == '1' ? 1000 : 0;
	int unit = 100;
	if ((*text != '0' && *text != '1') || text[1] != '.')
		return weight;
	for (text += 2; *text >= '0' && *text <= '9' && unit > 0; text++, unit /= 10)
		weight += (*text - '0') * unit;
	return weight > 1000 ? 1000 : weight;
}

/* The weight among the parameters of a range, which begin at its first ';' or end at a ','. */
static int weight_of(const char *params)
{
	while (*params == ';') {
		const char *param = skip_blanks(params + 1);
		if ((*param == 'q' || *param == 'Q') && param[1] == '=')
			return qvalue(param + 2);
		params = param + strcspn(param, ";,");
	}
	return 1000;
}

void accept_each(const char *accept, accept_visitor *visit, void *context)
{
	for (const char *range = skip_blanks(accept); *range;) {
		size_t len = strcspn(range, ";, \t");
		const char *params = skip_blanks(range + len);
		visit(range, len, weight_of(params), context);
		range = params + strcspn(params, ",");
		range = skip_blanks(range + (*range == ','));
	}
}

struct weights {
	int json, html;
};

static void type_weigh(const char *range, size_t len, int weight, void *context)
{
	struct weights *weights = context;
	if (is_json(range, len) && weight > weights->json)
		weights->json = weight;
	if (is_html(range, len) && weight > weights->html)
		weights->html = weight;
}

bool accept_prefers_json(const char *accept)
{
	struct weights weights = { 0, 0 };
	accept_each(accept, type_weigh, &weights);
	return weights.json > weights.html;
}
