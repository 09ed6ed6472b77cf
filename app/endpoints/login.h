/* /auth/login: the form, and signing in. */
#ifndef DOORWARD_ENDPOINTS_LOGIN_H
#define DOORWARD_ENDPOINTS_LOGIN_H

struct exchange;

void login_show(struct exchange *x);
void login_submit(struct exchange *x);

#endif
