#include "base/colour.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 100 };

static const struct colour black = { 0, 0, 0 }, white = { 255, 255, 255 };

static int digit_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
	return found ? (int)(found - digits) : -1;
}

bool colour_parse(const char *text, struct colour *out)
{
	size_t len = strlen(text), digits = len == 4 ? 1 : 2;
	uint8_t parts[3];

	if (text[0] != '#' || (len != 4 && len != 7))
		return false;
	for (size_t i = 0; i < 3; i++) {
		int high = digit_value(text[1 + i * digits]);
		int low = digit_value(text[i * digits + digits]);
		if (high < 0 || low < 0)
			return false;
		parts[i] = (uint8_t)(16 * high + low);
	}
	*out = (struct colour){ parts[0], parts[1], parts[2] };
	return true;
}

void colour_format(struct colour colour, char out[COLOUR_TEXT_MAX + 1])
{
	(void)snprintf(
		out, COLOUR_TEXT_MAX + 1, "#%02x%02x%02x", colour.red, colour.green, colour.blue);
}

/* x to the power of 2.4 for x in 0 to 1, without libm: the fifth root of x to the power of 12, by
 * Newton's method from above, which falls until it has it. */
static double power_2_4(double x)
{
	double x4 = x * x * x * x, wanted = x4 * x4 * x4, root = 1;

	for (int i = 0; i < STEPS; i++) {
		double root4 = root * root * root * root;
		root -= (root * root4 - wanted) / (5 * root4);
	}
	return root;
}

static double channel_light(uint8_t channel)
{
	double part = channel / 255.0;
	return part <= 0.04045 ? part / 12.92 : power_2_4((part + 0.055) / 1.055);
}

static double luminance(struct colour colour)
{
	return 0.2126 * channel_light(colour.red) + 0.7152 * channel_light(colour.green) +
	       0.0722 * channel_light(colour.blue);
}

double colour_contrast(struct colour a, struct colour b)
{
	double light_a = luminance(a), light_b = luminance(b);
	return light_a > light_b ? (light_a + 0.05) / (light_b + 0.05)
				 : (light_b + 0.05) / (light_a + 0.05);
}

struct colour colour_on(struct colour ground)
{
	return colour_contrast(white, ground) >= colour_contrast(black, ground) ? white : black;
}

static uint8_t channel_mix(uint8_t from, uint8_t to, int step)
{
	return (uint8_t)((from * (STEPS - step) + to * step) / STEPS);
}

struct colour colour_readable(struct colour colour, struct colour ground, double contrast)
{
	struct colour end = colour_on(ground), mixed = colour;

	for (int step = 0; step <= STEPS && colour_contrast(mixed, ground) < contrast; step++) {
		mixed.red = channel_mix(colour.red, end.red, step);
		mixed.green = channel_mix(colour.green, end.green, step);
		mixed.blue = channel_mix(colour.blue, end.blue, step);
	}
	return mixed;
}
