/* doorwardctl doctor: other spellings of a protected address, other methods, and headers that say
 * what was asked for: does a stranger get in by one of them? */
#ifndef DOORWARD_CTL_CTL_TRICK_H
#define DOORWARD_CTL_CTL_TRICK_H

struct ctl_doctor;

/* On each page that refuses a stranger. Nothing is changed on the site even where a method gets
 * through: those that could are asked of an address that nothing is at. */
void ctl_trick_check(struct ctl_doctor *doctor);

#endif
