/* The end of a sign-in in a pop-up (www/doorward.js). */
#ifndef DOORWARD_ENDPOINTS_POPUP_H
#define DOORWARD_ENDPOINTS_POPUP_H

struct exchange;

/* GET: tells the other windows of the site that somebody is signed in, and closes itself. Who is
 * not goes to the sign-in page and comes back. */
void popup_signed_in(struct exchange *x);

#endif
