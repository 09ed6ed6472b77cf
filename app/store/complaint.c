#include "store/complaint.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINES = sizeof(((struct complaint *)0)->line) / sizeof(struct complaint_line) };
enum { QUIET_MS = 1000 };

void complaint_init(struct complaint *complaint)
{
	memset(complaint, 0, sizeof(*complaint));
	pthread_mutex_init(&complaint->mutex, NULL);
}

static void write_line(struct complaint_line *line)
{
	if (line->unlogged > 1)
		log_error("%s (%ld times)", line->text, line->unlogged);
	else if (line->unlogged == 1)
		log_error("%s", line->text);
	line->unlogged = 0;
}

void complaint_wipe(struct complaint *complaint)
{
	for (size_t i = 0; i < LINES; i++)
		write_line(&complaint->line[i]);
	pthread_mutex_destroy(&complaint->mutex);
}

/* The line of that text; else the one not logged for longest, made ready for it. */
static struct complaint_line *find_line(struct complaint *complaint, const char *text)
{
	struct complaint_line *oldest = &complaint->line[0];
	for (size_t i = 0; i < LINES; i++) {
		struct complaint_line *line = &complaint->line[i];
		if (strcmp(line->text, text) == 0)
			return line;
		if (line->logged_at_ms < oldest->logged_at_ms)
			oldest = line;
	}
	write_line(oldest);
	(void)snprintf(oldest->text, sizeof(oldest->text), "%s", text);
	oldest->logged_at_ms = -QUIET_MS;
	return oldest;
}

void complaint_log(struct complaint *complaint, const char *format, ...)
{
	char text[sizeof(complaint->line[0].text)];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	pthread_mutex_lock(&complaint->mutex);
	struct complaint_line *line = find_line(complaint, text);
	int64_t now_ms = clock_mono_ms();
	line->unlogged++;
	if (now_ms - line->logged_at_ms >= QUIET_MS) {
		write_line(line);
		line->logged_at_ms = now_ms;
	}
	pthread_mutex_unlock(&complaint->mutex);
}
