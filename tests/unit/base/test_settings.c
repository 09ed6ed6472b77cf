#include "base/settings.h"
#include "base/settings_table.h"

#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/doorward-settings-XXXXXX";
static char error[4096];

/* Yours. NULL, with the faults in `error`, when the text does not load. */
static struct settings *load(const char *text)
{
	FILE *file = fopen(path, "w");
	if (!file || fputs(text, file) == EOF || fclose(file) != 0)
		abort();
	error[0] = '\0';
	return settings_load(path, error, sizeof(error));
}

static char *print(const struct settings *settings)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		abort();
	settings_print(settings, out);
	if (fclose(out) != 0)
		abort();
	return text;
}

static void an_empty_file_gives_the_defaults(void)
{
	struct settings *s = load("");
	CHECK(s != NULL);
	if (!s)
		return;
	CHECK_TEXT(s->path, path);
	CHECK_TEXT(s->server.listen_authorizer, "");
	CHECK_INT(s->server.authorizer_threads, 4);
	CHECK_INT(s->server.responder_threads, 8);
	CHECK_TEXT(s->server.prefix, "/auth");
	CHECK_TEXT(s->store.url, "unix:/run/redis/redis-server.sock");
	CHECK_TEXT(s->store.prefix, "dw:");
	CHECK_INT(s->store.timeout_ms, 250);
	CHECK_INT(s->session.style, SETTINGS_STYLE_ROTATE);
	CHECK_INT(s->session.access_lifetime, 15 * 60);
	CHECK_INT(s->session.idle_timeout, 7 * 86400);
	CHECK_INT(s->session.absolute_timeout, 30 * 86400);
	CHECK_INT(s->session.refresh_grace, 10);
	CHECK_INT(s->session.max_sessions, 0);
	CHECK_INT(s->session.renew_below, 3600);
	CHECK_INT(s->session.remember_absolute, 90 * 86400);
	CHECK_TEXT(s->cookie.access_name, "__Host-Http-doorward");
	CHECK_TEXT(s->cookie.refresh_name, "__Secure-doorward-refresh");
	CHECK_TEXT(s->cookie.csrf_name, "__Host-Http-doorward-csrf");
	CHECK_INT(s->cookie.same_site, SETTINGS_SAME_SITE_STRICT);
	CHECK(!s->cookie.clear_site_data);
	CHECK_TEXT(s->token.keys_dir, "/etc/doorward/keys");
	CHECK_INT(s->users.source, SETTINGS_USERS_REDIS);
	CHECK_INT(s->password.memlimit_mb, 64);
	CHECK_INT(s->throttle.per_name, 50);
	CHECK_INT(s->throttle.window_sec, 900);
	CHECK_TEXT(s->page.templates_dir, DOORWARD_PREFIX "/share/doorward/templates");
	CHECK_INT(s->log.level, SETTINGS_LOG_INFO);
	CHECK_INT(s->rules_count, 0);
	settings_free(s);
}

/* A member that the table forgets would be NULL or 0 for ever. */
static void every_member_stands_in_the_table(void)
{
	static unsigned char covered[sizeof(struct settings)];
	const struct settings_entry *entry;
	for (size_t i = 0; (entry = settings_table_at(i)); i++) {
		size_t size = entry->type == SETTINGS_TYPE_BOOL ? sizeof(bool) : 8;
		for (size_t j = 0; j < size; j++)
			covered[entry->offset + j]++;
		CHECK_INT(settings_table_index(entry), i);
	}
	size_t holes = 0, doubles = 0;
	for (size_t i = 0; i < offsetof(struct settings, rules); i++) {
		holes += covered[i] == 0;
		doubles += covered[i] > 1;
	}
	CHECK_INT(doubles, 0);
	CHECK_INT(holes, 14); /* after each of the two bools */
}

static void values_of_all_types_are_read(void)
{
	struct settings *s = load("# comment\r\n"
				  "[session]\r\n"
				  "style = sliding\r\n"
				  "  access_lifetime = 90\r\n"
				  "\tidle_timeout=2h ; as the customer wants\r\n"
				  "absolute_timeout : 1d\r\n"
				  "refresh_grace = 0\r\n"
				  "; another comment\r\n"
				  "\r\n"
				  "[cookie] ; here too\r\n"
				  "clear_site_data = on\r\n"
				  "[page]\r\n"
				  "site_name = \xc3\x84rzte & \"Co\"\r\n"
				  "accent = #2557d6\r\n"
				  "[server]\r\n"
				  "trusted_proxies = 10.0.0.0/8 , ::1,\t192.0.2.1\r\n"
				  "[store]\r\n"
				  "timeout_ms = 10000");
	CHECK_TEXT(error, "");
	if (!s)
		return;
	CHECK_INT(s->session.style, SETTINGS_STYLE_SLIDING);
	CHECK_INT(s->session.access_lifetime, 90);
	CHECK_INT(s->session.idle_timeout, 7200);
	CHECK_INT(s->session.absolute_timeout, 86400);
	CHECK_INT(s->session.refresh_grace, 0);
	CHECK(s->cookie.clear_site_data);
	CHECK_TEXT(s->page.site_name, "\xc3\x84rzte & \"Co\"");
	CHECK_TEXT(s->page.accent, "#2557d6");
	CHECK_TEXT(s->server.trusted_proxies, "10.0.0.0/8,::1,192.0.2.1");
	CHECK_INT(s->store.timeout_ms, 10000);
	settings_free(s);
}

