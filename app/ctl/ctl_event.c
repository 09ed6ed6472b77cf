#include "ctl/ctl_event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/encode.h"
#include "base/json.h"
#include "ctl/ctl_output.h"
#include "store/store.h"

enum { EVENTS_DEFAULT = 50, EVENTS_MAX = 10000, ID_MAX = 48 };

static const struct timespec follow_pause = { .tv_nsec = 500 * 1000 * 1000 };

/* "1756695600000-0": milliseconds since 1970, and a number. */
static int64_t second_of(const char *id)
{
	char digits[ID_MAX];
	long long ms = 0;
	size_t len = strcspn(id, "-");

	if (len >= sizeof digits)
		return 0;
	memcpy(digits, id, len);
	digits[len] = '\0';
	return encode_parse_uint(digits, 0, INT64_MAX, &ms) ? ms / 1000 : 0;
}

static void print_json(struct arena *arena, const char *id, const struct store_value *fields)
{
	struct json *object = json_set(json_object(), "id", json_text(ctl_output_clean(arena, id)));

	json_set(object, "time", json_int(second_of(id)));
	for (size_t i = 0; i + 1 < fields->count; i += 2) {
		const char *name = store_item_text(fields, i),
			   *value = store_item_text(fields, i + 1);

		if (name && value)
			json_set(object, ctl_output_clean(arena, name),
				json_text(ctl_output_clean(arena, value)));
	}
	puts(json_format(object));
	json_free(object);
}

static void print_line(struct arena *arena, const char *id, const struct store_value *fields)
{
	fputs(ctl_output_time(arena, second_of(id)), stdout);
	for (size_t i = 0; i + 1 < fields->count; i += 2) {
		const char *name = store_item_text(fields, i),
			   *value = store_item_text(fields, i + 1);

		if (!name || !value)
			continue;
		value = ctl_output_clean(arena, value);
		if (strcmp(name, "event") == 0)
			printf(" %s", value);
		else
			printf(strpbrk(value, " \"") ? " %s=\"%s\"" : " %s=%s",
				ctl_output_clean(arena, name), value);
	}
	putchar('\n');
}

static void print_event(struct ctl *ctl, const struct store_value *event)
{
	struct arena *arena = ctl->caller.arena;
	const char *id = store_item_text(event, 0);

	if (!id || event->count != 2 || event->item[1].type != STORE_LIST)
		return;
	if (ctl->json)
		print_json(arena, id, &event->item[1]);
	else
		print_line(arena, id, &event->item[1]);
}

/* The id of an event, for the next question. */
static void note_id(const struct store_value *event, char last[ID_MAX])
{
	const char *id = store_item_text(event, 0);

	if (id && strlen(id) < ID_MAX - 1)
		memcpy(last, id, strlen(id) + 1);
}

static bool show_latest(struct ctl *ctl, long long count, char last[ID_MAX])
{
	struct arena *arena = ctl->caller.arena;
	struct store_value reply = { 0 };
	struct store_command command = store_read(
		"XREVRANGE", store_key(ctl->auth.store, arena, "events"), "+", "-", "COUNT", NULL);

	store_arg_int(&command, arena, count);
	if (store_run_one(ctl->auth.store, arena, ctl->caller.deadline, &command, &reply) !=
		STORE_OK)
		return false;
	for (size_t i = reply.count; i > 0; i--)
		print_event(ctl, &reply.item[i - 1]);
	if (reply.count > 0)
		note_id(&reply.item[0], last);
	return true;
}

static bool show_new(struct ctl *ctl, char last[ID_MAX])
{
	struct arena *arena = ctl->caller.arena;
	struct store_value reply = { 0 };
	struct store_command command =
		store_read("XRANGE", store_key(ctl->auth.store, arena, "events"),
			arena_printf(arena, "(%s", last), "+", "COUNT", "1000", NULL);

	ctl_renew(ctl);
	if (store_run_one(ctl->auth.store, arena, ctl->caller.deadline, &command, &reply) !=
		STORE_OK)
		return false;
	for (size_t i = 0; i < reply.count; i++) {
		print_event(ctl, &reply.item[i]);
		note_id(&reply.item[i], last);
	}
	return true;
}

enum ctl_status ctl_event_show(struct ctl *ctl)
{
	const char *wanted = ctl_args_value(&ctl->args, "count");
	char last[ID_MAX] = "0-0";
	long long count = EVENTS_DEFAULT;

	if (wanted && !encode_parse_uint(wanted, 1, EVENTS_MAX, &count)) {
		ctl_refuse("--count is a number from 1 to %d", EVENTS_MAX);
		return CTL_USAGE;
	}
	if (!show_latest(ctl, count, last))
		return ctl_fault(ctl);
	if (!ctl_args_value(&ctl->args, "follow"))
		return CTL_OK;
	/* Asked again and again: a command that waits would be cut off by the store's time limit.
	 */
	while (ctl_output_end()) {
		arena_reset(ctl->caller.arena);
		nanosleep(&follow_pause, NULL);
		if (!show_new(ctl, last))
			return ctl_fault(ctl);
	}
	return CTL_NO;
}
