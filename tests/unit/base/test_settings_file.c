#include "base/settings.h"

#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/doorward-faults-XXXXXX";
static char error[4096];

static void write_bytes(const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");
	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		abort();
}

/* The faults without the path: "12: unknown ...\n13: ...". */
static const char *faults(const char *text)
{
	static char out[sizeof(error)];
	write_bytes(text, strlen(text));
	error[0] = '\0';
	struct settings *settings = settings_load(path, error, sizeof(error));
	if (settings) {
		settings_free(settings);
		return "(it loads)";
	}
	out[0] = '\0';
	size_t used = 0, skip = strlen(path) + 1;
	for (const char *line = error; line[0] && strlen(line) > skip;) {
		size_t len = strcspn(line, "\n");
		if (strncmp(line, path, skip - 1) != 0)
			return error;
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%.*s",
			used > 0 ? "\n" : "", (int)(len - skip), line + skip);
		line += len + (line[len] ? 1 : 0);
	}
	return out;
}

#define CHECK_FAULTS(text, expected) CHECK_TEXT(faults(text), expected)

static void a_rule_that_libinih_would_cut_is_refused(void)
{
	CHECK_FAULTS(
		"[rules]\n/a:b = deny\n", "2: a pattern can hold neither : nor = (write ? for it)");
	CHECK_FAULTS("[rules]\n/a?x=1 = deny\n",
		"2: a pattern can hold neither : nor = (write ? for it)");
	CHECK_FAULTS("[rules]\n/a =\n= deny\n/b\n", "2: a rule must be PATTERN = REQUIREMENT\n"
						    "3: a rule must be PATTERN = REQUIREMENT\n"
						    "4: neither [section] nor NAME = VALUE");
}

static void too_many_rules_are_refused(void)
{
	static char text[64 * 1024] = "[rules]\n";
	size_t len = strlen(text);
	for (int i = 0; i < 1001; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "/%d = deny\n", i);
	CHECK_FAULTS(text, "1002: more than 1000 rules");
}

static void an_unknown_setting_is_refused_with_the_nearest_name(void)
{
	CHECK_FAULTS("[cookie]\nsame_sit = lax\n",
		"2: unknown setting [cookie] same_sit; did you mean same_site?");
	CHECK_FAULTS(
		"[log]\n\nlevle = info\n", "3: unknown setting [log] levle; did you mean level?");
	CHECK_FAULTS("[page]\nbackground = red\n", "2: unknown setting [page] background");
	CHECK_FAULTS("[page]\nxyzzy_plugh_and_a_name_that_is_longer_than_any = 1\n",
		"2: unknown setting [page] xyzzy_plugh_and_a_name_that_is_longer_than_any");
}

static void a_setting_in_the_wrong_section_is_sent_to_its_own(void)
{
	CHECK_FAULTS("[server]\nidle_timeout = 1h\n",
		"2: unknown setting [server] idle_timeout; did you mean [session] idle_timeout?");
	CHECK_FAULTS("[server]\nidle_timeuot = 1h\n",
		"2: unknown setting [server] idle_timeuot; did you mean [session] idle_timeout?");
	CHECK_FAULTS("level = warn\n[log]\n",
		"1: unknown setting level before any [section]; did you mean [log] level?");
}

static void an_unknown_section_is_refused_once(void)
{
	CHECK_FAULTS("[sesion]\nidle_timeout = 1h\nbind = none\n[log]\nlevel = info\n",
		"1: unknown section [sesion]; did you mean [session]?");
	CHECK_FAULTS("[rule]\n", "1: unknown section [rule]; did you mean [rules]?");
	CHECK_FAULTS("[backend]\n", "1: unknown section [backend]");
	CHECK_FAULTS(
		"[log\nlevel = info\n", "1: a section must stand as [name], alone on its line");
	CHECK_FAULTS(
		"[log] level = info\n", "1: a section must stand as [name], alone on its line");
}

static void a_setting_given_twice_is_refused(void)
{
	CHECK_FAULTS("[log]\nlevel = info\n[page]\n[log]\nlevel = info\n",
		"5: [log] level was already set in line 2");
}

static void every_fault_of_the_file_is_named(void)
{
	CHECK_FAULTS("[session]\nstyle = roate\nmax_sessions = 1001\nrefresh_grace\n"
		     "idle_timeout = 7 days\n[store]\ntimeout_ms = 9\n[cookie]\n"
		     "clear_site_data = maybe\nsame_site = none\n",
		"2: [session] style must be rotate or sliding, not \"roate\"\n"
		"3: [session] max_sessions must be a whole number from 0 to 1000, not \"1001\"\n"
		"4: neither [section] nor NAME = VALUE\n"
		"5: [session] idle_timeout must be a time from 1 to 400d (seconds, or with s, m, h "
		"or d as in 15m), not \"7 days\"\n"
		"7: [store] timeout_ms must be a whole number from 10 to 10000, not \"9\"\n"
		"9: [cookie] clear_site_data must be yes or no, not \"maybe\"\n"
		"10: [cookie] same_site must be strict or lax, not \"none\": with SameSite=None "
		"every other site could send requests in the user's name (CSRF)");
}