static void rules_keep_their_order_their_text_and_their_lines(void)
{
	struct settings *s = load("[rules]\n"
				  "/public/* = anyone\n"
				  "\n"
				  "  POST,PUT /api/* = role:writer, role:admin\n"
				  "[log]\n"
				  "level = warn\n"
				  "[rules]\n"
				  "/* = signed-in ; the rest\n");
	CHECK_TEXT(error, "");
	if (!s)
		return;
	CHECK_INT(s->rules_count, 3);
	CHECK_TEXT(s->rules[0].pattern, "/public/*");
	CHECK_TEXT(s->rules[0].requirement, "anyone");
	CHECK_INT(s->rules[0].line, 2);
	CHECK_TEXT(s->rules[1].pattern, "POST,PUT /api/*");
	CHECK_TEXT(s->rules[1].requirement, "role:writer, role:admin");
	CHECK_INT(s->rules[1].line, 4);
	CHECK_TEXT(s->rules[2].pattern, "/*");
	CHECK_TEXT(s->rules[2].requirement, "signed-in");
	CHECK_INT(s->rules[2].line, 8);
	settings_free(s);
}

static void what_is_printed_loads_to_the_same(const char *text)
{
	struct settings *first = load(text);
	CHECK_TEXT(error, "");
	if (!first)
		return;
	char *printed = print(first);
	struct settings *second = load(printed);
	CHECK_TEXT(error, "");
	char *again = second ? print(second) : NULL;
	CHECK_TEXT(again, printed);
	free(again);
	free(printed);
	settings_free(second);
	settings_free(first);
}

static void the_printed_settings_load_to_the_same(void)
{
	what_is_printed_loads_to_the_same("");
	what_is_printed_loads_to_the_same(
		"[session]\nidle_timeout = 86399\nabsolute_timeout = 25h\nrefresh_grace = 0\n"
		"[page]\nsite_name =;x ;y\nlogo = /l.svg\n[cookie]\nclear_site_data = true\n"
		"[rules]\nGET /a b/* = role:x, role:y\n/z =;w\n");
	char text[512];
	(void)snprintf(text, sizeof(text), "[page]\nsite_name=%0*d\n", 197 - 10, 0);
	what_is_printed_loads_to_the_same(text);
}

static void a_time_is_printed_in_its_largest_unit(void)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} times[] = { { 0, "0" }, { 59, "59" }, { 60, "60" }, { 90, "90" }, { 120, "2m" },
		{ 121, "121" }, { 3600, "1h" }, { 5400, "90m" }, { 86400, "1d" },
		{ 90000, "25h" } };
	char out[SETTINGS_DURATION_MAX];
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		settings_table_format_duration(times[i].seconds, out);
		CHECK_TEXT(out, times[i].text);
	}
}

static void a_setting_survives_printing(void)
{
	struct settings *s = load("[session]\nidle_timeout = 7200\n[rules]\n/a = deny\n");
	CHECK(s != NULL);
	if (!s)
		return;
	char *printed = print(s);
	CHECK(strstr(printed, "\n[session]\nstyle = rotate\naccess_lifetime = 15m\n"
			      "idle_timeout = 2h\n") != NULL);
	CHECK(strstr(printed, "\n[rules]\n/a = deny\n") != NULL);
	free(printed);
	settings_free(s);
}

/* The sample with every setting that it shows commented in ("#name = value") is the defaults. */
static void the_sample_holds_the_defaults(void)
{
	static char text[64 * 1024], line[512];
	size_t len = 0;
	FILE *sample = fopen("doorward.conf.example", "r");
	CHECK(sample != NULL);
	if (!sample)
		return;
	while (fgets(line, sizeof(line), sample)) {
		bool is_setting = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
		if (strncmp(line, "#templates_dir", 14) != 0 &&
			strncmp(line, "#languages_dir", 14) != 0) /* differ with PREFIX */
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s", is_setting ? line + 1 : line);
	}
	(void)fclose(sample);

	struct settings *from_sample = load(text);
	CHECK_TEXT(error, "");
	struct settings *defaults = load("");
	char *a = from_sample ? print(from_sample) : NULL;
	char *b = print(defaults);
	CHECK_TEXT(a, b);
	free(a);
	free(b);
	settings_free(from_sample);
	settings_free(defaults);
}

static void the_sample_loads_as_it_is(void)
{
	struct settings *s = settings_load("doorward.conf.example", error, sizeof(error));
	CHECK(s != NULL);
	settings_free(s);
}

static void the_path_comes_from_the_option_or_the_environment(void)
{
	unsetenv("DOORWARD_CONF");
	CHECK_TEXT(settings_path(NULL), "/etc/doorward/doorward.conf");
	setenv("DOORWARD_CONF", "", 1);
	CHECK_TEXT(settings_path(NULL), "/etc/doorward/doorward.conf");
	setenv("DOORWARD_CONF", "/srv/d.conf", 1);
	CHECK_TEXT(settings_path(NULL), "/srv/d.conf");
	CHECK_TEXT(settings_path("/x.conf"), "/x.conf");
	unsetenv("DOORWARD_CONF");
}

int main(void)
{
	int file = mkstemp(path);
	if (file < 0 || close(file) != 0)
		return 1;
	RUN(an_empty_file_gives_the_defaults);
	RUN(every_member_stands_in_the_table);
	RUN(values_of_all_types_are_read);
	RUN(rules_keep_their_order_their_text_and_their_lines);
	RUN(the_printed_settings_load_to_the_same);
	RUN(a_time_is_printed_in_its_largest_unit);
	RUN(a_setting_survives_printing);
	RUN(the_sample_loads_as_it_is);
	RUN(the_sample_holds_the_defaults);
	RUN(the_path_comes_from_the_option_or_the_environment);
	(void)unlink(path);
	return check_result();
}
