/* doorwardctl doctor: is a stranger refused at the protected pages, and led to the sign-in? */
#ifndef DOORWARD_CTL_CTL_GUARD_H
#define DOORWARD_CTL_CTL_GUARD_H

struct ctl_doctor;
struct ctl_http_reply;

/* What a page said to a stranger. */
enum ctl_guard_answer {
	CTL_GUARD_REFUSED, /* 401, 403, or led to Doorward's pages */
	CTL_GUARD_OPEN, /* 2xx, or 304 */
	CTL_GUARD_MISSING, /* 404, 410 */
	CTL_GUARD_ELSEWHERE, /* another redirect, 405 and the like: answered without asking */
	CTL_GUARD_BROKEN, /* 5xx, or nothing */
};
enum ctl_guard_answer ctl_guard_judge(
	const struct ctl_doctor *doctor, const struct ctl_http_reply *reply);

/* The pages that the administrator named (path NULL: none in the URL), or those that seem to be
 * protected by the rules and the examples. Loads the rules. */
void ctl_guard_choose_pages(struct ctl_doctor *doctor, const char *path);
/* Sets asked and open of each page, and leaves pages out that only were a guess. */
void ctl_guard_check(struct ctl_doctor *doctor);
/* A path below (or beside) the page that nothing is at. */
const char *ctl_guard_nowhere(struct ctl_doctor *doctor, const char *path);

#endif
