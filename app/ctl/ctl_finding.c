#include "ctl/ctl_finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "ctl/ctl_output.h"

enum { SENTENCE_MAX = 4096, FIX_COLUMN = 9 };

static bool is_accepted(const struct ctl *ctl, const char *name)
{
	const char *code;
	size_t from = 0;

	while ((code = ctl_args_next(&ctl->args, "accept", &from)) != NULL)
		if (strcmp(code, name) == 0)
			return true;
	return false;
}

static bool is_code(const char *name)
{
	for (int code = 0; code < CTL_REMEDY_CODES; code++)
		if (strcmp(ctl_remedy_name((enum ctl_remedy_code)code), name) == 0)
			return true;
	return false;
}

bool ctl_finding_begin(struct ctl_finding_list *list, struct ctl *ctl, const char *url)
{
	const char *code;
	size_t from = 0;

	*list = (struct ctl_finding_list){ .ctl = ctl, .url = url };
	while ((code = ctl_args_next(&ctl->args, "accept", &from)) != NULL)
		if (!is_code(code)) {
			ctl_refuse("--accept: there is no finding '%.40s'; the codes are in "
				   "doorwardctl(8)",
				code);
			return false;
		}
	list->report =
		json_set(json_object(), "url", json_text(ctl_output_clean(ctl->caller.arena, url)));
	json_set(list->report, "findings", json_array());
	json_set(list->report, "not_looked_at", json_array());
	list->found = json_get(list->report, "findings");
	list->unseen = json_get(list->report, "not_looked_at");
	return true;
}

/* Valid UTF-8 without anything that could mislead a terminal. */
__attribute__((format(printf, 2, 0))) static const char *sentence_of(
	struct arena *arena, const char *format, va_list args)
{
	char text[SENTENCE_MAX];

	vsnprintf(text, sizeof text, format, args);
	return ctl_output_clean(arena, text);
}

void ctl_finding_add(
	struct ctl_finding_list *list, enum ctl_remedy_code code, const char *format, ...)
{
	const char *name = ctl_remedy_name(code);
	bool fault = ctl_remedy_is_fault(code);
	va_list args;

	list->count[code]++;
	if (is_accepted(list->ctl, name)) {
		list->accepted++;
		return;
	}
	*(fault ? &list->faults : &list->warnings) += 1;
	va_start(args, format);
	const char *sentence = sentence_of(list->ctl->caller.arena, format, args);
	va_end(args);
	struct json *one = json_set(json_object(), "code", json_text(name));
	json_set(one, "severity", json_text(fault ? "fail" : "warn"));
	json_set(one, "finding", json_text(sentence));
	json_set(one, "fix", json_text(ctl_remedy_fix(code, list->server)));
	json_add(list->found, one);
}

void ctl_finding_unseen(struct ctl_finding_list *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_add(list->unseen, json_text(sentence_of(list->ctl->caller.arena, format, args)));
	va_end(args);
}

bool ctl_finding_has(const struct ctl_finding_list *list, enum ctl_remedy_code code)
{
	return list->count[code] > 0;
}

static void print_one(const struct json *one)
{
	bool fault = strcmp(json_as_text(json_get(one, "severity")), "fail") == 0;

	printf("%-*s%s\n", FIX_COLUMN, fault ? "FAULT" : "warning",
		json_as_text(json_get(one, "code")));
	printf("%*s%s\n", FIX_COLUMN, "", json_as_text(json_get(one, "finding")));
	printf("%*sFix: %s\n\n", FIX_COLUMN, "", json_as_text(json_get(one, "fix")));
}

static void print_list(const struct ctl_finding_list *list)
{
	for (size_t i = 0; i < json_count(list->found); i++)
		print_one(json_at(list->found, i));
	if (json_count(list->unseen) > 0)
		puts("Not looked at:");
	for (size_t i = 0; i < json_count(list->unseen); i++)
		printf("  - %s\n", json_as_text(json_at(list->unseen, i)));
	if (list->faults + list->warnings == 0)
		printf("%s: nothing found that is unsafe", list->url);
	else
		printf("%s: %zu fault%s, %zu warning%s", list->url, list->faults,
			list->faults == 1 ? "" : "s", list->warnings,
			list->warnings == 1 ? "" : "s");
	if (list->accepted > 0)
		printf(" (%zu accepted)", list->accepted);
	putchar('\n');
}

enum ctl_status ctl_finding_end(const struct ctl_finding_list *list)
{
	json_set(list->report, "safe", json_bool(list->faults + list->warnings == 0));
	if (list->ctl->json)
		puts(json_format(list->report));
	else
		print_list(list);
	if (ctl_finding_has(list, CTL_REMEDY_STORE_UNAVAILABLE))
		return CTL_UNAVAILABLE;
	return list->faults + list->warnings > 0 ? CTL_NO : CTL_OK;
}

void ctl_finding_free(struct ctl_finding_list *list)
{
	json_free(list->report);
}
