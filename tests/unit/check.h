/* What a unit test needs, and no more: a test is a static void function named as a sentence, main
 * runs it by RUN, CHECK counts. A test that main forgets is a compile error (unused function). */
#ifndef DOORWARD_TESTS_CHECK_H
#define DOORWARD_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_failures, check_passed_tests, check_failed_tests;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			check_failures++;                                                          \
			fprintf(stderr, "%s:%d: %s: not true: %s\n", __FILE__, __LINE__, __func__, \
				#condition);                                                       \
		}                                                                                  \
	} while (0)

#define CHECK_TEXT(got, expected) check_text(__FILE__, __LINE__, __func__, got, expected)
#define CHECK_INT(got, expected)                                                                   \
	check_int(__FILE__, __LINE__, __func__, (long long)(got), (long long)(expected))

#define RUN(test)                                                                                  \
	do {                                                                                       \
		int failures_before = check_failures;                                              \
		test();                                                                            \
		if (check_failures == failures_before)                                             \
			check_passed_tests++;                                                      \
		else                                                                               \
			check_failed_tests++;                                                      \
	} while (0)

static inline void check_text(
	const char *file, int line, const char *test, const char *got, const char *expected)
{
	if (got && expected && strcmp(got, expected) == 0)
		return;
	if (!got && !expected)
		return;
	check_failures++;
	fprintf(stderr, "%s:%d: %s:\n  got      <%s>\n  expected <%s>\n", file, line, test,
		got ? got : "(null)", expected ? expected : "(null)");
}

static inline void check_int(
	const char *file, int line, const char *test, long long got, long long expected)
{
	if (got == expected)
		return;
	check_failures++;
	fprintf(stderr, "%s:%d: %s: got %lld, expected %lld\n", file, line, test, got, expected);
}

/* The last line of main: prints the count that the runner adds up; the exit status. */
static inline int check_result(void)
{
	printf("%d passed, %d failed\n", check_passed_tests, check_failed_tests);
	return check_failed_tests ? 1 : 0;
}

#endif
