/* doorwardctl doctor: does Redis keep what it is given, and from whom? */
#ifndef DOORWARD_CTL_CTL_REDIS_H
#define DOORWARD_CTL_CTL_REDIS_H

struct ctl_doctor;

/* Opens the store; sets doctor->store_answers. */
void ctl_redis_check(struct ctl_doctor *doctor);

#endif
