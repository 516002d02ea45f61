/* SPDX-License-Identifier: MIT */
/*
 * Spellings of statements, generated from templates. For test programs.
 */
#ifndef TESTS_UNIT_SHARED_SQL_SPELLINGS_H
#define TESTS_UNIT_SHARED_SQL_SPELLINGS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * A blank is any white space or comment, ` the same or nothing; %n is a number, %s a string, %v any
 * of these or a parameter, %l a list of them, %r one to four rows of a number and a string.
 * (A newline stands in not in, between which libpg_query takes no comment.)
 */
static const char *const templates[] = {
    "select id, name from parts where id`=`%v",
    "select id, name from parts where id`=`%v limit %n",
    "select id, name from parts where id`=`%v or id`=`%v",
    "select id, name from parts where id`<>`%v",
    "select id, name from parts where id`>=`%v and id`<`%v",
    "select name, id from parts where (id`=`%v)",
    "select p.id from parts p where p.name like`%s",
    "select p.id from parts p where p.name ilike`%s and not p.is_proprietary",
    "select * from parts",
    "select p.* from parts p order by p.name desc, p.id limit %n offset %n",
    "select count(`*`) from parts",
    "select count(`distinct part_type`) from parts",
    "select count(`*`), part_type from parts group by part_type having count(`*`)`>`%n",
    "select id from parts where part_type in`(`%l`)",
    "select id from parts where part_type not\nin`(`%l`)",
    "select id from parts where id`=`any`(`%s`)",
    "select id from parts where id between %v and %v",
    "select id from parts where name is null",
    "select id from parts where name is not null",
    "select id from parts where weight`-`%n`>`%v",
    "select id from parts where weight`+`%n`>`%v",
    "select id from parts where weight`*`%n`>`%v",
    "select id from parts where weight`/`%n`>`%v",
    "select id from parts where -`weight`>`%v",
    "select id from parts where name`||`%s`=`%v",
    "select id from parts where name`~`%s",
    "select id from parts where data`->`%s`=`%v",
    "select id from parts where data`->>`%s`=`%v",
    "select id from parts where data ?`%s",
    "select id from parts where data @>`%s::jsonb",
    "select id from parts where tags`&&`%v",
    "select id`::`text, %s`::`int8 from parts",
    "select cast(`id as varchar(`10`)`) from parts",
    "select \"Id\", \"a\"\"b\" from \"Parts\" where \"Id\"`=`%v",
    "select \"ID\", \"a\"\"b\" from \"Parts\" where \"ID\"`=`%v",
    "select s.t.a, s.t.b from s.t",
    "select p.id, i.stock from parts p join inventory i on i.part_id`=`p.id where p.id`=`%v",
    "select p.id, i.stock from parts p left join inventory i on i.part_id`=`p.id where p.id`=`%v",
    "select p.id from parts p left join lateral (`select u.d from usage u where u.p`=`p.id "
    "order by u.d desc limit %n`) u on true",
    "with recent as`(`select * from usage where d`>`%s`) select * from recent where q`>`%v",
    "select id from parts where exists`(`select %n from usage u where u.part_id`=`parts.id`)",
    "select id from parts where id in`(`select part_id from usage`)",
    "select case when stock`<`%v then %s else %s end from inventory",
    "select coalesce(`stock,`%v`) from inventory",
    "select sum(`q`) over`(`partition by part_id order by d`) from usage",
    "select date_trunc(`%s,`d`), avg(`q`) from usage group by 1 order by 1",
    "select id from parts union select part_id from usage",
    "select id from parts union all select part_id from usage",
    "select a[`%n`], a[`%n`:`%n`] from arrays",
    "select id from parts for update",
    "select now()`-`interval`%s",
    "insert into parts`(`id, name`) values`%r",
    "insert into parts`(`id, name`) values`%r`returning id",
    "insert into parts values`%r`on conflict`(`id`) do nothing",
    "insert into parts values`%r`on conflict`(`id`) do update set name`=`excluded.name",
    "insert into parts`(`id, name`) select id, name from old where id`=`%v",
    "insert into parts default values",
    "update parts set name`=`%v where id`=`%v",
    "update parts set name`=`%v,`weight`=`%v where id`=`%v",
    "update inventory set stock`=`stock`-`%n where part_id`=`%v",
    "update inventory set stock`=`stock`+`%n where part_id`=`%v",
    "delete from parts where id`=`%v",
    "delete from parts",
    "delete from parts where id`=`%v returning *",
    "begin",
    "commit",
    "rollback",
    "select %v",
    "select %v,`a",
    "select f(`%v,`%v`)",
    "select f(`a`=>`%v`)",
};
#define TEMPLATES (sizeof(templates) / sizeof(templates[0]))

