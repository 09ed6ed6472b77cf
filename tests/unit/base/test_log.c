#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/doorward-test-log-XXXXXX";
static char path[sizeof(folder) + 8];

/* What is in the file since the last call; the file is emptied. */
static const char *written(void)
{
	static char text[100000];
	int fd = open(path, O_RDWR);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	CHECK(len >= 0);
	text[len < 0 ? 0 : len] = '\0';
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	close(fd);
	return text;
}

static size_t count(const char *text, char c)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == c;
	return n;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);
	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void use_file(enum log_format format, enum log_level level)
{
	CHECK(log_open(path, format, level));
	(void)written();
}

/* The only line as JSON; the caller frees. */
static struct json *written_json(void)
{
	const char *line = written();
	CHECK_INT(count(line, '\n'), 1);
	struct json *json = json_parse(line, strlen(line));
	if (!json)
		CHECK_TEXT(line, "(JSON)");
	return json;
}

static void a_text_line_has_time_name_number_level_and_message(void)
{
	char expected[100], start[32];
	struct tm parts;
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_warn("%d sessions of \"%s\"", 3, "alice");
	const char *line = written();
	(void)snprintf(expected, sizeof(expected), " doorward[%ld] warn: 3 sessions of \"alice\"\n",
		(long)getpid());
	CHECK_TEXT(strchr(line, ' '), expected);
	(void)snprintf(start, sizeof(start), "%.20s", line);
	CHECK(strptime(start, "%Y-%m-%dT%H:%M:%SZ", &parts) != NULL);
	time_t age = time(NULL) - timegm(&parts);
	CHECK(age >= 0 && age < 60);
}

