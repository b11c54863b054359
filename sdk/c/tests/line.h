/* Commands of the test programs: one a line, its words between tabs. */
#ifndef GOHUB_TEST_LINE_H
#define GOHUB_TEST_LINE_H

#include <stddef.h>
#include <stdint.h>

#define LINE_WORDS 48

/* Splits a line in place; the words behind the last are empty. */
void line_split(char *line, char *words[LINE_WORDS]);

/* Reads hexadecimal digits in place; gives back how many bytes. */
size_t line_hex(char *text);

#endif
