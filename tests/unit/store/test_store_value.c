#include "check.h"
#include "store/store.h"

#include <stdint.h>

static int64_t number_of(const char *text)
{
	struct store_value value = { .type = STORE_TEXT, .text = text };
	return store_value_int(&value, 7);
}

static void whole_numbers_are_read_to_the_ends_of_their_range(void)
{
	CHECK_INT(number_of("0"), 0);
	CHECK_INT(number_of("-42"), -42);
	CHECK_INT(number_of("1764370000"), 1764370000);
	CHECK(number_of("9223372036854775807") == INT64_MAX);
	CHECK(number_of("-9223372036854775808") == INT64_MIN);
}

static void what_is_no_whole_number_is_none(void)
{
	static const char *const texts[] = { "", "-", "+1", " 1", "1 ", "--1", "1.5", "0x10", "1e3",
		"9223372036854775808", "-9223372036854775809", "92233720368547758070",
		"99999999999999999999999" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		CHECK_INT(number_of(texts[i]), 7);
}

static void nothing_is_no_number(void)
{
	struct store_value nil = { .type = STORE_NIL, .text = "" },
			   list = { .type = STORE_LIST, .text = "5" };
	CHECK_INT(store_value_int(&nil, 7), 7);
	CHECK_INT(store_value_int(&list, 7), 7);
}

int main(void)
{
	RUN(whole_numbers_are_read_to_the_ends_of_their_range);
	RUN(what_is_no_whole_number_is_none);
	RUN(nothing_is_no_number);
	return check_result();
}
