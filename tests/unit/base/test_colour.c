#include "check.h"

#include "base/colour.h"

static struct colour of(const char *text)
{
	struct colour colour = { 1, 2, 3 };
	CHECK(colour_parse(text, &colour));
	return colour;
}

static int hundredths(const char *a, const char *b)
{
	return (int)(colour_contrast(of(a), of(b)) * 100 + 0.5);
}

static void the_contrast_is_that_of_wcag(void)
{
	CHECK_INT(hundredths("#000", "#fff"), 2100);
	CHECK_INT(hundredths("#2557d6", "#fff"), 615);
	CHECK_INT(hundredths("#fff", "#2557d6"), 615);
	CHECK_INT(hundredths("#777", "#ffffff"), 448);
	CHECK_INT(hundredths("#123456", "#123456"), 100);
}

static void only_hex_colours_are_colours(void)
{
	static const char *const bad[] = { "", "#", "2557d6", "#2557d", "#25g", "red",
		"#2557d6ff" };
	struct colour colour;
	char text[COLOUR_TEXT_MAX + 1];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!colour_parse(bad[i], &colour));
	colour_format(of("#AbC"), text);
	CHECK_TEXT(text, "#aabbcc");
}

static void text_on_any_colour_and_any_colour_as_text_can_be_read(void)
{
	static const char *const grounds[] = { "#fff", "#f1f3f8", "#191f2a", "#000" };
	for (int red = 0; red < 256; red += 15)
		for (int green = 0; green < 256; green += 15)
			for (int blue = 0; blue < 256; blue += 15) {
				struct colour c = { (uint8_t)red, (uint8_t)green, (uint8_t)blue };
				CHECK(colour_contrast(colour_on(c), c) >= 4.5);
				for (size_t i = 0; i < 4; i++)
					CHECK(colour_contrast(
						      colour_readable(c, of(grounds[i]), 4.6),
						      of(grounds[i])) >= 4.6);
			}
}

static void a_readable_colour_stays_as_it_is(void)
{
	char text[COLOUR_TEXT_MAX + 1];
	colour_format(colour_readable(of("#2557d6"), of("#fff"), 4.5), text);
	CHECK_TEXT(text, "#2557d6");
}

int main(void)
{
	RUN(the_contrast_is_that_of_wcag);
	RUN(only_hex_colours_are_colours);
	RUN(text_on_any_colour_and_any_colour_as_text_can_be_read);
	RUN(a_readable_colour_stays_as_it_is);
	return check_result();
}
