#include "ctl/ctl_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "ctl/ctl.h"

/* Waits for something to read, and lets signals through meanwhile that are held up elsewhere. */
static bool wait_for_input(const sigset_t *through)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	return ppoll(&input, 1, NULL, through) > 0;
}

/* Reads until a line feed (dropped), the end or a full buffer. Not by stdio, whose buffer would
 * keep a copy of the password. False when there is nothing, or it was interrupted. through: the
 * signals while it waits, NULL for those of now. */
static bool read_line(char *out, size_t size, size_t *len, const sigset_t *through)
{
	*len = 0;
	while (*len < size - 1) {
		if (!wait_for_input(through))
			return false;
		ssize_t got = read(STDIN_FILENO, out + *len, 1);

		if (got < 0 || (got == 0 && *len == 0))
			return false;
		if (got == 0 || out[*len] == '\n')
			break;
		(*len)++;
	}
	out[*len] = '\0';
	return true;
}

/* ---- a terminal ---- */

static volatile sig_atomic_t caught;

static void note_signal(int number)
{
	caught = number;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { SIGNALS = sizeof signals / sizeof *signals };
struct held {
	struct sigaction action[SIGNALS];
	sigset_t mask;
};

/* From now on they are noted, and come only while something is waited for: one that came just
 * before would else be noted and wait all the same. */
static void hold_signals(struct held *held)
{
	struct sigaction note = { .sa_handler = note_signal };
	sigset_t all;

	caught = 0;
	sigemptyset(&all);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&all, signals[i]);
	sigprocmask(SIG_BLOCK, &all, &held->mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &note, &held->action[i]);
}

static void release_signals(const struct held *held)
{
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &held->action[i], NULL);
	sigprocmask(SIG_SETMASK, &held->mask, NULL);
}

/* The question stands there once the echo is off: what is typed before is thrown away. Whoever
 * interrupts it gets the echo back first. */
static bool ask_hidden(const char *question, const char *about, char *out, size_t *len)
{
	struct termios before, hidden;
	struct held held;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	hold_signals(&held);
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	bool ok = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0 &&
		  fprintf(stderr, "%s%s: ", question, about) > 0 &&
		  read_line(out, CTL_INPUT_PASSWORD_SIZE, len, &held.mask);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	release_signals(&held);
	fputc('\n', stderr);
	if (caught) {
		crypto_wipe(out, CTL_INPUT_PASSWORD_SIZE);
		raise(caught);
		return false;
	}
	return ok;
}

static bool ask_twice(const char *user_name, char *out, size_t *len)
{
	char again[CTL_INPUT_PASSWORD_SIZE];
	size_t again_len = 0;
	bool same = false;

	if (!ask_hidden("New password for ", user_name, out, len)) {
		ctl_refuse("no password was typed");
		return false;
	}
	if (ask_hidden("The same again", "", again, &again_len))
		same = again_len == *len && crypto_equal(out, again, *len);
	crypto_wipe(again, sizeof again);
	if (!same)
		ctl_refuse("the two passwords differ: nothing was changed");
	return same;
}

bool ctl_input_password(const char *user_name, char out[CTL_INPUT_PASSWORD_SIZE], size_t *len)
{
	if (isatty(STDIN_FILENO))
		return ask_twice(user_name, out, len);
	if (read_line(out, CTL_INPUT_PASSWORD_SIZE, len, NULL))
		return true;
	ctl_refuse("there is no password on standard input");
	return false;
}

const char *ctl_input_text(struct arena *arena, size_t max_bytes, size_t *len)
{
	char *text = arena_alloc(arena, max_bytes + 2);
	const char *start = text;
	size_t size = 0;

	if (isatty(STDIN_FILENO))
		fputs("Paste it, then press Enter and Ctrl-D:\n", stderr);
	while (size <= max_bytes) {
		ssize_t got = read(STDIN_FILENO, text + size, max_bytes + 1 - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	if (size > max_bytes || memchr(text, '\0', size)) {
		ctl_refuse("what came on standard input is over %zu bytes, or no text", max_bytes);
		return NULL;
	}
	while (size > 0 && strchr(" \t\r\n", text[size - 1]))
		text[--size] = '\0';
	start += strspn(start, " \t\r\n");
	*len = strlen(start);
	return start;
}

bool ctl_input_confirm(const char *question)
{
	char answer[16];
	size_t len = 0;

	if (!isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "%s [y/N] ", question);
	if (read_line(answer, sizeof answer, &len, NULL) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	ctl_refuse("nothing was changed");
	return false;
}
