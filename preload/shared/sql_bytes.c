/* SPDX-License-Identifier: MIT */
/*
 * The table by which the lexer tells bytes apart. Constant.
 */
#include "shared/sql_scan.h"

#define BLANK    (SPY_AT_BLANK | SPY_IN_BLANK)
#define LETTER   (SPY_AT_WORD | SPY_IN_WORD)
#define PREFIX   (SPY_AT_PREFIX | SPY_IN_WORD)
#define OPERATOR (SPY_AT_OPERATOR | SPY_IN_OPERATOR)

/* NUL is blank so that normalised text is always a C string. */
const uint8_t spy_sql_bytes[256] = {
    ['\0'] = BLANK,
    ['\t' ... '\r'] = BLANK,
    [' '] = BLANK,
    ['a'] = LETTER,
    ['b'] = PREFIX,
    ['c' ... 'd'] = LETTER,
    ['e'] = PREFIX,
    ['f' ... 'm'] = LETTER,
    ['n'] = PREFIX,
    ['o' ... 't'] = LETTER,
    ['u'] = PREFIX,
    ['v' ... 'w'] = LETTER,
    ['x'] = PREFIX,
    ['y' ... 'z'] = LETTER,
    ['A'] = LETTER,
    ['B'] = PREFIX,
    ['C' ... 'D'] = LETTER,
    ['E'] = PREFIX,
    ['F' ... 'M'] = LETTER,
    ['N'] = PREFIX,
    ['O' ... 'T'] = LETTER,
    ['U'] = PREFIX,
    ['V' ... 'W'] = LETTER,
    ['X'] = PREFIX,
    ['Y' ... 'Z'] = LETTER,
    ['_'] = LETTER,
    [0x80 ... 0xff] = LETTER,
    ['0' ... '9'] = SPY_AT_DIGIT | SPY_IN_WORD,
    ['$'] = SPY_AT_DOLLAR | SPY_IN_WORD,
    ['\''] = SPY_AT_QUOTE,
    ['"'] = SPY_AT_DOUBLE,
    ['-'] = SPY_AT_MINUS | SPY_IN_OPERATOR,
    ['/'] = SPY_AT_SLASH | SPY_IN_OPERATOR,
    ['+'] = OPERATOR,
    ['*'] = OPERATOR,
    ['<'] = OPERATOR,
    ['>'] = OPERATOR,
    ['='] = OPERATOR,
    ['~'] = OPERATOR,
    ['!'] = OPERATOR,
    ['@'] = OPERATOR,
    ['#'] = OPERATOR,
    ['%'] = OPERATOR,
    ['^'] = OPERATOR,
    ['&'] = OPERATOR,
    ['|'] = OPERATOR,
    ['`'] = OPERATOR,
    ['?'] = OPERATOR,
    ['.'] = SPY_AT_DOT,
    [':'] = SPY_AT_COLON,
    [','] = SPY_AT_COMMA,
    [';'] = SPY_AT_SEMICOLON,
    ['('] = SPY_AT_OPEN,
    [')'] = SPY_AT_CLOSE,
    ['['] = SPY_AT_BRACKET,
    [']'] = SPY_AT_UNBRACKET,
};
