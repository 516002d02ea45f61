/* SPDX-License-Identifier: MIT */
/*
 * Parsing the command line; see options.h. getopt_long() with messages of our own.
 */
#include "validate/options.h"

#include "ctl/nearest.h"
#include "shared/rules.h"
#include "validate/scenario.h"

#include <ctype.h>
#include <curl/curl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX    10000000u
#define CONCURRENCY_MAX 256u

const struct ctl_option val_options[VAL_OPTION_COUNT] = {
#define X(id, letter, name, argument, help) {letter, name, argument, help},
    VAL_OPTIONS(X)
#undef X
};

struct parser {
    struct val_settings *settings;
    const char *format; /* of --format, or NULL */
};

static bool wrong(unsigned id, const char *value, const char *wanted)
{
    val_say("--%s: \"%s\" is not %s", val_options[id].name, value, wanted);
    return false;
}

static bool set_number(unsigned id, const char *value, uint32_t low, uint32_t high, uint32_t *out)
{
    char *end;
    char wanted[80];
    unsigned long long n = strtoull(value, &end, 10);
    if (isdigit((unsigned char)*value) && *end == '\0' && n >= low && n <= high) {
        *out = (uint32_t)n;
        return true;
    }
    snprintf(wanted, sizeof(wanted), "a whole number from %u to %u", low, high);
    return wrong(id, value, wanted);
}

/* ---- the URL -------------------------------------------------------------------------------- */

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';
    curl_free(text);
    return has;
}

static const char *judge_url(CURLU *url, const char *value)
{
    char *scheme = NULL;
    if (curl_url_set(url, CURLUPART_URL, value, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return "a URL such as http://localhost:8000";
    bool http = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    if (!http)
        return "an http:// or https:// URL";
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        return "free of names and passwords; give --user and --password-file";
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return "a URL that ends with its path, such as http://localhost:8000";
    return NULL;
}

static bool set_url(struct val_settings *settings, const char *value)
{
    CURLU *url = curl_url();
    const char *problem = url != NULL ? judge_url(url, value) : "to be had: out of memory";
    curl_url_cleanup(url);
    if (problem != NULL)
        return wrong(VAL_OPTION_URL, value, problem);
    free(settings->url);
    settings->url = ctl_copy(value);
    for (size_t len = strlen(value); len > 0 && settings->url[len - 1] == '/'; len--)
        settings->url[len - 1] = '\0';
    return true;
}

/* ---- reports -------------------------------------------------------------------------------- */

static bool add_output(struct val_settings *settings, const char *value)
{
    if (*value == '\0')
        return wrong(VAL_OPTION_OUTPUT, value, "the name of a file");
    if (settings->outputs == VAL_OUTPUTS) {
        val_say("--output: no more than %u reports", VAL_OUTPUTS);
        return false;
    }
    settings->output[settings->outputs++].path = value;
    return true;
}

static bool find_format(const char *name, enum val_format *out)
{
    static const char *const names[] = {"text", "json", "junit"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum val_format)i;
            return true;
        }
    return wrong(VAL_OPTION_FORMAT, name, "text, json or junit");
}

static bool ends_in(const char *path, const char *ending)
{
    size_t len = strlen(path), tail = strlen(ending);
    return len > tail && strcmp(path + len - tail, ending) == 0;
}

static enum val_format format_of(const char *path)
{
    if (path == NULL)
        return VAL_TEXT;
    if (ends_in(path, ".json"))
        return VAL_JSON;
    return ends_in(path, ".xml") ? VAL_JUNIT : VAL_TEXT;
}

static bool choose_formats(const struct parser *p)
{
    struct val_settings *settings = p->settings;
    enum val_format format = VAL_TEXT;
    if (p->format != NULL && !find_format(p->format, &format))
        return false;
    if (settings->outputs == 0)
        settings->outputs = 1;
    for (size_t i = 0; i < settings->outputs; i++) {
        struct val_output *output = &settings->output[i];
        output->format = p->format != NULL ? format : format_of(output->path);
    }
    return true;
}

/* ---- single options ------------------------------------------------------------------------- */

static bool add_scenario(struct val_settings *settings, const char *value)
{
    const char *names[64];
    size_t near;
    for (size_t i = 0; i < val_scenario_count; i++) {
        names[i] = val_scenarios[i].name;
        if (strcmp(names[i], value) == 0) {
            settings->scenarios |= 1ull << i;
            return true;
        }
    }
    bool any = ctl_nearest(value, names, val_scenario_count, &near, 1) == 1;
    val_say("there is no scenario \"%s\"%s%s%s", value,
            any ? "; did you mean \"" : "; \"" VAL_NAME " --help\" lists them",
            any ? names[near] : "", any ? "\"?" : "");
    return false;
}

static bool add_limit(struct val_settings *settings, const char *value)
{
    struct spy_error error;
    if (ctl_limits_add_text(&settings->limits, value, &error) == SPY_OK)
        return true;
    val_say("--set: %s", error.text);
    return false;
}

static bool set_pid(struct val_settings *settings, const char *value)
{
    uint32_t pid;
    if (!set_number(VAL_OPTION_PID, value, 1, INT32_MAX, &pid))
        return false;
    settings->pid = (int32_t)pid;
    return true;
}

static bool set(struct parser *p, unsigned id, const char *value)
{
    struct val_settings *s = p->settings;
    switch ((enum val_option_id)id) {
    case VAL_OPTION_URL:
        return set_url(s, value);
    case VAL_OPTION_USER:
        s->user = value;
        return true;
    case VAL_OPTION_PASSWORD_FILE:
        s->password_file = value;
        return true;
    case VAL_OPTION_TOKEN_FILE:
        s->token_file = value;
        return true;
    case VAL_OPTION_RULES:
        s->rules = value;
        return true;
    case VAL_OPTION_OUTPUT:
        return add_output(s, value);
    case VAL_OPTION_FORMAT:
        p->format = value;
        return true;
    case VAL_OPTION_SCENARIO:
        return add_scenario(s, value);
    case VAL_OPTION_REQUESTS:
        return set_number(id, value, 1, REQUESTS_MAX, &s->requests);
    case VAL_OPTION_CONCURRENCY:
        return set_number(id, value, 1, CONCURRENCY_MAX, &s->concurrency);
    case VAL_OPTION_WARMUP:
        return set_number(id, value, 0, REQUESTS_MAX, &s->warmup);
    case VAL_OPTION_SET:
        return add_limit(s, value);
    case VAL_OPTION_TIME_LIMIT:
        return (spy_duration_parse(value, &s->time_limit_ns) && s->time_limit_ns > 0) ||
               wrong(id, value, "a duration such as 30s or 5m");
    case VAL_OPTION_PID:
        return set_pid(s, value);
    case VAL_OPTION_QUIET:
        s->quiet = true;
        return true;
    case VAL_OPTION_MAN:
    case VAL_OPTION_HELP:
    case VAL_OPTION_VERSION:
    case VAL_OPTION_COUNT:
        break;
    }
    return true;
}

static bool tell(unsigned id)
{
    switch (id) {
    case VAL_OPTION_HELP:
        val_help(stdout);
        return true;
    case VAL_OPTION_MAN:
        val_man(stdout);
        return true;
    case VAL_OPTION_VERSION:
        puts(VAL_NAME " " SPY_VERSION);
        return true;
    default:
        return false;
    }
}

/* ---- the line ------------------------------------------------------------------------------- */

/* Long options return the number of their row, short ones their letter: above and below this. */
#define FIRST_ROW 256

static void make_tables(struct option longs[VAL_OPTION_COUNT + 1],
                        char shorts[2 * VAL_OPTION_COUNT + 2])
{
    size_t used = 0;
    shorts[used++] = ':'; /* tell a missing value apart */
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++) {
        bool takes = val_options[i].argument[0] != '\0';
        longs[i] = (struct option){val_options[i].name, takes ? required_argument : no_argument,
                                   NULL, FIRST_ROW + (int)i};
        if (val_options[i].letter == '\0')
            continue;
        shorts[used++] = val_options[i].letter;
        if (takes)
            shorts[used++] = ':';
    }
    shorts[used] = '\0';
    longs[VAL_OPTION_COUNT] = (struct option){0};
}

