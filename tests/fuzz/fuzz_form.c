/* The body of a form. What was read is UTF-8, fits its field, and written as a form again reads the
 * same; of a refused form nothing is used. */
#include "base/buf.h"
#include "base/encode.h"
#include "fuzz/fuzz.h"
#include "http/form.h"

enum { FIELDS = 3 };

static const struct form_field fields_of_a_page[FIELDS] = {
	{ .name = "user", .max_bytes = 16 },
	{ .name = "password", .max_bytes = 64 },
	{ .name = "a", .max_bytes = 4096 },
};

static void write_again(struct buf *out, const struct form_field *field)
{
	if (!field->value)
		return;
	buf_printf(out, "%s%s=", out->len ? "&" : "", field->name);
	for (size_t i = 0; i < field->len; i++)
		buf_printf(out, "%%%02x", (unsigned char)field->value[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct form_field fields[FIELDS], again[FIELDS];
	struct buf text;
	char *body = fuzz_bytes(data, size);

	fuzz_begin();
	memcpy(fields, fields_of_a_page, sizeof fields);
	memcpy(again, fields_of_a_page, sizeof again);
	enum form_result result = form_read(fuzz_arena, body, size, fields, FIELDS);
	HOLDS(result <= FORM_MALFORMED);
	buf_init(&text, fuzz_arena, 3 * size + 64);
	for (int i = 0; i < FIELDS; i++) {
		const struct form_field *field = &fields[i];
		HOLDS(!field->value || field->len <= field->max_bytes);
		HOLDS(!field->value || field->value[field->len] == '\0');
		HOLDS(!field->value || encode_is_utf8(field->value, field->len));
		write_again(&text, field);
	}
	HOLDS(buf_ok(&text));
	if (result == FORM_OK) {
		HOLDS(form_read(fuzz_arena, text.len ? text.data : "", text.len, again, FIELDS) ==
			FORM_OK);
		for (int i = 0; i < FIELDS; i++) {
			HOLDS(!fields[i].value == !again[i].value && fields[i].len == again[i].len);
			HOLDS(!fields[i].value ||
				memcmp(fields[i].value, again[i].value, fields[i].len) == 0);
		}
	}
	free(body);
	return 0;
}
