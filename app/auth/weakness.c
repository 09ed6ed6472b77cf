#include "auth/weakness.h"

#include <stdbool.h>
#include <string.h>

#include "auth/password.h"
#include "base/crypto.h"

enum { NAME_MIN = 4, DISTINCT_MIN = 6, WALK_MIN = 3, REST_MIN = 7 };

/* Passwords of fifteen characters and more from lists of passwords in use, and what people put
 * together to reach a length, as letters and digits only. Walks over the keyboard and repetitions
 * are found by rule. */
static const char *const words[] = { "correcthorsebatterystaple",
	"thequickbrownfoxjumpsoverthelazydog", "thequickbrownfox", "mailcreated5240",
	"polniypizdec", "momsanaladventure", "hd764nw5d7e1vb", "23176djivanfros", "zqjphsyf6ctifgu",
	"lhbjkjubz2957704", "nemvxyheqdd5oqxyxyzi", "bpgjldsgjldthnf", "nick1234rem936",
	"lytdybrbdfvgbhf", "neepodchehyl", "bhrh0h2oof6xbqjeh", "ihavenopassword",
	"iforgotmypassword", "passwordstandard", "passwordassword", "administrator",
	"administrador", "supervisor", "superuser", "passwort", "password", "passphrase",
	"changeme", "letmein", "welcome", "secret", "default", "iloveyou", "trustno1", "sunshine",
	"princess", "football", "baseball", "superman", "batman", "dragon", "monkey", "master",
	"shadow", "starwars", "computer", "internet", "whatever", "qwerty", "qwertz", "azerty",
	"asdf", "zxcv", "1q2w3e", "1qaz", "2wsx", "0987654321", "123456789", "12345", "admin",
	"login", "guest", "root", "test", "user", "please", "hello", "iam", "the", "and", "my",
	"is", "new", "doorward", "2020", "2021", "2022", "2023", "2024", "2025", "2026", "123" };

static char weakness_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* One character for those that stand for each other in "p@ssw0rd"; 0 for what only separates. */
static char weakness_fold(char c)
{
	static const char plain[] = "oieastaas", look_alike[] = "013457@4$";
	const char *at = c ? strchr(look_alike, c) : NULL;

	if (at)
		return plain[at - look_alike];
	c = weakness_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) ? c : '\0';
}

static bool weakness_has_name(const char *password, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	if (name_len < NAME_MIN)
		return false;
	for (size_t i = 0; i + name_len <= len; i++) {
		size_t same = 0;
		while (same < name_len &&
			weakness_lower(password[i + same]) == weakness_lower(name[same]))
			same++;
		if (same == name_len)
			return true;
	}
	return false;
}

/* Few different characters, or the beginning once more and again. */
static bool weakness_repeats(const char *password, size_t len)
{
	bool seen[256] = { false };
	size_t distinct = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)password[i];
		distinct += !seen[c];
		seen[c] = true;
	}
	if (distinct < DISTINCT_MIN)
		return true;
	for (size_t period = 1; period <= len / 2; period++)
		if (memcmp(password, password + period, len - period) == 0)
			return true;
	return false;
}

static bool weakness_key_of(char c, int *row, int *column)
{
	static const char *const keys[] = { "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm" };

	for (*row = 0; *row < 4; (*row)++) {
		const char *at = c ? strchr(keys[*row], weakness_lower(c)) : NULL;
		if (at) {
			*column = (int)(at - keys[*row]);
			return true;
		}
	}
	return false;
}

static bool weakness_is_step(char a, char b)
{
	int row_a = 0, column_a = 0, row_b = 0, column_b = 0;
	int step = weakness_lower(a) - weakness_lower(b);

	if (step >= -1 && step <= 1)
		return true;
	if (!weakness_key_of(a, &row_a, &column_a) || !weakness_key_of(b, &row_b, &column_b))
		return false;
	int down = row_a - row_b, right = column_a - column_b;
	return down >= -1 && down <= 1 && right >= -1 && right <= 1;
}

/* Made of walks over the keyboard or the alphabet, three keys and more on average. */
static bool weakness_walks(const char *password, size_t len)
{
	size_t walks = 1;

	for (size_t i = 1; i < len; i++)
		walks += !weakness_is_step(password[i - 1], password[i]);
	return walks * WALK_MIN <= len;
}

static size_t weakness_match(const char *folded, size_t len, const char *word)
{
	size_t i = 0;

	while (word[i] && i < len && folded[i] == weakness_fold(word[i]))
		i++;
	return word[i] ? 0 : i;
}

/* What is left when the words are taken out, the longest at each place first (words is ordered by
 * hand so that a longer one stands before what it begins with). */
static bool weakness_is_of_words(const char *password, size_t len)
{
	char folded[PASSWORD_MAX_BYTES];
	size_t count = 0, rest = 0, taken = 0;

	for (size_t i = 0; i < len; i++)
		if ((folded[count] = weakness_fold(password[i])) != '\0')
			count++;
	for (size_t i = 0; i < count;) {
		size_t matched = 0;
		for (size_t w = 0; w < sizeof words / sizeof *words && matched == 0; w++)
			matched = weakness_match(folded + i, count - i, words[w]);
		taken += matched;
		rest += matched == 0;
		i += matched > 0 ? matched : 1;
	}
	crypto_wipe(folded, sizeof folded);
	return taken > 0 && rest < REST_MIN;
}

const char *weakness_find(const char *password, size_t len, const char *user_name)
{
	if (weakness_has_name(password, len, user_name))
		return "The password must not contain the user name.";
	if (weakness_has_name(password, len, "doorward"))
		return "The password must not contain the name of this program.";
	if (weakness_repeats(password, len))
		return "The password repeats itself: it would be guessed early.";
	if (weakness_walks(password, len))
		return "The password follows the keyboard or the alphabet: it would be guessed early.";
	if (weakness_is_of_words(password, len))
		return "The password is made of well-known passwords: it would be guessed early.";
	return NULL;
}
