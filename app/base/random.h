/* Unpredictable bytes from the kernel. A failure is fatal(): never a weak token. */
#ifndef DOORWARD_BASE_RANDOM_H
#define DOORWARD_BASE_RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t len);

#endif
