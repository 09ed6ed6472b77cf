/* /auth/refresh: a new access token for a refresh token, for scripts (POST) and for a page load
 * that came without a usable one (GET). */
#ifndef DOORWARD_ENDPOINTS_REFRESH_H
#define DOORWARD_ENDPOINTS_REFRESH_H

struct exchange;

void refresh_post(struct exchange *x);
void refresh_navigate(struct exchange *x);

#endif
