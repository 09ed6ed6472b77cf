/* Errors into the log, each text at most once a second: a broken store fails every request. */
#ifndef DOORWARD_STORE_COMPLAINT_H
#define DOORWARD_STORE_COMPLAINT_H

#include <pthread.h>
#include <stdint.h>

struct complaint_line {
	char text[256];
	int64_t logged_at_ms;
	long unlogged;
};

struct complaint {
	pthread_mutex_t mutex;
	struct complaint_line line[8]; /* the latest texts */
};

void complaint_init(struct complaint *complaint);
void complaint_wipe(struct complaint *complaint);
void complaint_log(struct complaint *complaint, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
