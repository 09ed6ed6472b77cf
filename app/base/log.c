#include "base/log.h"

#include "base/buf.h"
#include "base/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 4096, /* a pipe with room takes that much in one piece (PIPE_BUF) */
	TAIL_BYTES = 8, /* kept for the end of the line: "} and the line feed */
	FIELD_MAX_BYTES = 512, /* so that a long one cannot push the others out of the line */
	MESSAGE_MAX_BYTES = 2048,
	EXIT_FATAL = 70, /* EX_SOFTWARE */
};

enum target { TARGET_STREAM, TARGET_SOCKET, TARGET_SYSLOG };

static struct {
	pthread_mutex_t mutex;
	enum target target;
	int fd;
	enum log_format format;
	enum log_level level;
	const char *name;
	unsigned long lost_lines;
	bool torn; /* the last line was written in part */
} state = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.fd = STDERR_FILENO,
	.format = LOG_FORMAT_TEXT,
	.level = LOG_LEVEL_INFO,
	.name = "doorward",
};

/* Closing standard error would let the next file opened take its number. */
static void close_fd(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

/* A pipe gets a description of its own, so that O_NONBLOCK does not change it for the others that
 * write to it. Not permitted, or no pipe: the number itself. */
static int open_stderr(void)
{
	struct stat info;
	if (fstat(STDERR_FILENO, &info) != 0 || !S_ISFIFO(info.st_mode))
		return STDERR_FILENO;
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? STDERR_FILENO : fd;
}

static int open_target(const char *target)
{
	if (strcmp(target, "stderr") == 0)
		return open_stderr();
	return open(
		target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
}

static enum target kind_of(int fd)
{
	struct stat info;
	return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? TARGET_SOCKET : TARGET_STREAM;
}

bool log_open(const char *target, enum log_format format, enum log_level level)
{
	bool to_syslog = strcmp(target, "syslog") == 0;
	int fd = to_syslog ? -1 : open_target(target);
	if (!to_syslog && fd < 0)
		return false;
	pthread_mutex_lock(&state.mutex);
	if (to_syslog)
		openlog(state.name, LOG_PID, LOG_DAEMON);
	close_fd(state.fd);
	state.target = to_syslog ? TARGET_SYSLOG : kind_of(fd);
	state.fd = fd;
	state.format = format;
	state.level = level;
	state.torn = false;
	pthread_mutex_unlock(&state.mutex);
	return true;
}

void log_set_name(const char *name)
{
	pthread_mutex_lock(&state.mutex);
	state.name = name;
	pthread_mutex_unlock(&state.mutex);
}

/* Writes all or says false; never waits. */
static bool write_now(const char *bytes, size_t len)
{
	struct pollfd ready = { .fd = state.fd, .events = POLLOUT };
	/* POLLERR: the reader of a pipe has gone, a write would raise SIGPIPE. */
	if (poll(&ready, 1, 0) != 1 || (ready.revents & (POLLOUT | POLLERR)) != POLLOUT)
		return false;
	ssize_t done = state.target == TARGET_SOCKET
			       ? send(state.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			       : write(state.fd, bytes, len);
	if (done > 0)
		state.torn = (size_t)done < len;
	return done == (ssize_t)len;
}

static bool write_line(const char *line, size_t len)
{
	if (state.torn && !write_now("\n", 1))
		return false;
	return write_now(line, len);
}

/* Where people could be misled: control characters (C0, DEL, C1 with its one-byte CSI), the line
 * ends of Unicode, and what turns the direction of writing (CVE-2021-42574). */
static bool is_unsafe(unsigned codepoint)
{
	return codepoint < 0x20 || (codepoint >= 0x7f && codepoint <= 0x9f) ||
	       (codepoint >= 0x2028 && codepoint <= 0x202e) ||
	       (codepoint >= 0x2066 && codepoint <= 0x2069) || codepoint == 0xfeff;
}

/* Makes piece the escaped form of the first character; returns how many bytes of text it was. */
static size_t escape_char(struct buf *piece, const char *text, size_t len, bool in_quotes)
{
	size_t used = encode_char_len(text, len);
	buf_clear(piece);
	if (used == 0) {
		buf_add_text(piece, "\xef\xbf\xbd"); /* U+FFFD */
		return 1;
	}
	unsigned codepoint = encode_codepoint(text, used);
	if (codepoint == '\n')
		buf_add_text(piece, "\\n");
	else if (codepoint == '\r')
		buf_add_text(piece, "\\r");
	else if (codepoint == '\t')
		buf_add_text(piece, "\\t");
	else if (is_unsafe(codepoint))
		buf_printf(piece, "\\u%04x", codepoint);
	else if (codepoint == '\\' || (codepoint == '"' && in_quotes))
		buf_printf(piece, "\\%c", (char)codepoint);
	else
		buf_add(piece, text, used);
	return used;
}

/* At most max_bytes of the escaped form, and never a part of a character. */
static void add_escaped(struct buf *line, const char *text, size_t max_bytes, bool in_quotes)
{
	char storage[16];
	struct buf piece;
	size_t left = strlen(text);
	size_t end = line->len + max_bytes;
	if (end > LINE_MAX_BYTES - TAIL_BYTES)
		end = LINE_MAX_BYTES - TAIL_BYTES;
	buf_init_fixed(&piece, storage, sizeof(storage));
	while (left > 0) {
		size_t used = escape_char(&piece, text, left, in_quotes);
		if (line->len + piece.len > end)
			return;
		buf_add(line, piece.data, piece.len);
		text += used;
		left -= used;
	}
}

static void add_time(struct buf *line)
{
	struct timespec now;
	struct tm parts;
	char text[32];
	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || !gmtime_r(&now.tv_sec, &parts) ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
		return;
	buf_add_text(line, text);
	if (state.format == LOG_FORMAT_JSON)
		buf_printf(line, ".%03ld", now.tv_nsec / 1000000);
	buf_add_char(line, 'Z');
}

static void start_line(struct buf *line, const char *level)
{
	if (state.format == LOG_FORMAT_JSON) {
		buf_add_text(line, "{\"time\":\"");
		add_time(line);
		buf_printf(line, "\",\"level\":\"%s\"", level);
		return;
	}
	/* syslog puts the time, the name and the number of the process itself. */
	if (state.target != TARGET_SYSLOG) {
		add_time(line);
		buf_printf(line, " %s[%ld] ", state.name, (long)getpid());
	}
	buf_add_text(line, level);
}

static void add_field(struct buf *line, const char *name, const char *text, size_t max_bytes)
{
	if (line->len + strlen(name) + TAIL_BYTES > LINE_MAX_BYTES - TAIL_BYTES)
		return;
	if (state.format == LOG_FORMAT_JSON)
		buf_printf(line, ",\"%s\":\"", name);
	else
		buf_printf(line, " %s=\"", name);
	add_escaped(line, text, max_bytes, true);
	buf_add_char(line, '"');
}

static void add_message(struct buf *line, const char *text)
{
	if (state.format == LOG_FORMAT_JSON) {
		add_field(line, "message", text, LINE_MAX_BYTES);
		return;
	}
	buf_add_text(line, ": ");
	add_escaped(line, text, LINE_MAX_BYTES, false);
}

static bool end_and_write(struct buf *line, int priority)
{
	if (state.format == LOG_FORMAT_JSON)
		buf_add_char(line, '}');
	if (state.target == TARGET_SYSLOG) {
		syslog(priority, "%s", line->data);
		return true;
	}
	buf_add_char(line, '\n');
	return write_line(line->data, line->len);
}

static bool write_message(enum log_level level, const char *text)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	static const int priorities[] = { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR };
	char storage[LINE_MAX_BYTES + 1];
	struct buf line;
	buf_init_fixed(&line, storage, sizeof(storage));
	start_line(&line, names[level]);
	add_message(&line, text);
	return end_and_write(&line, LOG_DAEMON | priorities[level]);
}

/* The count comes before the first line that can be written again. */
static bool report_lost_lines(void)
{
	char text[64];
	if (state.lost_lines == 0)
		return true;
	(void)snprintf(text, sizeof(text), "lines that could not be logged: %lu", state.lost_lines);
	if (!write_message(LOG_LEVEL_WARN, text))
		return false;
	state.lost_lines = 0;
	return true;
}

static void __attribute__((format(printf, 2, 0)))
log_message(enum log_level level, const char *format, va_list args)
{
	char text[MESSAGE_MAX_BYTES];
	int errno_before = errno;
	pthread_mutex_lock(&state.mutex);
	if (level >= state.level) {
		if (vsnprintf(text, sizeof(text), format, args) < 0)
			text[0] = '\0';
		if (!report_lost_lines() || !write_message(level, text))
			state.lost_lines++;
	}
	pthread_mutex_unlock(&state.mutex);
	errno = errno_before;
}

void log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_message(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_message(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_message(LOG_LEVEL_WARN, format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_message(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

noreturn void fatal(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_message(LOG_LEVEL_ERROR, format, args);
	va_end(args);
	_exit(EXIT_FATAL);
}

static bool write_audit(const char *event, const struct log_field *fields)
{
	char storage[LINE_MAX_BYTES + 1];
	struct buf line;
	buf_init_fixed(&line, storage, sizeof(storage));
	start_line(&line, "audit");
	if (state.format == LOG_FORMAT_JSON)
		add_field(&line, "event", event, FIELD_MAX_BYTES);
	else
		buf_printf(&line, " %s", event);
	for (const struct log_field *field = fields; field->name; field++) {
		if (field->text)
			add_field(&line, field->name, field->text, FIELD_MAX_BYTES);
	}
	return end_and_write(&line, LOG_AUTHPRIV | LOG_NOTICE);
}

void log_audit(const char *event, const struct log_field *fields)
{
	int errno_before = errno;
	pthread_mutex_lock(&state.mutex);
	if (!report_lost_lines() || !write_audit(event, fields))
		state.lost_lines++;
	pthread_mutex_unlock(&state.mutex);
	errno = errno_before;
}
