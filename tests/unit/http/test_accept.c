#include "http/accept.h"

#include "check.h"

#include <stdbool.h>

static void accept_is_weighed(void)
{
	static const struct {
		const char *accept;
		bool json;
	} cases[] = {
		{ "", false },
		{ "*/*", false },
		{ "application/*", false },
		{ "application/json", true },
		{ "Application/JSON", true },
		{ "application/json; charset=utf-8", true },
		{ "application/problem+json", true },
		{ "application/json, text/plain, */*", true },
		{ "application/json, text/javascript, */*; q=0.01", true },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false },
		{ "text/html, application/json", false },
		{ "text/html;q=0.5, application/json", true },
		{ "application/json;q=0.5, text/html", false },
		{ "application/json;q=0.5,text/html;q=0.4", true },
		{ "application/json ; q=0.4 , text/html ; q=0.5", false },
		{ "application/json;v=1;q=0.1, text/html;q=0.2", false },
		{ "application/json;Q=0.999, text/html;q=0.998", true },
		{ "application/json;q=0", false },
		{ "application/json;q=0.000", false },
		{ "application/json;q=0.001", true },
		{ "application/json;q=1.9, text/html;q=1", false },
		{ "application/json;q=, text/html;q=0.1", false },
		{ "application/json;q=x", false },
		{ "application/xhtml+xml, application/json;q=0.9", false },
		{ "application/jsonp", false },
		{ "+json", false },
		{ "text/json", false },
		{ ",,;q=1,;,", false },
		{ ",application/json", true },
		{ "application/json;", true },
		{ "application/json;;q=0", false },
		{ "application/json application/json", true },
		{ "image/avif,image/webp,*/*;q=0.8", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (accept_prefers_json(cases[i].accept) != cases[i].json)
			CHECK_TEXT(cases[i].accept, cases[i].json ? "preferring JSON" : "not");
	}
}

int main(void)
{
	RUN(accept_is_weighed);
	return check_result();
}
