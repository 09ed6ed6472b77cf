/* Verified tokens: found by their whole text only, dropped when there is no room. */
#include "auth/remembered.h"

#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "check.h"

static struct token token_until(int64_t exp)
{
	struct token token = { .exp = exp };

	snprintf(token.sid, sizeof token.sid, "sid-of-%lld", (long long)exp);
	return token;
}

static void a_token_is_found_by_its_whole_text_only(void)
{
	struct remembered *remembered = remembered_new(100);
	struct token token = token_until(clock_agreed_sec() + 60), found;

	remembered_add(remembered, "head.payload.signature", 22, &token);
	CHECK(remembered_find(remembered, "head.payload.signature", 22, &found));
	CHECK(memcmp(&token, &found, sizeof token) == 0);
	CHECK(!remembered_find(remembered, "head.payload.signatura", 22, &found));
	CHECK(!remembered_find(remembered, "Head.payload.signature", 22, &found));
	CHECK(!remembered_find(remembered, "head.payload.signature", 21, &found));
	CHECK(!remembered_find(remembered, "", 0, &found));
	remembered_free(remembered);
}

static void the_same_end_with_another_beginning_is_another_token(void)
{
	struct remembered *remembered = remembered_new(100);
	struct token token = token_until(clock_agreed_sec() + 60), found;
	char one[200], two[200];

	memset(one, 'x', sizeof one);
	memset(two, 'x', sizeof two);
	two[3] = 'y';
	remembered_add(remembered, one, sizeof one, &token);
	CHECK(remembered_find(remembered, one, sizeof one, &found));
	CHECK(!remembered_find(remembered, two, sizeof two, &found));
	remembered_free(remembered);
}

static void their_number_is_bounded_and_the_newest_stay(void)
{
	struct remembered *remembered = remembered_new(256);
	struct token token = token_until(clock_agreed_sec() + 60), found;
	char text[32];
	int kept = 0;

	for (int i = 0; i < 10000; i++) {
		int len = snprintf(text, sizeof text, "token-%d", i);
		remembered_add(remembered, text, (size_t)len, &token);
		CHECK(remembered_find(remembered, text, (size_t)len, &found));
	}
	for (int i = 0; i < 10000; i++) {
		int len = snprintf(text, sizeof text, "token-%d", i);
		kept += remembered_find(remembered, text, (size_t)len, &found);
	}
	CHECK(kept > 100 && kept <= 256);
	remembered_free(remembered);
}

static void adding_a_token_twice_keeps_it_once(void)
{
	struct remembered *remembered = remembered_new(100);
	struct token token = token_until(clock_agreed_sec() + 60), found;

	for (int i = 0; i < 100; i++)
		remembered_add(remembered, "the same", 8, &token);
	CHECK(remembered_find(remembered, "the same", 8, &found));
	remembered_free(remembered);
	remembered_free(NULL);
}

int main(void)
{
	RUN(a_token_is_found_by_its_whole_text_only);
	RUN(the_same_end_with_another_beginning_is_another_token);
	RUN(their_number_is_bounded_and_the_newest_stay);
	RUN(adding_a_token_twice_keeps_it_once);
	return check_result();
}
