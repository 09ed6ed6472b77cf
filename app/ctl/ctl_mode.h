/* doorwardctl doctor: who may read and write the files and sockets of this machine. */
#ifndef DOORWARD_CTL_CTL_MODE_H
#define DOORWARD_CTL_CTL_MODE_H

struct ctl_doctor;

void ctl_mode_check(struct ctl_doctor *doctor);

#endif
