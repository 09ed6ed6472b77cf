/* doorwardctl doctor: the live site as a whole, and Doorward's own pages on it. */
#ifndef DOORWARD_CTL_CTL_SITE_H
#define DOORWARD_CTL_CTL_SITE_H

#include <stdbool.h>

struct ctl_doctor;
struct ctl_http_reply;

/* False when the site does not answer, so that there is nothing to ask it. */
bool ctl_site_check(struct ctl_doctor *doctor);
/* Plain http, on the pages that are protected; after ctl_guard_check. */
void ctl_site_check_plain(struct ctl_doctor *doctor);
/* Found at most once: "what" came without Strict-Transport-Security. */
void ctl_site_check_hsts(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *what);
/* Finds that "what" may be kept by a cache: no-store is missing. */
void ctl_site_check_no_store(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *what);

#endif