static unsigned row_of(int got)
{
    unsigned i = 0;
    if (got >= FIRST_ROW)
        return (unsigned)(got - FIRST_ROW);
    while (i < VAL_OPTION_COUNT && val_options[i].letter != got)
        i++;
    return i;
}

static void explain_unknown(const char *word)
{
    const char *names[VAL_OPTION_COUNT];
    char name[64];
    size_t near;
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++)
        names[i] = val_options[i].name;
    snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
    name[strcspn(name, "=")] = '\0';
    for (unsigned i = 0; i < VAL_OPTION_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            val_say("--%s takes no value", name);
            return;
        }
    bool any = ctl_nearest(name, names, VAL_OPTION_COUNT, &near, 1) == 1;
    val_say("unknown option \"%s\"%s%s%s", word, any ? "; did you mean --" : "",
            any ? names[near] : "", any ? "?" : "");
}

static bool check_whole(const struct parser *p, int argc, char **argv)
{
    if (optind < argc) {
        val_say("\"%s\" is one word too many; the service is given by --url", argv[optind]);
        return false;
    }
    if (p->settings->url == NULL) {
        val_say("no service given; say --url http://localhost:8000, for example");
        return false;
    }
    return choose_formats(p);
}

enum val_parsed val_options_parse(struct val_settings *out, int argc, char **argv)
{
    struct option longs[VAL_OPTION_COUNT + 1];
    char shorts[2 * VAL_OPTION_COUNT + 2];
    *out = (struct val_settings){
        .requests = 200, .concurrency = 4, .warmup = 20, .time_limit_ns = 300000000000ull};
    struct parser p = {.settings = out};
    make_tables(longs, shorts);
    opterr = 0;
    optind = 0; /* again from the start, also for a test's second line */
    for (int got; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (got == '?') {
            explain_unknown(argv[optind - 1]);
            return VAL_WRONG;
        }
        if (got == ':') {
            unsigned missing = row_of(optopt);
            val_say("--%s needs a value: %s", val_options[missing].name,
                    val_options[missing].argument);
            return VAL_WRONG;
        }
        unsigned id = row_of(got);
        if (tell(id))
            return VAL_DONE;
        if (!set(&p, id, optarg))
            return VAL_WRONG;
    }
    if (out->scenarios == 0)
        out->scenarios = (1ull << val_scenario_count) - 1;
    return check_whole(&p, argc, argv) ? VAL_RUN : VAL_WRONG;
}

void val_options_free(struct val_settings *settings)
{
    free(settings->url);
    ctl_limits_free(&settings->limits);
}
