/* Two templates, parted by a NUL byte, rendered with values that nobody would want in a page. A
 * refused one is refused with a sentence; without {{{ }}} and {{& }} no value brings a '<'. */
#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "http/template.h"

static struct json *data_of_a_page(void)
{
	struct json *list = json_array();
	json_add(list, json_set(json_object(), "name", json_text("<i>&\"'")));
	json_add(list, json_text("<b>"));
	struct json *data = json_set(json_object(), "name", json_text("<script>\"&'"));
	json_set(data, "list", list);
	json_set(data, "yes", json_bool(true));
	json_set(data, "no", json_bool(false));
	json_set(data, "user", json_set(json_object(), "name", json_text("</title>")));
	return json_set(data, "count", json_int(3));
}

static struct json *sentences(void)
{
	return json_set(json_object(), "hello", json_text("Hello {name}, {unknown} {{x}"));
}

static size_t count_of(const char *text, size_t len, char c)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += text[i] == c;
	return count;
}

static void judge_page(const struct template_set *set, const char *page, const char *part)
{
	struct buf out;
	struct json *data = data_of_a_page(), *text = sentences();
	bool raw = strstr(page, "{{{") || strchr(page, '&') || strstr(part, "{{{") ||
		   strchr(part, '&');
	bool angle = strchr(page, '<') || strchr(part, '<');

	buf_init(&out, fuzz_arena, 64 * 1024);
	bool good = template_render(set, "page", data, text, &out);
	HOLDS(!good || buf_ok(&out));
	HOLDS(!good || encode_is_utf8(out.len ? out.data : "", out.len));
	HOLDS(raw || angle || count_of(out.data, out.len, '<') == 0);
	json_free(data);
	json_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts parts = { data, data + size };
	char error[400] = "", *page = fuzz_part(&parts, '\0'), *part = fuzz_part(&parts, '\0');
	struct json *texts = json_set(json_object(), "page", json_text(page));

	fuzz_begin();
	json_set(texts, "part", json_text(part));
	struct template_set *set = template_set_parse(texts, error, sizeof error);
	HOLDS(set || *error);
	if (set)
		judge_page(set, page, part);
	template_set_free(set);
	json_free(texts);
	free(page);
	free(part);
	return 0;
}
