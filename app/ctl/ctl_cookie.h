/* doorwardctl doctor: the cookies as they reach the browser, behind all that may have changed them.
 */
#ifndef DOORWARD_CTL_CTL_COOKIE_H
#define DOORWARD_CTL_CTL_COOKIE_H

#include <stdbool.h>

struct ctl_doctor;
struct ctl_http_reply;

/* Looks at every cookie that the reply sets. */
void ctl_cookie_check(struct ctl_doctor *doctor, const struct ctl_http_reply *reply);
/* The value that it gives to the cookie; NULL when it does not set it, or takes it away. */
const char *ctl_cookie_value(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *name);

#endif
