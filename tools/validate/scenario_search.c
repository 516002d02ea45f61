/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of search: what is found has the words, and what has them is found.
 */
#include "validate/scenario.h"

#include "validate/words.h"

#include <stdlib.h>
#include <string.h>

#define PAGE      20
#define WIDE_PAGE 100
#define WORD      64u
#define ESCAPED   (3 * WORD)

/* A query, the language that it is in, and where it is looked for. */
struct query {
    const char *text;
    const char *lang; /* NULL: all; "": not in names at all, but in the fields of plain search */
};

static bool in_names(const json_t *part, const char *lang, const char *word, size_t len)
{
    json_t *names = json_object_get(part, "names");
    const char *key;
    json_t *name;
    if (lang != NULL && strcmp(lang, "en") != 0)
        return val_words_begin(json_string_value(json_object_get(names, lang)), word, len);
    if (val_words_begin(val_text(part, "name"), word, len))
        return true;
    json_object_foreach(names, key, name)
    {
        if ((lang == NULL || strcmp(lang, key) == 0) &&
            val_words_begin(json_string_value(name), word, len))
            return true;
    }
    return false;
}

static bool in_fields(const json_t *part, const char *word, size_t len)
{
    return val_words_begin(val_text(part, "name"), word, len) ||
           val_words_begin(val_text(part, "description"), word, len) ||
           val_words_begin(val_text(part, "manufacturer"), word, len);
}

static bool has_words(const json_t *part, const void *ctx)
{
    const struct query *query = ctx;
    const char *text = query->text, *word;
    bool plain = query->lang != NULL && *query->lang == '\0';
    for (size_t len; (len = val_words_next(&text, &word)) > 0;) {
        if (val_words_begin(val_text(part, "part_number"), word, len))
            continue;
        if (plain ? !in_fields(part, word, len) : !in_names(part, query->lang, word, len))
            return false;
    }
    return true;
}

static bool is_among(const json_t *page, const json_t *part)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        if (val_int(item, "id") == val_int(part, "id"))
            return true;
    }
    return false;
}

static void check_found(struct val_worker *worker, const json_t *page, const struct query *query,
                        const json_t *part)
{
    val_check_items(worker, page, "what is found has the words", has_words, query);
    bool full = (int64_t)val_length(page, "items") == val_int(page, "limit");
    VAL_CHECK(worker, "a part that has the words is found", full || is_among(page, part),
              "\"%s\" does not find id %lld", query->text, (long long)val_int(part, "id"));
}

/* ---- plain search --------------------------------------------------------------------------- */

static void by_text(struct val_worker *worker, const json_t *part, const char *text, int64_t limit)
{
    char escaped[ESCAPED];
    struct query query = {text, ""};
    json_t *page = val_get_page(worker, (struct val_page){0, limit, false}, "/parts/search?q=%s",
                                val_http_escape(escaped, sizeof(escaped), text));
    if (page != NULL)
        check_found(worker, page, &query, part);
    json_decref(page);
}

/* The first word of the part's name; else its number, which always has one. */
static const char *pick_word(char out[WORD], const json_t *part)
{
    val_words_pick(out, WORD, val_text(part, "name"), 3);
    return *out != '\0' ? out : val_text(part, "part_number");
}

void val_round_search(struct val_worker *worker)
{
    const json_t *part = val_any_part(worker);
    char word[WORD];
    by_text(worker, part, pick_word(word, part), PAGE);
    by_text(worker, part, val_text(part, "part_number"), WIDE_PAGE);
    json_t *page = val_get_page(worker, (struct val_page){0, PAGE, false},
                                "/parts/search?q=zzqxnothinghasthis");
    if (page != NULL)
        VAL_CHECK(worker, "what nothing has finds nothing", val_length(page, "items") == 0,
                  "%zu parts", val_length(page, "items"));
    json_decref(page);
}

