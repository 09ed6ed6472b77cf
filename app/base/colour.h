/* Colours of the settings, and whether text in them can be read (WCAG 2.2, contrast ratio). */
#ifndef DOORWARD_BASE_COLOUR_H
#define DOORWARD_BASE_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

struct colour {
	uint8_t red, green, blue;
};

enum { COLOUR_TEXT_MAX = 7 }; /* #2557d6 */

/* "#25d" or "#2557d6"; false for anything else. */
bool colour_parse(const char *text, struct colour *out);
void colour_format(struct colour colour, char out[COLOUR_TEXT_MAX + 1]);
/* 1 to 21. */
double colour_contrast(struct colour a, struct colour b);
/* Black or white, whichever is easier to read on it: at least 4.58, whatever the colour. */
struct colour colour_on(struct colour ground);
/* The colour, or the least darkened (on a light ground) or lightened one that has this contrast on
 * it; black or white when none has. */
struct colour colour_readable(struct colour colour, struct colour ground, double contrast);

#endif
