#include "base/arena.h"
#include "base/buf.h"
#include "check.h"

static struct arena *arena;

static void a_new_buf_is_an_empty_text(void)
{
	struct buf buf;
	buf_init(&buf, arena, 0);
	CHECK_TEXT(buf.data, "");
	CHECK_INT(buf.len, 0);
	CHECK(buf_ok(&buf));
}

static void pieces_of_every_kind_are_put_together(void)
{
	struct buf buf;
	buf_init(&buf, arena, 100);
	buf_add_text(&buf, "user=");
	buf_add(&buf, "alice and more", 5);
	buf_add_char(&buf, ';');
	buf_printf(&buf, " %d %s", 42, "x");
	buf_add(&buf, NULL, 0);
	CHECK_TEXT(buf.data, "user=alice; 42 x");
	CHECK_INT(buf.len, 16);
	CHECK(buf_ok(&buf));
}

static void a_buf_grows_to_its_maximum_and_not_one_byte_further(void)
{
	enum { MAX = 100000 };
	struct buf buf;
	buf_init(&buf, arena, MAX);
	for (int i = 0; i < MAX; i++)
		buf_add_char(&buf, (char)('a' + i % 26));
	CHECK(buf_ok(&buf));
	CHECK_INT(buf.len, MAX);
	for (int i = 0; i < MAX; i++)
		CHECK_INT(buf.data[i], 'a' + i % 26);
	buf_add_char(&buf, 'x');
	CHECK(!buf_ok(&buf));
	CHECK_INT(buf.len, MAX);
	CHECK_INT(buf.data[MAX], 0);
}

static void every_maximum_around_the_first_growth_is_kept_exactly(void)
{
	for (size_t max = 250; max < 260; max++) {
		struct buf buf;
		buf_init(&buf, arena, max);
		for (size_t i = 0; i < max; i++)
			buf_printf(&buf, "%c", 'x');
		CHECK(buf_ok(&buf));
		CHECK_INT(strlen(buf.data), max);
		buf_printf(&buf, "%c", 'x');
		CHECK(!buf_ok(&buf));
		CHECK_INT(strlen(buf.data), max);
	}
}

static void after_an_overflow_nothing_is_added_any_more(void)
{
	struct buf buf;
	buf_init(&buf, arena, 8);
	buf_add_text(&buf, "abcd");
	buf_add_text(&buf, "efghi");
	buf_add_char(&buf, 'j');
	buf_printf(&buf, "%d", 1);
	CHECK(!buf_ok(&buf));
	CHECK_TEXT(buf.data, "abcd");
}

static void an_overflow_by_printf_is_seen(void)
{
	struct buf buf;
	buf_init(&buf, arena, 8);
	buf_printf(&buf, "%s", "123456789");
	CHECK(!buf_ok(&buf));
	CHECK_TEXT(buf.data, "");
}

static void clearing_makes_it_as_new(void)
{
	struct buf buf;
	buf_init(&buf, arena, 4);
	buf_add_text(&buf, "too long");
	buf_clear(&buf);
	CHECK(buf_ok(&buf));
	CHECK_TEXT(buf.data, "");
	buf_add_text(&buf, "four");
	CHECK(buf_ok(&buf));
	CHECK_TEXT(buf.data, "four");
}

static void fixed_storage_is_filled_to_its_last_byte(void)
{
	char storage[6];
	struct buf buf;
	memset(storage, 'z', sizeof(storage));
	buf_init_fixed(&buf, storage, 5);
	CHECK_TEXT(buf.data, "");
	buf_add_text(&buf, "abcd");
	CHECK(buf_ok(&buf));
	CHECK_TEXT(storage, "abcd");
	buf_add_char(&buf, 'e');
	CHECK(!buf_ok(&buf));
	CHECK_TEXT(storage, "abcd");
	CHECK_INT(storage[5], 'z');
}

static void storage_of_one_byte_holds_the_empty_text(void)
{
	char storage[1];
	struct buf buf;
	buf_init_fixed(&buf, storage, 1);
	buf_add_text(&buf, "");
	CHECK(buf_ok(&buf));
	buf_add_char(&buf, 'a');
	CHECK(!buf_ok(&buf));
	CHECK_TEXT(storage, "");
}

static void bytes_may_hold_nul(void)
{
	struct buf buf;
	buf_init(&buf, arena, 10);
	buf_add(&buf, "a\0b", 3);
	CHECK_INT(buf.len, 3);
	CHECK(memcmp(buf.data, "a\0b", 4) == 0);
}

static void room_at_the_end_is_the_callers_to_fill(void)
{
	struct buf buf;
	buf_init(&buf, arena, 300);
	buf_add_text(&buf, "ab");
	char *room = buf_extend(&buf, 290);
	CHECK(room == buf.data + 2);
	memset(room, 'c', 290);
	CHECK_INT(strlen(buf.data), 292);
	CHECK(!buf_extend(&buf, 9));
	CHECK(!buf_ok(&buf));
	CHECK_INT(strlen(buf.data), 292);
}

int main(void)
{
	arena = arena_new(1000000);
	RUN(a_new_buf_is_an_empty_text);
	RUN(pieces_of_every_kind_are_put_together);
	RUN(a_buf_grows_to_its_maximum_and_not_one_byte_further);
	RUN(every_maximum_around_the_first_growth_is_kept_exactly);
	RUN(after_an_overflow_nothing_is_added_any_more);
	RUN(an_overflow_by_printf_is_seen);
	RUN(clearing_makes_it_as_new);
	RUN(fixed_storage_is_filled_to_its_last_byte);
	RUN(storage_of_one_byte_holds_the_empty_text);
	RUN(bytes_may_hold_nul);
	RUN(room_at_the_end_is_the_callers_to_fill);
	arena_free(arena);
	return check_result();
}
