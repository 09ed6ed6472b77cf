/* "did you mean ...?" for names of the settings file. */
#ifndef DOORWARD_BASE_SETTINGS_NEAREST_H
#define DOORWARD_BASE_SETTINGS_NEAREST_H

struct settings_entry;

/* What was probably meant by an unknown name: the same name in another section, else the nearest in
 * this one, else the nearest in any. section NULL: none is open. NULL when nothing is near. */
const struct settings_entry *settings_nearest_name(const char *section, const char *name);
/* The name of the nearest section; NULL when nothing is near. "rules" counts as a section. */
const char *settings_nearest_section(const char *section);

#endif
