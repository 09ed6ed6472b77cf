#include "store/store.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *store_item_text(const struct store_value *list, size_t i)
{
	if (list->type != STORE_LIST || i >= list->count || list->item[i].type != STORE_TEXT)
		return NULL;
	return list->item[i].text;
}

int64_t store_value_int(const struct store_value *value, int64_t otherwise)
{
	if (value->type == STORE_INT)
		return value->integer;
	/* What a hash holds is text. */
	if (value->type != STORE_TEXT || !value->text[0] || !strchr("-0123456789", value->text[0]))
		return otherwise;
	char *end;
	errno = 0;
	long long number = strtoll(value->text, &end, 10);
	return end != value->text && *end == '\0' && errno == 0 ? number : otherwise;
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
