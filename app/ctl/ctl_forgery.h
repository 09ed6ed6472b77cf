/* doorwardctl doctor: whom the application is told, and who can say otherwise. */
#ifndef DOORWARD_CTL_CTL_FORGERY_H
#define DOORWARD_CTL_CTL_FORGERY_H

struct ctl_doctor;
struct ctl_http_reply;

/* By the page of --echo. */
void ctl_forgery_check(struct ctl_doctor *doctor);
/* Finds headers of the answer that tell who the user is. */
void ctl_forgery_check_leak(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *path);

#endif
