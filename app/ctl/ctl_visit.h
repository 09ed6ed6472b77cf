/* doorwardctl doctor --user: the site as somebody sees it who is signed in.
 *
 * The session is a real one, started by the administrator's keys and Redis instead of a password:
 * named "doorwardctl doctor", at most five minutes long, ended when the examination is over, and in
 * the audit trail. It never takes another one's place. */
#ifndef DOORWARD_CTL_CTL_VISIT_H
#define DOORWARD_CTL_CTL_VISIT_H

struct ctl_doctor;

/* Signs in, if --user says so. Sets doctor->cookie. */
void ctl_visit_begin(struct ctl_doctor *doctor);
/* The protected pages, and the cookies of a refresh. */
void ctl_visit_check(struct ctl_doctor *doctor);
void ctl_visit_end(struct ctl_doctor *doctor);

#endif
