/* One line per event, to standard error, a file or syslog.
 *
 * Never pass a password, token, cookie value or key. Values of requests (names, agents, paths)
 * are untrusted: they go in as fields and are escaped to one line of valid UTF-8. A write never
 * blocks a request: a line that cannot be written is counted, and the count is logged as soon as
 * writing works again. */
#ifndef DOORWARD_BASE_LOG_H
#define DOORWARD_BASE_LOG_H

#include <stdbool.h>
#include <stdnoreturn.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

/* target: "stderr", "syslog" or an absolute path (opened for append, 0640). False, with errno, if
 * the file cannot be opened; the earlier target stays in use. Called again: reopens. */
bool log_open(const char *target, enum log_format format, enum log_level level);
/* Name of the program in text lines and syslog; static text. Default "doorward". */
void log_set_name(const char *name);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A field of an audit event. text NULL: the field is left out. */
struct log_field {
	const char *name;
	const char *text;
};
/* Always written, whatever the level. event such as "login.refused"; fields end with {NULL, NULL}.
 */
void log_audit(const char *event, const struct log_field *fields);

/* Logs and leaves the process with _exit(70): memory exhausted, entropy gone, an impossible state.
 * The connection breaks, which every web server turns into a refusal. */
noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
