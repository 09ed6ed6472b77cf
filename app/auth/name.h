/* One spelling for all the ways to type a name. The only file that includes libutf8proc. */
#ifndef DOORWARD_AUTH_NAME_H
#define DOORWARD_AUTH_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Composed (NFC), case folded, outer spaces gone, inner runs of any space to one U+0020. False when
 * typed has more than typed_max bytes or is not UTF-8; holds a control, invisible, private or
 * unassigned character, a comma or a colon; or when the result is empty or does not fit. Folding
 * what was folded changes nothing. */
bool name_fold(const char *typed, size_t typed_max, char *out, size_t out_size);

#endif
