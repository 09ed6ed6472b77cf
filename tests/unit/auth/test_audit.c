#include "auth/audit.h"

#include "base/json.h"
#include "check.h"
#include "desk.h"

/* The only line of the log, parsed; yours. */
static struct json *only_line(void)
{
	const char *text = desk_log();
	const char *end = strchr(text, '\n');

	CHECK(end && end[1] == '\0');
	return end ? json_parse(text, (size_t)(end - text)) : NULL;
}

static const char *field(const struct json *line, const char *name)
{
	return json_as_text(json_get(line, name));
}

static struct store_value events(void)
{
	return desk_redis(store_read("XRANGE", "dw:events", "-", "+", NULL));
}

/* The value of a field of event i. */
static const char *event_field(const struct store_value *all, size_t i, const char *name)
{
	const struct store_value *fields = &all->item[i].item[1];

	for (size_t f = 0; f + 1 < fields->count; f += 2)
		if (strcmp(store_item_text(fields, f), name) == 0)
			return store_item_text(fields, f + 1);
	return NULL;
}

static void a_line_has_what_is_known_and_nothing_else(void)
{
	struct audit audit = { .event = "access.denied",
		.reason = REASON_ROLE_MISSING,
		.user = "alice",
		.uid = "K9gGyX8OAK8aH8Myj6djqQ",
		.session = "handle",
		.path = "/admin/" };

	desk_clear();
	audit_log(&desk.caller, &audit);
	struct json *line = only_line();
	CHECK_TEXT(field(line, "event"), "access.denied");
	CHECK_TEXT(field(line, "reason"), "role_missing");
	CHECK_TEXT(field(line, "user"), "alice");
	CHECK_TEXT(field(line, "uid"), "K9gGyX8OAK8aH8Myj6djqQ");
	CHECK_TEXT(field(line, "session"), "handle");
	CHECK_TEXT(field(line, "address"), "192.0.2.7");
	CHECK_TEXT(field(line, "agent"), "Firefox");
	CHECK_TEXT(field(line, "path"), "/admin/");
	CHECK(!json_get(line, "detail"));
	CHECK(!json_get(line, "other"));
	json_free(line);
	CHECK_INT(desk_redis(store_read("EXISTS", "dw:events", NULL)).integer, 0);
}

static void no_reason_no_field(void)
{
	struct audit audit = { .event = "logout.ok" };

	desk_clear();
	desk.caller.address = desk.caller.agent = "";
	audit_log(&desk.caller, &audit);
	struct json *line = only_line();
	CHECK_TEXT(field(line, "event"), "logout.ok");
	CHECK(!json_get(line, "reason"));
	CHECK(!json_get(line, "address"));
	CHECK(!json_get(line, "agent"));
	json_free(line);
}

static void what_strangers_send_is_one_cut_and_escaped_line(void)
{
	char agent[1000], path[1000];
	struct audit audit = { .event = "access.refused",
		.reason = REASON_NO_TOKEN,
		.user = "a\r\nevent=login.ok \x1b[31m\xff%s%n",
		.path = path };

	desk_clear();
	memset(agent, 'x', sizeof agent);
	agent[sizeof agent - 1] = '\0';
	/* A character of three bytes across the cut. */
	memset(path, 'p', sizeof path);
	memcpy(path + 198, "\xe2\x82\xac", 3);
	path[sizeof path - 1] = '\0';
	desk.caller.agent = agent;
	audit_log(&desk.caller, &audit);
	CHECK(!strchr(desk_log(), '\x1b') && !strchr(desk_log(), '\r'));
	struct json *line = only_line();
	CHECK(line != NULL);
	CHECK_INT(strlen(field(line, "agent")), 203);
	CHECK_INT(strlen(field(line, "path")), 201);
	CHECK_TEXT(field(line, "path") + 198, "...");
	CHECK(strstr(field(line, "user"), "%s%n") != NULL);
	json_free(line);
}

static void a_published_event_is_in_log_and_stream_and_expires(void)
{
	struct audit audit = { .event = "login.refused",
		.reason = REASON_BAD_CREDENTIALS,
		.user = "al\r\nice * %s%n",
		.uid = "uid" };

	desk_clear();
	audit_publish(&desk.auth, &desk.caller, &audit);
	struct json *line = only_line();
	CHECK_TEXT(field(line, "event"), "login.refused");
	json_free(line);
	struct store_value all = events();
	CHECK_INT(all.count, 1);
	CHECK_TEXT(event_field(&all, 0, "event"), "login.refused");
	CHECK_TEXT(event_field(&all, 0, "reason"), "bad_credentials");
	CHECK_TEXT(event_field(&all, 0, "user"), "al\r\nice * %s%n");
	CHECK_TEXT(event_field(&all, 0, "address"), "192.0.2.7");
	CHECK_TEXT(event_field(&all, 0, "detail"), NULL);
	int64_t left = desk_redis(store_read("TTL", "dw:events", NULL)).integer;
	CHECK(left > 29 * 86400 && left <= 30 * 86400);
}

static void the_stream_is_capped(void)
{
	struct audit audit = { .event = "login.ok" };

	desk_clear();
	for (int i = 0; i < 10500; i++) {
		struct store_value ignored =
			desk_redis(store_write("XADD", "dw:events", "*", "event", "old", NULL));
		(void)ignored;
		if (i % 1000 == 0) {
			arena_reset(desk.caller.arena);
			desk_be("192.0.2.7");
		}
	}
	audit_publish(&desk.auth, &desk.caller, &audit);
	int64_t count = desk_redis(store_read("XLEN", "dw:events", NULL)).integer;
	/* "~": whole nodes of a hundred are cut. */
	CHECK(count >= 10000 && count < 10200);
}

static void without_redis_the_line_is_written_all_the_same(void)
{
	struct audit audit = { .event = "login.ok", .user = "alice" };

	desk_clear();
	redis_kill();
	audit_publish(&desk.auth, &desk.caller, &audit);
	CHECK(strstr(desk_log(), "\"login.ok\"") != NULL);
}

int main(void)
{
	desk_start();
	RUN(a_line_has_what_is_known_and_nothing_else);
	RUN(no_reason_no_field);
	RUN(what_strangers_send_is_one_cut_and_escaped_line);
	RUN(a_published_event_is_in_log_and_stream_and_expires);
	RUN(the_stream_is_capped);
	RUN(without_redis_the_line_is_written_all_the_same);
	desk_stop();
	return check_result();
}
