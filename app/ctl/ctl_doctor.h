/* doorwardctl doctor: is the set-up of this site safe? Asks the live site as a stranger and, with
 * --user, as somebody signed in; asks Redis; looks at the files.
 *
 * Each of the ctl_..._check functions below adds what it finds to doctor->findings. */
#ifndef DOORWARD_CTL_CTL_DOCTOR_H
#define DOORWARD_CTL_CTL_DOCTOR_H

#include "auth/session.h"
#include "ctl/ctl.h"
#include "ctl/ctl_finding.h"
#include "ctl/ctl_http.h"

enum {
	CTL_DOCTOR_PAGES_MAX = 16,
	CTL_DOCTOR_CLOCK_SEC = 5, /* as TOKEN_LEEWAY_SEC */
	CTL_DOCTOR_LATE_MAX = 3,
};

/* A page that should ask for a sign-in. */
struct ctl_doctor_page {
	const char *path; /* raw, as asked for */
	bool named; /* by the administrator, or by a rule */
	bool asked; /* a stranger was refused */
	bool open; /* a stranger got it */
};

struct ctl_doctor {
	struct ctl *ctl;
	struct ctl_finding_list findings;
	const char *origin, *plain_origin; /* plain_origin NULL: not to be asked */
	struct ctl_http *http, *plain;
	struct ctl_doctor_page page[CTL_DOCTOR_PAGES_MAX];
	size_t pages;
	const char *echo; /* a page that prints what it is told of a request; or NULL */
	bool store_answers;
	/* The one that is asked at the moment, and its name: "Redis", or that of a Cluster's
	 * master.
	 */
	unsigned redis;
	const char *redis_name;
	int late; /* requests that were not answered in time: at the third no more are made */
	/* Who is signed in for this; NULL: nobody. */
	const char *user_name, *cookie, *refresh_cookie; /* header lines; the latter NULL: none */
	struct user user;
	struct session session;
};

/* What these requests say that they are. */
extern const char ctl_doctor_agent[];

enum ctl_status ctl_doctor_run(struct ctl *ctl);

/* How a request says who makes it: a person who opens a page, or a script. */
enum ctl_doctor_style { CTL_DOCTOR_PERSON, CTL_DOCTOR_SCRIPT };
/* One request by a stranger; extra, a header "Name: value", may be NULL. */
const struct ctl_http_reply *ctl_doctor_ask(struct ctl_doctor *doctor, const char *method,
	const char *target, enum ctl_doctor_style style, const char *extra);
/* The same with the cookies of the session that was made for this. */
const struct ctl_http_reply *ctl_doctor_ask_signed_in(
	struct ctl_doctor *doctor, const char *target, const char *const *extra);
/* It leads to Doorward's own pages. */
bool ctl_doctor_is_led_to_sign_in(
	const struct ctl_doctor *doctor, const struct ctl_http_reply *reply);
/* "GET /x answers 200" and, where there is one, where it leads. */
const char *ctl_doctor_answer(struct ctl_doctor *doctor, const struct ctl_http_reply *reply);

#endif