static inline uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *seed = x;
}

struct text {
    uint64_t *seed;
    char bytes[2048];
    size_t len;
    unsigned params;
};

static inline size_t below(struct text *text, size_t n)
{
    return (size_t)(next_random(text->seed) % n);
}

static inline void add(struct text *text, const char *part)
{
    size_t len = strlen(part);

    assert_true(text->len + len < sizeof(text->bytes));
    memcpy(text->bytes + text->len, part, len + 1);
    text->len += len;
}

#define PICK(text, list) (list)[below(text, sizeof(list) / sizeof((list)[0]))]

static inline void add_blank(struct text *text, bool may_be_nothing)
{
    static const char *const blanks[] = {
        " ", " ", " ", "  ", "\n", "\t\r\n ", " /* it's */ ", " /* a /* b */ ; */ ", " -- \"'\n ",
    };

    if (!may_be_nothing || below(text, 2))
        add(text, PICK(text, blanks));
}

static inline void add_number(struct text *text)
{
    static const char *const numbers[] = {"1",  "0",   "42",     "1.5",
                                          ".5", "1e3", "2.5E-3", "100000000000"};
    /* No +: PostgreSQL parses that as an operator always, while to us it belongs to the number. */
    static const char *const signs[] = {"", "", "-", "- "};
    char last = text->len > 0 ? text->bytes[text->len - 1] : ' ';
    const char *sign = PICK(text, signs);

    /* A sign would be another token after a minus, and part of these operators. */
    if (strchr("-~@#&|?", last) || (last >= 'A' && last <= 'z' && last != '[') || below(text, 2))
        add(text, " ");
    add(text, sign);
    add(text, PICK(text, numbers));
}

static inline void add_string(struct text *text)
{
    static const char *const strings[] = {
        "'x'",
        "''",
        "'it''s'",
        "'--'",
        "'/*'",
        "'a;b'",
        "E'\\'x'",
        "e'\\\\'",
        "$$it's$$",
        "$q$ $$ ' $q$",
        "'one' \n 'two'",
        "'?'",
        "'$1'",
        "'\xc3\xa9'",
        "U&'d!0061' uescape '!'",
    };
    add(text, " ");
    add(text, PICK(text, strings));
}

static inline void add_value(struct text *text)
{
    char name[16];

    switch (below(text, 3)) {
    case 0:
        add_number(text);
        break;
    case 1:
        add_string(text);
        break;
    default:
        snprintf(name, sizeof(name), " $%u", ++text->params);
        add(text, name);
    }
}

static inline void add_list(struct text *text)
{
    for (size_t n = 1 + below(text, 6); n > 0; n--) {
        add_value(text);
        add_blank(text, true);
        if (n > 1)
            add(text, ",");
    }
}

static inline void add_rows(struct text *text)
{
    for (size_t n = 1 + below(text, 4); n > 0; n--) {
        add(text, "(");
        add_number(text);
        add(text, ",");
        add_string(text);
        add(text, ")");
        add_blank(text, true);
        if (n > 1)
            add(text, ",");
    }
}

static inline void add_slot(struct text *text, char slot)
{
    switch (slot) {
    case 'n':
        add_number(text);
        break;
    case 's':
        add_string(text);
        break;
    case 'v':
        add_value(text);
        break;
    case 'l':
        add_list(text);
        break;
    default:
        assert_int_equal(slot, 'r');
        add_rows(text);
    }
}

static inline void generate(struct text *text, const char *template)
{
    bool quoted = false, upper = below(text, 2);

    for (const char *p = template; *p; p++) {
        char byte[2] = {*p, '\0'};
        quoted ^= *p == '"';
        if (*p == '%' && p[1] != ' ') {
            add_slot(text, *++p);
        } else if (*p == ' ') {
            add_blank(text, false);
        } else if (*p == '`') {
            add_blank(text, true);
        } else {
            if (!quoted && *p >= 'a' && *p <= 'z' && upper)
                byte[0] = (char)(*p - 'a' + 'A');
            upper = below(text, 4) ? upper : !upper;
            add(text, byte);
        }
    }
    static const char *const ends[] = {"", ";", " ; -- end", "\n", " /* a='b' */"};
    add(text, PICK(text, ends));
}

#endif