static void more_faults_than_fit_are_counted(void)
{
	char small[200];
	struct settings *s;
	write_bytes("a=1\nb=1\nc=1\nd=1\ne=1\nf=1\n", 24);
	s = settings_load(path, small, sizeof(small));
	CHECK(s == NULL);
	CHECK(strlen(small) < sizeof(small));
	CHECK(strstr(small, ":2: unknown setting b before any [section]\n") != NULL);
	CHECK(strstr(small, "\n(and 4 more)") != NULL);
}

static void a_line_that_libinih_would_cut_is_refused(void)
{
	char text[512];
	(void)snprintf(text, sizeof(text), "[page]\nsite_name = %0*d\n", 197 - 12, 0);
	CHECK_FAULTS(text, "(it loads)");
	(void)snprintf(text, sizeof(text), "[page]\r\nsite_name = %0*d\r\n", 197 - 12, 0);
	CHECK_FAULTS(text, "(it loads)");
	(void)snprintf(text, sizeof(text), "\xef\xbb\xbf#%0*d\r\n", 197 - 1, 0);
	CHECK_FAULTS(text, "(it loads)");
	(void)snprintf(text, sizeof(text), "[page]\nsite_name = %0*d\n", 198 - 12, 0);
	CHECK_FAULTS(text, "2: the line is too long: 197 bytes at most");
	(void)snprintf(text, sizeof(text), "# %0*d\n[log]\n", 400, 0);
	CHECK_FAULTS(text, "1: the line is too long: 197 bytes at most");
}

static void bytes_that_are_no_text_are_refused(void)
{
	CHECK_FAULTS("[page]\nsite_name = a\x01\n", "2: the line holds a control character");
	CHECK_FAULTS("[page]\nsite_name = a\rb\n", "2: the line holds a control character");
	CHECK_FAULTS("[page]\nsite_name = \xff\n", "2: the line is not UTF-8");
	write_bytes("[log]\nlevel = in\0fo\n", 20);
	CHECK(settings_load(path, error, sizeof(error)) == NULL);
	CHECK(strstr(error, ":2: the line holds a control character") != NULL);
}

static void a_file_without_end_is_refused(void)
{
	CHECK(settings_load("/dev/zero", error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "/dev/zero:1: the file is larger than 1 MiB");
}

static void a_missing_file_says_what_to_do(void)
{
	CHECK(settings_load("/nonexistent/doorward.conf", error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "/nonexistent/doorward.conf: there is no such file; copy "
			  "doorward.conf.example to it, or name another file with -c or in "
			  "$DOORWARD_CONF");
	CHECK(settings_load("/tmp", error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "/tmp: cannot be read: Is a directory");
}

static void of_two_times_the_shorter_counts_so_any_pair_loads(void)
{
	CHECK_FAULTS("[session]\nidle_timeout = 40d\n", "(it loads)");
	CHECK_FAULTS("[session]\naccess_lifetime = 10m\nidle_timeout = 1\n", "(it loads)");
	CHECK_FAULTS("[session]\nremember_absolute = 29d\n", "(it loads)");
}

static void settings_that_contradict_each_other_are_refused(void)
{
	CHECK_FAULTS(
		"[users]\nsource = file\n", "2: [users] source (file) needs users_file (not set)");
	CHECK_FAULTS("[users]\nsource = file\nusers_file = /etc/users\n", "(it loads)");
	CHECK_FAULTS("[cookie]\naccess_name = __Secure-x\nrefresh_name = __Secure-x\n"
		     "csrf_name = __Secure-x\n",
		"3: [cookie] refresh_name (__Secure-x) must differ from access_name (__Secure-x)\n"
		"4: [cookie] csrf_name (__Secure-x) must differ from access_name (__Secure-x)\n"
		"4: [cookie] csrf_name (__Secure-x) must differ from refresh_name (__Secure-x)");
}

static void a_byte_order_mark_is_skipped(void)
{
	CHECK_FAULTS("\xef\xbb\xbf[cookie]\nsame_site = lax\n", "(it loads)");
	CHECK_FAULTS("\xef\xbb\xbfx\n", "1: neither [section] nor NAME = VALUE");
}

int main(void)
{
	int file = mkstemp(path);
	if (file < 0 || close(file) != 0)
		return 1;
	RUN(a_rule_that_libinih_would_cut_is_refused);
	RUN(too_many_rules_are_refused);
	RUN(an_unknown_setting_is_refused_with_the_nearest_name);
	RUN(a_setting_in_the_wrong_section_is_sent_to_its_own);
	RUN(an_unknown_section_is_refused_once);
	RUN(a_setting_given_twice_is_refused);
	RUN(every_fault_of_the_file_is_named);
	RUN(more_faults_than_fit_are_counted);
	RUN(a_line_that_libinih_would_cut_is_refused);
	RUN(bytes_that_are_no_text_are_refused);
	RUN(a_file_without_end_is_refused);
	RUN(a_missing_file_says_what_to_do);
	RUN(of_two_times_the_shorter_counts_so_any_pair_loads);
	RUN(settings_that_contradict_each_other_are_refused);
	RUN(a_byte_order_mark_is_skipped);
	(void)unlink(path);
	return check_result();
}
