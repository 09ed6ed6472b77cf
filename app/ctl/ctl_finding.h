/* What "doorwardctl doctor" finds: a stable code, a sentence, and what to do. */
#ifndef DOORWARD_CTL_CTL_FINDING_H
#define DOORWARD_CTL_CTL_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/ctl.h"
#include "ctl/ctl_remedy.h"

struct json;

struct ctl_finding_list {
	struct ctl *ctl;
	const char *url;
	enum ctl_remedy_server server; /* whose words the fixes are in */
	struct json *report, *found, *unseen; /* the latter two are parts of the first */
	size_t count[CTL_REMEDY_CODES];
	size_t faults, warnings, accepted;
};

/* The codes given with --accept are known; says so, and returns false, when one is not. */
bool ctl_finding_begin(struct ctl_finding_list *list, struct ctl *ctl, const char *url);
/* The sentence may hold what strangers wrote; it is cleaned when printed. */
void ctl_finding_add(struct ctl_finding_list *list, enum ctl_remedy_code code, const char *format,
	...) __attribute__((format(printf, 3, 4)));
/* What could not be looked at, and why. */
void ctl_finding_unseen(struct ctl_finding_list *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool ctl_finding_has(const struct ctl_finding_list *list, enum ctl_remedy_code code);
/* Prints all of it. CTL_OK when nothing was found, CTL_UNAVAILABLE without the store, else CTL_NO.
 */
enum ctl_status ctl_finding_end(const struct ctl_finding_list *list);
void ctl_finding_free(struct ctl_finding_list *list);

#endif
