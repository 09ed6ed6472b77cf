/* How long the calling thread may compute before others that wake up take its processor: a request
 * of the kernel (Linux 6.12; older ones do not listen), which never refuses. The thread's share of
 * the processor stays the same. */
#ifndef DOORWARD_BASE_SLICE_H
#define DOORWARD_BASE_SLICE_H

/* A long computation begins: who asks for less time at once goes first. */
void slice_long(void);
/* It is over. */
void slice_usual(void);

#endif
