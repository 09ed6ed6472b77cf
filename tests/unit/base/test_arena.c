#include "base/arena.h"
#include "check.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void allocations_are_zeroed_and_aligned_for_any_type(void)
{
	struct arena *arena = arena_new(1000000);
	for (size_t size = 0; size < 300; size++) {
		unsigned char *bytes = arena_alloc(arena, size);
		CHECK_INT((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			CHECK_INT(bytes[i], 0);
		memset(bytes, 0xff, size);
	}
	arena_free(arena);
}

static void memory_used_before_a_reset_is_zeroed_again(void)
{
	struct arena *arena = arena_new(10000);
	char *first = arena_alloc(arena, 4000);
	memset(first, 'x', 4000);
	arena_reset(arena);
	char *second = arena_alloc(arena, 4000);
	CHECK(first == second);
	for (size_t i = 0; i < 4000; i++)
		CHECK_INT(second[i], 0);
	arena_free(arena);
}

static void two_allocations_never_share_an_address(void)
{
	struct arena *arena = arena_new(1000);
	CHECK(arena_alloc(arena, 0) != arena_alloc(arena, 0));
	arena_free(arena);
}

static void blocks_grow_and_keep_what_they_hold(void)
{
	enum { COUNT = 1000 };
	struct arena *arena = arena_new(4000000);
	char *texts[COUNT];
	for (int i = 0; i < COUNT; i++)
		texts[i] = arena_printf(arena, "%d-%0*d", i, i % 97, 7);
	for (int i = 0; i < COUNT; i++) {
		char expected[128];
		(void)snprintf(expected, sizeof(expected), "%d-%0*d", i, i % 97, 7);
		CHECK_TEXT(texts[i], expected);
	}
	char *large = arena_alloc(arena, 1000000);
	memset(large, 'x', 1000000);
	CHECK_TEXT(texts[COUNT - 1], "999-00000000000000000000000000007");
	arena_free(arena);
}

static void used_bytes_count_what_was_asked_for(void)
{
	struct arena *arena = arena_new(100000);
	CHECK_INT(arena_used_bytes(arena), 0);
	arena_alloc(arena, 5);
	arena_alloc(arena, 50000);
	CHECK_INT(arena_used_bytes(arena), 50005);
	arena_reset(arena);
	CHECK_INT(arena_used_bytes(arena), 0);
	arena_free(arena);
}

static void copies_of_text_end_in_a_nul(void)
{
	struct arena *arena = arena_new(1000);
	CHECK_TEXT(arena_strdup(arena, "alice"), "alice");
	CHECK_TEXT(arena_strdup(arena, ""), "");
	CHECK_TEXT(arena_strndup(arena, "alice", 3), "ali");
	CHECK_TEXT(arena_strndup(arena, NULL, 0), "");
	CHECK_TEXT(arena_printf(arena, "%s/%d", "a", 7), "a/7");
	CHECK_TEXT(arena_join(arena, "a", "", "b{", "c", NULL), "ab{c");
	CHECK_TEXT(arena_join(arena, "", NULL), "");
	CHECK_TEXT(arena_int(arena, 0), "0");
	CHECK_TEXT(arena_int(arena, 1700000000), "1700000000");
	CHECK_TEXT(arena_int(arena, INT64_MAX), "9223372036854775807");
	CHECK_TEXT(arena_int(arena, INT64_MIN), "-9223372036854775808");
	arena_free(arena);
}

static void freeing_nothing_does_nothing(void)
{
	arena_free(NULL);
}

/* Runs a step that must end the process by fatal(), and says whether it did. */
static int exit_status_of(void (*step)(void))
{
	int status = 0;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		/* The line of fatal() is not wanted in the output of the tests. */
		close(STDERR_FILENO);
		step();
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fill_to_the_maximum(void)
{
	struct arena *arena = arena_new(100);
	arena_alloc(arena, 60);
	arena_alloc(arena, 40);
	arena_free(arena);
}

static void fill_past_the_maximum(void)
{
	struct arena *arena = arena_new(100);
	arena_alloc(arena, 60);
	arena_alloc(arena, 41);
}

static void ask_for_a_size_that_wraps(void)
{
	arena_alloc(arena_new(SIZE_MAX), SIZE_MAX - 7);
}

static void going_past_the_maximum_ends_the_process(void)
{
	CHECK_INT(exit_status_of(fill_to_the_maximum), 0);
	CHECK_INT(exit_status_of(fill_past_the_maximum), 70);
	CHECK_INT(exit_status_of(ask_for_a_size_that_wraps), 70);
}

static void a_reset_wipes_what_was_used(void)
{
#ifdef WITH_ASAN
	struct arena *arena = arena_new(10000);
	char *secret = arena_strdup(arena, "correct horse battery staple");
	arena_reset(arena);
	CHECK(__asan_address_is_poisoned(secret));
	__asan_unpoison_memory_region(secret, 28);
	for (size_t i = 0; i < 28; i++)
		CHECK_INT(secret[i], 0);
	arena_free(arena);
#endif
}

static void an_overrun_or_a_use_after_reset_is_seen_under_asan(void)
{
#ifdef WITH_ASAN
	struct arena *arena = arena_new(10000);
	char *text = arena_alloc(arena, 16);
	char *next = arena_alloc(arena, 1);
	CHECK(!__asan_address_is_poisoned(text + 15));
	CHECK(__asan_address_is_poisoned(text + 16));
	CHECK(__asan_address_is_poisoned(next + 1));
	arena_free(arena);
#endif
}

int main(void)
{
	RUN(allocations_are_zeroed_and_aligned_for_any_type);
	RUN(memory_used_before_a_reset_is_zeroed_again);
	RUN(two_allocations_never_share_an_address);
	RUN(blocks_grow_and_keep_what_they_hold);
	RUN(used_bytes_count_what_was_asked_for);
	RUN(copies_of_text_end_in_a_nul);
	RUN(freeing_nothing_does_nothing);
	RUN(going_past_the_maximum_ends_the_process);
	RUN(a_reset_wipes_what_was_used);
	RUN(an_overrun_or_a_use_after_reset_is_seen_under_asan);
	return check_result();
}