/* ---- several languages ---------------------------------------------------------------------- */

struct translation {
    const char *lang;
    const char *name;
};

/* One of the part's names; the English one where it has no other. */
static struct translation pick_name(struct val_worker *worker, const json_t *part)
{
    json_t *names = json_object_get(part, "names");
    size_t count = json_object_size(names);
    struct translation chosen = {"en", val_text(part, "name")};
    size_t wanted = count > 0 ? val_random(worker, count) : 0;
    const char *key;
    json_t *name;
    json_object_foreach(names, key, name)
    {
        if (wanted-- == 0)
            chosen = (struct translation){key, json_string_value(name)};
    }
    return chosen;
}

static bool is_shown_in(const json_t *item, const void *ctx)
{
    const char *lang = ctx;
    const char *name = json_string_value(json_object_get(json_object_get(item, "names"), lang));
    return strcmp(val_text(item, "display_name"), name != NULL ? name : val_text(item, "name")) ==
           0;
}

static void in_language(struct val_worker *worker, const json_t *part, struct translation name,
                        bool counted)
{
    char word[WORD], escaped[ESCAPED];
    struct query query = {word, name.lang};
    val_words_pick(word, sizeof(word), name.name, 4);
    if (*word == '\0')
        snprintf(word, sizeof(word), "%s", val_text(part, "part_number"));
    json_t *page =
        val_get_page(worker, (struct val_page){0, PAGE, counted}, "/parts/search?lang=%s&q=%s",
                     name.lang, val_http_escape(escaped, sizeof(escaped), word));
    if (page != NULL) {
        check_found(worker, page, &query, part);
        val_check_items(worker, page, "names are shown in the language asked for", is_shown_in,
                        name.lang);
    }
    json_decref(page);
}

void val_round_multilingual(struct val_worker *worker)
{
    const json_t *part = val_any_part(worker);
    struct translation name = pick_name(worker, part);
    char word[WORD], escaped[ESCAPED];
    struct query query = {word, NULL};
    in_language(worker, part, name, false);
    in_language(worker, part, name, true);
    val_words_pick(word, sizeof(word), name.name, 4);
    if (*word == '\0')
        snprintf(word, sizeof(word), "%s", val_text(part, "part_number"));
    json_t *page = val_get_page(worker, (struct val_page){0, PAGE, false},
                                "/parts/search?multilingual=true&q=%s",
                                val_http_escape(escaped, sizeof(escaped), word));
    if (page != NULL)
        check_found(worker, page, &query, part);
    json_decref(page);
}

/* ---- search with stock ---------------------------------------------------------------------- */

static bool has_stock(const json_t *item, const void *ctx)
{
    (void)ctx;
    return json_is_number(json_object_get(item, "total_quantity")) &&
           json_is_array(json_object_get(item, "inventory"));
}

static void with_stock(struct val_worker *worker, const json_t *part, const char *text)
{
    char escaped[ESCAPED];
    struct query query = {text, ""};
    json_t *page = val_get(worker, "/parts/search-with-inventory?q=%s&skip=0&limit=%d",
                           val_http_escape(escaped, sizeof(escaped), text), PAGE);
    if (page == NULL)
        return;
    int64_t total = val_int(page, "total"), expected = total < PAGE ? total : PAGE;
    VAL_CHECK(worker, "a page has as many items as its total leaves",
              total >= 0 && (int64_t)val_length(page, "items") == expected,
              "\"%s\": %zu items where total is %lld", text, val_length(page, "items"),
              (long long)total);
    check_found(worker, page, &query, part);
    val_check_items(worker, page, "what is found has its stock", has_stock, NULL);
    json_decref(page);
}

void val_round_search_inventory(struct val_worker *worker)
{
    const json_t *part = val_any_part(worker);
    char word[WORD];
    with_stock(worker, part, pick_word(word, part));
    with_stock(worker, part, val_text(part, "part_number"));
}
