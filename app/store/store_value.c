#include "store/store.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

const char *store_item_text(const struct store_value *list, size_t i)
{
	if (list->type != STORE_LIST || i >= list->count || list->item[i].type != STORE_TEXT)
		return NULL;
	return list->item[i].text;
}

/* Decimal digits after at most one '-', all of the text, within int64_t. Read for each check. */
static bool read_int(const char *text, int64_t *out)
{
	bool negative = *text == '-';
	int64_t number = 0;
	const char *c = text + negative;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_sub_overflow(number, *c - '0', &number))
			return false;
	/* Gathered below zero, where one number more has its place. */
	if (c == text + negative || *c != '\0' || (!negative && number == INT64_MIN))
		return false;
	*out = negative ? number : -number;
	return true;
}

int64_t store_value_int(const struct store_value *value, int64_t otherwise)
{
	int64_t number = otherwise;
	if (value->type == STORE_INT)
		return value->integer;
	/* What a hash holds is text. */
	if (value->type == STORE_TEXT)
		(void)read_int(value->text, &number);
	return number;
}

int64_t store_item_int(const struct store_value *list, size_t i, int64_t otherwise)
{
	if (list->type != STORE_LIST || i >= list->count)
		return otherwise;
	return store_value_int(&list->item[i], otherwise);
}

void store_learn_time(const struct store_value *reply)
{
	int64_t sec = store_item_int(reply, 0, 0);

	clock_learn_ms(sec * 1000 + store_item_int(reply, 1, 0) / 1000);
}