static void a_json_line_has_time_level_and_message(void)
{
	use_file(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_error("cannot open \"%s\"", "/x/y");
	struct json *line = written_json();
	const char *when = json_as_text(json_get(line, "time"));
	CHECK(when && strlen(when) == 24 && when[19] == '.' && when[23] == 'Z');
	CHECK_TEXT(json_as_text(json_get(line, "level")), "error");
	CHECK_TEXT(json_as_text(json_get(line, "message")), "cannot open \"/x/y\"");
	json_free(line);
}

static void lines_under_the_level_are_left_out(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	log_debug("1");
	log_info("2");
	CHECK_TEXT(written(), "");
	log_warn("3");
	log_error("4");
	CHECK_INT(count(written(), '\n'), 2);
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	log_debug("5");
	CHECK(ends_with(written(), " debug: 5\n"));
}

static void an_audit_event_is_written_whatever_the_level(void)
{
	static const struct log_field fields[] = { { "user", "alice" }, { "agent", NULL },
		{ "address", "192.0.2.7" }, { NULL, NULL } };
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	log_audit("login.refused", fields);
	CHECK(ends_with(written(), " audit login.refused user=\"alice\" address=\"192.0.2.7\"\n"));
	use_file(LOG_FORMAT_JSON, LOG_LEVEL_ERROR);
	log_audit("login.refused", fields);
	CHECK(ends_with(written(), "\",\"level\":\"audit\",\"event\":\"login.refused\","
				   "\"user\":\"alice\",\"address\":\"192.0.2.7\"}\n"));
}

static void audit_one(const char *text)
{
	const struct log_field fields[] = { { "user", text }, { "last", "x" }, { NULL, NULL } };
	log_audit("login.refused", fields);
}

static const char forged[] =
	"a\r\n2026-01-01T00:00:00Z doorward[1] audit login.ok user=\"root\" "
	"\x1b[2J\x7f\t\\ \xc2\x9b \xe2\x80\xa8 \xe2\x80\xae \xff\xc3( \xc3\xa9";

static void control_characters_quotes_and_broken_utf8_become_one_escaped_line(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	audit_one(forged);
	CHECK(ends_with(written(),
		"user=\"a\\r\\n2026-01-01T00:00:00Z doorward[1] audit login.ok user=\\\"root\\\" "
		"\\u001b[2J\\u007f\\t\\\\ \\u009b \\u2028 \\u202e \xef\xbf\xbd\xef\xbf\xbd( "
		"\xc3\xa9\" last=\"x\"\n"));
}

static void a_json_line_gives_the_same_text_back_to_its_reader(void)
{
	use_file(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	audit_one(forged);
	struct json *line = written_json();
	CHECK_TEXT(json_as_text(json_get(line, "user")),
		"a\r\n2026-01-01T00:00:00Z doorward[1] audit login.ok user=\"root\" "
		"\x1b[2J\x7f\t\\ \xc2\x9b \xe2\x80\xa8 \xe2\x80\xae \xef\xbf\xbd\xef\xbf\xbd( "
		"\xc3\xa9");
	CHECK_TEXT(json_as_text(json_get(line, "last")), "x");
	json_free(line);
}

static void every_byte_is_written_as_printable_utf8(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	for (int c = 1; c < 256; c++) {
		const char text[] = { (char)c, '\0' };
		log_info("%s", text);
		const char *line = written();
		size_t len = strlen(line);
		CHECK_INT(count(line, '\n'), 1);
		CHECK(encode_is_utf8(line, len));
		for (size_t i = 0; i + 1 < len; i++)
			CHECK((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
	}
}

static void messages_are_escaped_too(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("%s", "a\nb\x1b[0m\xe9");
	CHECK(ends_with(written(), " info: a\\nb\\u001b[0m\xef\xbf\xbd\n"));
}

static void a_field_is_cut_at_512_bytes_between_two_characters(void)
{
	char text[2000];
	memset(text, 'a', sizeof(text));
	text[512] = '\0';
	use_file(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	audit_one(text);
	struct json *line = written_json();
	CHECK_TEXT(json_as_text(json_get(line, "user")), text);
	json_free(line);

	text[512] = 'a';
	text[1999] = '\0';
	memcpy(text + 510, "\xe2\x82\xac", 3);
	audit_one(text);
	line = written_json();
	text[510] = '\0';
	CHECK_TEXT(json_as_text(json_get(line, "user")), text);
	CHECK_TEXT(json_as_text(json_get(line, "last")), "x");
	json_free(line);
}

static void a_field_of_escapes_cannot_push_out_the_others(void)
{
	char text[1000];
	memset(text, '\x1b', sizeof(text));
	text[999] = '\0';
	const struct log_field fields[] = { { "user", text }, { "agent", text }, { "path", text },
		{ "host", text }, { "name", text }, { "role", text }, { "address", "192.0.2.7" },
		{ NULL, NULL } };
	use_file(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_audit("login.refused", fields);
	struct json *line = written_json();
	CHECK_TEXT(json_as_text(json_get(line, "address")), "192.0.2.7");
	CHECK_INT(strlen(json_as_text(json_get(line, "user"))), 512 / 6);
	json_free(line);
}

static void a_line_is_never_longer_than_4096_bytes_and_still_whole(void)
{
	char text[600];
	memset(text, 'a', sizeof(text));
	text[599] = '\0';
	struct log_field fields[14] = { { NULL, NULL } };
	for (size_t length = 380; length < 540; length++) {
		for (size_t i = 0; i < 13; i++)
			fields[i] = (struct log_field){ "field", text + sizeof(text) - 1 - length };
		use_file(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
		log_audit("login.refused", fields);
		const char *line = written();
		CHECK(strlen(line) <= 4096 && strlen(line) > 3500);
		CHECK(ends_with(line, "\"}\n"));
		struct json *json = json_parse(line, strlen(line));
		CHECK(json != NULL);
		json_free(json);
	}
}

static void a_long_message_is_cut(void)
{
	char text[5000];
	memset(text, '\x1b', sizeof(text));
	text[4999] = '\0';
	use_file(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_info("%s", text);
	const char *line = written();
	CHECK(strlen(line) <= 4096 && strlen(line) > 4000);
	struct json *json = json_parse(line, strlen(line));
	CHECK(json != NULL);
	json_free(json);
}

static void lines_lost_on_a_full_disk_are_counted_and_told(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	CHECK(log_open("/dev/full", LOG_FORMAT_TEXT, LOG_LEVEL_INFO));
	log_info("lost 1");
	log_debug("not lost: under the level");
	log_error("lost 2");
	audit_one("lost 3");
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	log_error("works again");
	const char *lines = written();
	CHECK_INT(count(lines, '\n'), 2);
	CHECK(strstr(lines, " warn: lines that could not be logged: 3\n") != NULL);
	CHECK(ends_with(lines, " error: works again\n"));
	log_error("and again");
	CHECK_INT(count(written(), '\n'), 1);
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;
	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = bytes;
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void a_line_written_in_part_does_not_spoil_the_next(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	limit_file_size(30);
	log_info("written in part");
	log_info("not written");
	limit_file_size(RLIM_INFINITY);
	signal(SIGXFSZ, before);
	log_info("written");
	const char *lines = written();
	CHECK_INT(count(lines, '\n'), 3);
	CHECK_INT(strcspn(lines, "\n"), 30);
	CHECK(strstr(lines, " warn: lines that could not be logged: 2\n") != NULL);
	CHECK(ends_with(lines, " info: written\n"));
}

static void a_file_that_cannot_be_opened_leaves_the_target_as_it_was(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	errno = 0;
	CHECK(!log_open("/nonexistent/doorward.log", LOG_FORMAT_JSON, LOG_LEVEL_ERROR));
	CHECK_INT(errno, ENOENT);
	log_info("still here");
	CHECK(ends_with(written(), " info: still here\n"));
}

static void a_file_is_made_for_owner_and_group_only_and_reopened_after_rotation(void)
{
	struct stat info;
	char moved[sizeof(path) + 4];
	mode_t mask_before = umask(0);
	(void)snprintf(moved, sizeof(moved), "%s.1", path);
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	CHECK(rename(path, moved) == 0);
	CHECK(log_open(path, LOG_FORMAT_TEXT, LOG_LEVEL_INFO));
	umask(mask_before);
	CHECK(stat(path, &info) == 0);
	CHECK_INT(info.st_mode & 07777, 0640);
	log_info("new file");
	CHECK(ends_with(written(), "new file\n"));
	CHECK(unlink(moved) == 0);
}

static void errno_is_left_as_it_was_and_can_be_logged(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	errno = ENOENT;
	log_error("open: %m");
	CHECK_INT(errno, ENOENT);
	CHECK(ends_with(written(), " error: open: No such file or directory\n"));
	CHECK(log_open("/dev/full", LOG_FORMAT_TEXT, LOG_LEVEL_INFO));
	errno = ENOENT;
	log_error("lost");
	audit_one("lost");
	CHECK_INT(errno, ENOENT);
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("so that the count is told");
	CHECK(strstr(written(), "not be logged: 2\n") != NULL);
}

/* Runs step with a new standard error; what it wrote there, at most size - 1 bytes. */
static void with_stderr(int fd, void (*step)(void))
{
	fflush(NULL);
	int kept = dup(STDERR_FILENO);
	CHECK(kept >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	CHECK(log_open("stderr", LOG_FORMAT_TEXT, LOG_LEVEL_INFO));
	step();
	CHECK(log_open(path, LOG_FORMAT_TEXT, LOG_LEVEL_INFO));
	CHECK(dup2(kept, STDERR_FILENO) == STDERR_FILENO);
	close(kept);
}

static void log_far_more_than_fits(void)
{
	for (int i = 0; i < 5000; i++)
		log_info("%0200d", i);
}

/* Reads all that is there and checks that it is whole lines, in order. */
static size_t whole_lines_in(int fd)
{
	static char text[2000000];
	size_t len = 0, lines = 0;
	ssize_t got = 0;
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	for (char *line = text; *line; lines++) {
		char expected[256];
		char *end = strchr(line, '\n');
		(void)snprintf(expected, sizeof(expected), " info: %0200zu", lines);
		CHECK(end != NULL);
		if (!end)
			break;
		*end = '\0';
		CHECK(ends_with(line, expected));
		line = end + 1;
	}
	return lines;
}

static void check_nobody_waits(int reading, int writing)
{
	(void)written();
	alarm(10);
	with_stderr(writing, log_far_more_than_fits);
	alarm(0);
	/* Set for others as well, it could make their writes fail. */
	CHECK((fcntl(writing, F_GETFL) & O_NONBLOCK) == 0);
	size_t lines = whole_lines_in(reading);
	CHECK(lines > 10 && lines < 5000);
	log_info("done");
	char expected[64];
	(void)snprintf(expected, sizeof(expected), " warn: lines that could not be logged: %zu\n",
		5000 - lines);
	const char *after = written();
	CHECK(strstr(after, expected) != NULL);
	CHECK(ends_with(after, " info: done\n"));
	close(reading);
	close(writing);
}

static void a_full_pipe_that_nobody_reads_does_not_block(void)
{
	int ends[2];
	CHECK(pipe(ends) == 0);
	check_nobody_waits(ends[0], ends[1]);
}

static void a_full_socket_that_nobody_reads_does_not_block(void)
{
	int ends[2];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	check_nobody_waits(ends[0], ends[1]);
}

static void log_one_line(void)
{
	log_info("x");
}

/* SIGPIPE would end the test. */
static void a_reader_that_has_gone_ends_nothing(void)
{
	int ends[2];
	CHECK(pipe(ends) == 0);
	close(ends[0]);
	with_stderr(ends[1], log_one_line);
	close(ends[1]);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	close(ends[0]);
	with_stderr(ends[1], log_one_line);
	close(ends[1]);
	(void)written();
	log_info("done");
	CHECK(strstr(written(), "not be logged: 2\n") != NULL);
}

static void fatal_logs_and_leaves_with_70(void)
{
	int status = 0;
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		fatal("no %s", "entropy");
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 70);
	CHECK(ends_with(written(), " error: no entropy\n"));
}

static void the_name_can_be_set(void)
{
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_set_name("doorwardctl");
	log_info("x");
	log_set_name("doorward");
	CHECK(strstr(written(), "Z doorwardctl[") != NULL);
}

static void *log_many(void *context)
{
	for (int i = 0; i < 100; i++)
		log_info("%s", (const char *)context);
	return NULL;
}

static void lines_of_several_threads_do_not_mix(void)
{
	static char texts[4][2][101];
	pthread_t threads[4];
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	for (size_t i = 0; i < 4; i++) {
		memset(texts[i][0], 'a' + (int)i, 100);
		CHECK(pthread_create(&threads[i], NULL, log_many, texts[i][0]) == 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	const char *line = written();
	CHECK_INT(count(line, '\n'), 400);
	for (int i = 0; i < 400; i++) {
		const char *message = strstr(line, " info: ") + 7;
		CHECK_INT(strspn(message, (const char[]){ *message, '\0' }), 100);
		CHECK_INT(message[100], '\n');
		line = message + 101;
	}
}

static void syslog_can_be_chosen_even_when_none_is_there(void)
{
	CHECK(log_open("syslog", LOG_FORMAT_JSON, LOG_LEVEL_ERROR));
	audit_one("unit test");
	use_file(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("back");
	CHECK(ends_with(written(), " info: back\n"));
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	RUN(a_text_line_has_time_name_number_level_and_message);
	RUN(a_json_line_has_time_level_and_message);
	RUN(lines_under_the_level_are_left_out);
	RUN(an_audit_event_is_written_whatever_the_level);
	RUN(control_characters_quotes_and_broken_utf8_become_one_escaped_line);
	RUN(a_json_line_gives_the_same_text_back_to_its_reader);
	RUN(every_byte_is_written_as_printable_utf8);
	RUN(messages_are_escaped_too);
	RUN(a_field_is_cut_at_512_bytes_between_two_characters);
	RUN(a_field_of_escapes_cannot_push_out_the_others);
	RUN(a_line_is_never_longer_than_4096_bytes_and_still_whole);
	RUN(a_long_message_is_cut);
	RUN(lines_lost_on_a_full_disk_are_counted_and_told);
	RUN(a_line_written_in_part_does_not_spoil_the_next);
	RUN(a_file_that_cannot_be_opened_leaves_the_target_as_it_was);
	RUN(a_file_is_made_for_owner_and_group_only_and_reopened_after_rotation);
	RUN(errno_is_left_as_it_was_and_can_be_logged);
	RUN(a_full_pipe_that_nobody_reads_does_not_block);
	RUN(a_full_socket_that_nobody_reads_does_not_block);
	RUN(a_reader_that_has_gone_ends_nothing);
	RUN(fatal_logs_and_leaves_with_70);
	RUN(the_name_can_be_set);
	RUN(lines_of_several_threads_do_not_mix);
	RUN(syslog_can_be_chosen_even_when_none_is_there);
	unlink(path);
	rmdir(folder);
	return check_result();
}
