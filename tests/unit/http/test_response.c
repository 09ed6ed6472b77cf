#include "http/response.h"

#include "base/arena.h"
#include "check.h"

static struct arena *arena;

static const char plain_503[] =
	"Status: 503 Service Unavailable\r\nCache-Control: no-store\r\n\r\n";

/* What is sent; "broken: " before it when it could not be built. */
static const char *rendered(const struct response *response)
{
	struct buf out;
	buf_init(&out, arena, 128 * 1024);
	bool sound = response_render(response, &out);
	return sound ? out.data : arena_printf(arena, "broken: %s", out.data);
}

static const char broken[] =
	"broken: Status: 503 Service Unavailable\r\nCache-Control: no-store\r\n\r\n";

static void an_answer_that_nobody_decided_is_503(void)
{
	struct response response;
	response_init(&response, arena);
	CHECK_INT(response.status, 503);
	CHECK_TEXT(rendered(&response), "Status: 503 Service Unavailable\r\n\r\n");
}

static void the_status_comes_first_then_headers_then_body(void)
{
	struct response response;
	response_init(&response, arena);
	response_header(&response, "Content-Type", "text/html; charset=utf-8");
	buf_add_text(&response.body, "<p>no");
	response_status(&response, 401);
	response_header(&response, "Cache-Control", "no-store");
	response_header(&response, "X-1", " ~");
	CHECK_TEXT(rendered(&response),
		"Status: 401 Unauthorized\r\nContent-Type: text/html; charset=utf-8\r\n"
		"Cache-Control: no-store\r\nX-1:  ~\r\n\r\n<p>no");
}

static void a_body_may_hold_any_bytes(void)
{
	struct response response;
	struct buf out;
	response_init(&response, arena);
	response_status(&response, 200);
	buf_add(&response.body, "a\0b\r\n\r\nStatus: 500", 18);
	buf_init(&out, arena, 1024);
	CHECK(response_render(&response, &out));
	CHECK_INT(out.len, strlen("Status: 200 OK\r\n\r\n") + 18);
	CHECK(memcmp(out.data, "Status: 200 OK\r\n\r\na\0b", 21) == 0);
}

static void no_header_can_start_another_line(void)
{
	static const char *const bad[] = { "a\r\nStatus: 200 OK", "a\nStatus: 200", "a\rb", "\n",
		"a\tb", "a\x01", "a\x7f", "a\x80", "m\xc3\xbcnchen" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct response response;
		response_init(&response, arena);
		response_status(&response, 200);
		response_header(&response, "Location", bad[i]);
		CHECK(response.broken);
		CHECK_TEXT(rendered(&response), broken);
	}
}

static void no_name_of_a_header_is_anything_but_a_name(void)
{
	static const char *const bad[] = { "", "A B", "A:", "A\r\nB", "A\n", ":", "M\xc3\xbc" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct response response;
		response_init(&response, arena);
		response_status(&response, 200);
		response_header(&response, bad[i], "x");
		CHECK_TEXT(rendered(&response), broken);
		response_init(&response, arena);
		response_status(&response, 200);
		response_variable(&response, bad[i], "x");
		CHECK_TEXT(rendered(&response), broken);
	}
}

static void a_second_status_breaks_the_answer(void)
{
	struct response response;
	response_init(&response, arena);
	response_status(&response, 401);
	response_header(&response, "sTATUS", "200 OK");
	CHECK_TEXT(rendered(&response), broken);
}

static void what_a_variable_holds_cannot_become_a_header(void)
{
	struct response response;
	response_init(&response, arena);
	response_status(&response, 200);
	response_variable(&response, "AUTH_USER", "al ice\r\nVariable-AUTH_ROLES: admin");
	response_variable(&response, "AUTH_NAME", "J\xc3\xbcrgen 100%\t\x7f~");
	response_variable(&response, "REMOTE_USER", "");
	CHECK_TEXT(rendered(&response),
		"Status: 200 OK\r\n"
		"Variable-AUTH_USER: al ice%0D%0AVariable-AUTH_ROLES: admin\r\n"
		"Variable-AUTH_NAME: J%C3%BCrgen 100%25%09%7F~\r\n"
		"Variable-REMOTE_USER: \r\n\r\n");
}

