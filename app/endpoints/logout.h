/* /auth/logout: signing out, and the page with the button. */
#ifndef DOORWARD_ENDPOINTS_LOGOUT_H
#define DOORWARD_ENDPOINTS_LOGOUT_H

struct exchange;

void logout_show(struct exchange *x);
void logout_submit(struct exchange *x);

#endif
