/* A settings file. A refused one is refused with a sentence; one that is taken, printed, and read
 * again is the same, rules included. */
#include "auth/rules.h"
#include "base/settings.h"
#include "fuzz/fuzz.h"

static char *print(const struct settings *settings)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	HOLDS(out != NULL);
	settings_print(settings, out);
	(void)fclose(out);
	return text;
}

static void judge_rules(const struct settings *settings)
{
	char error[1024] = "";
	struct rules *rules = rules_parse(settings, error, sizeof error);
	HOLDS(rules || *error);
	if (rules) {
		const struct rule *rule = rules_find(rules, "GET", "/private/x");
		HOLDS(rule && rule->need <= RULES_DENY);
		HOLDS(rule->need != RULES_ROLE || (rule->roles && *rule->roles));
	}
	rules_free(rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file file;
	char error[2048] = "";

	fuzz_begin();
	fuzz_file_write(&file, data, size);
	struct settings *settings = settings_load(file.path, error, sizeof error);
	HOLDS(settings || *error);
	if (!settings)
		return 0;
	judge_rules(settings);
	char *printed = print(settings);
	settings_free(settings);
	fuzz_file_write(&file, printed, strlen(printed));
	settings = settings_load(file.path, error, sizeof error);
	HOLDS(settings != NULL);
	char *again = print(settings);
	HOLDS(strcmp(printed, again) == 0);
	settings_free(settings);
	free(printed);
	free(again);
	return 0;
}