static void spaces_at_the_ends_of_a_variable_survive_the_server(void)
{
	struct response response;
	response_init(&response, arena);
	response_status(&response, 200);
	response_variable(&response, "A", " alice ");
	response_variable(&response, "B", " ");
	CHECK_TEXT(rendered(&response),
		"Status: 200 OK\r\nVariable-A: %20alice%20\r\nVariable-B: %20\r\n\r\n");
}

static void headers_that_do_not_fit_make_it_503(void)
{
	struct response response;
	response_init(&response, arena);
	response_status(&response, 200);
	for (size_t i = 0; i < RESPONSE_HEADERS_MAX_BYTES / 8; i++)
		response_header(&response, "X", "12345");
	CHECK_TEXT(rendered(&response), broken);
}

static void a_body_that_does_not_fit_makes_it_503(void)
{
	struct response response;
	response_init(&response, arena);
	response_status(&response, 200);
	for (size_t i = 0; i < RESPONSE_BODY_MAX_BYTES; i++)
		buf_add_char(&response.body, 'x');
	CHECK(strncmp(rendered(&response), "Status: 200 OK\r\n\r\nxxx", 21) == 0);
	buf_add_char(&response.body, 'x');
	CHECK_TEXT(rendered(&response), broken);
}

static void an_answer_too_long_for_where_it_goes_is_503(void)
{
	char storage[100];
	struct buf out;
	struct response response;
	response_init(&response, arena);
	response_status(&response, 200);
	for (size_t i = 0; i < 100; i++)
		buf_add_char(&response.body, 'x');
	buf_init_fixed(&out, storage, sizeof(storage));
	CHECK(!response_render(&response, &out));
	CHECK_TEXT(out.data, plain_503);
}

static void a_status_we_never_send_is_503(void)
{
	static const int statuses[] = { 0, -1, 100, 204, 206, 299, 999, 2000 };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct response response;
		response_init(&response, arena);
		response_status(&response, statuses[i]);
		CHECK_TEXT(response_status_text(statuses[i]), "");
		CHECK_TEXT(rendered(&response), broken);
	}
}

static void every_status_of_the_design_has_its_text(void)
{
	static const int statuses[] = { 200, 302, 303, 400, 401, 403, 404, 405, 413, 429, 503 };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		CHECK(*response_status_text(statuses[i]) != '\0');
	CHECK_TEXT(response_status_text(303), "See Other");
	CHECK_TEXT(response_status_text(429), "Too Many Requests");
}

static void a_reset_keeps_nothing(void)
{
	struct response response;
	response_init(&response, arena);
	response_status(&response, 200);
	response_header(&response, "Set-Cookie", "a=b");
	buf_add_text(&response.body, "secret");
	response_header(&response, "X", "\n");
	response_reset(&response);
	CHECK(!response.broken);
	CHECK_TEXT(rendered(&response), "Status: 503 Service Unavailable\r\n\r\n");
}

int main(void)
{
	arena = arena_new(16 << 20);
	RUN(an_answer_that_nobody_decided_is_503);
	RUN(the_status_comes_first_then_headers_then_body);
	RUN(a_body_may_hold_any_bytes);
	RUN(no_header_can_start_another_line);
	RUN(no_name_of_a_header_is_anything_but_a_name);
	RUN(a_second_status_breaks_the_answer);
	RUN(what_a_variable_holds_cannot_become_a_header);
	RUN(spaces_at_the_ends_of_a_variable_survive_the_server);
	RUN(headers_that_do_not_fit_make_it_503);
	RUN(a_body_that_does_not_fit_makes_it_503);
	RUN(an_answer_too_long_for_where_it_goes_is_503);
	RUN(a_status_we_never_send_is_503);
	RUN(every_status_of_the_design_has_its_text);
	RUN(a_reset_keeps_nothing);
	arena_free(arena);
	return check_result();
}
