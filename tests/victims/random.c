/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of libpq's calls on two connections: statements that work and that fail, alone,
 * several in a text, prepared and prepared anew, in pipelines and outside, row by row, fetched or
 * not, and the end of a connection at any time. Keeps its own account (wants.h), by a model of its
 * own: the server is deterministic, so what becomes of a statement is known when it is sent. Each
 * result is checked against that, so that a model that is wrong is no verdict.
 *
 * usage: random DSN FIRST_SEED SEEDS [trace]
 */
#include "random_model.h"

/* ---- asking --------------------------------------------------------------------------------- */

static const char *const one_value[] = {"1"};

/* Counted under WHAT it would have been. */
static void refused(const char *what)
{
    want_errors(want_calls(what, 1), "XP002", 1);
}

/* WHAT all of it is. True: it is in the queue. */
static bool queue(struct model *m, int sent, struct item item, const char *what)
{
    trace("%s: %d\n", what, sent);
    if (!sent) {
        refused(what);
        return false;
    }
    if (!m->pipeline)
        drained(m); /* it was over, though its NULL was not fetched */
    push(m, item);
    return true;
}

static void send_kind(struct model *m, const struct kind *kind)
{
    struct item item = {.kind = {kind}, .kinds = 1, .name = -1};
    int sent = PQsendQueryParams(m->conn, kind->text, 0, NULL, NULL, NULL, NULL, 0);
    queue(m, sent, item, kind->what);
}

/* A text of one to three statements. WHAT lives for ever. */
static struct item random_text(char *text, char **what)
{
    struct item item = {.kinds = 1 + (int)pick(3), .name = -1};
    char all[400] = "";
    text[0] = '\0';
    for (int i = 0; i < item.kinds; i++) {
        item.kind[i] = &kinds[pick(SIMPLE)];
        strcat(strcat(text, i > 0 ? "; " : ""), item.kind[i]->text);
        strcat(strcat(all, i > 0 ? "; " : ""), item.kind[i]->what);
    }
    *what = strdup(all);
    return item;
}

static void send_text(struct model *m)
{
    char text[400], *what;
    struct item item = random_text(text, &what);
    queue(m, PQsendQuery(m->conn, text), item, what);
}

static void exec_text(struct model *m)
{
    char text[400], *what;
    struct item item = random_text(text, &what);
    PGresult *result = PQexec(m->conn, text);
    trace("exec %s: %s\n", what, PQresStatus(PQresultStatus(result)));
    if (m->pipeline) {
        refused(what);
    } else {
        drained(m);
        item.fate = WORKS;
        finish(&item);
    }
    PQclear(result);
}

/* Outside a pipeline a name is used when it is known what became of it. */
static bool name_is_known(const struct model *m)
{
    return m->pipeline || m->count == 0 || m->item[0].name < 0;
}

static void send_named(struct model *m)
{
    int name = (int)pick(NAMES);
    if (!name_is_known(m))
        return;
    bool aborted = m->pipeline && m->failed && m->queued[name] >= 0;
    const struct kind *kind = &meanings[aborted ? m->queued[name] : m->meaning[name]];
    struct item item = {.kind = {kind}, .kinds = 1, .params = 1, .name = -1};
    int sent = PQsendQueryPrepared(m->conn, names[name], 1, one_value, NULL, NULL, 0);
    if (!queue(m, sent, item, kind->what))
        want(kind->what)->params++;
}

static void exec_named(struct model *m)
{
    int name = (int)pick(NAMES);
    const struct kind *kind = &meanings[m->meaning[name]];
    if (m->pipeline || !name_is_known(m))
        return;
    PGresult *result = PQexecPrepared(m->conn, names[name], 1, one_value, NULL, NULL, 0);
    trace("exec %s: %s\n", kind->what, PQresStatus(PQresultStatus(result)));
    drained(m);
    over(kind, fate_of(kind), false, 1);
    PQclear(result);
}

/* The name is taken, unless it is forgotten before. */
static void send_prepare(struct model *m)
{
    static unsigned ids;
    int name = (int)pick(NAMES), meaning = (int)pick(MEANINGS);
    bool anew = m->pipeline && pick(2) == 0;
    if (anew)
        send_kind(m, &forget[name]);
    bool works = anew && !m->failed;
    struct item item = {
        .kind = {works ? &prepare : &prepare_again}, .kinds = 1, .name = name, .id = ++ids};
    int sent = PQsendPrepare(m->conn, names[name], meanings[meaning].text, 0, NULL);
    if (!queue(m, sent, item, "libpq.prepare"))
        return;
    trace("%s %s\n", names[name], meanings[meaning].what);
    m->queued[name] = meaning;
    m->by[name] = item.id;
    if (works)
        m->meaning[name] = meaning;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void sync_or_flush(struct model *m)
{
    if (pick(3) == 0) {
        int asked = PQsendFlushRequest(m->conn);
        trace("flush request: %d\n", asked);
        m->answered = m->pipeline ? m->count : 0;
        PQflush(m->conn);
        return;
    }
    int sent = PQpipelineSync(m->conn);
    trace("sync: %d\n", sent);
    if (sent) {
        push(m, (struct item){.sync = true, .name = -1});
        m->answered = m->count;
        new_segment(m);
    }
}

static void change_mode(struct model *m)
{
    if (!m->pipeline && PQenterPipelineMode(m->conn)) {
        trace("pipeline\n");
        drained(m);
        m->pipeline = true;
        m->answered = 0;
        new_segment(m);
    } else if (m->pipeline && m->open == 0 && PQexitPipelineMode(m->conn)) {
        trace("no pipeline\n");
        if (m->count > 1 || (m->count == 1 && !m->item[0].seen))
            model_is_wrong("a pipeline ended early", NULL);
        drained(m);
        m->pipeline = false;
    }
}

static void single_rows(struct model *m)
{
    if (PQsetSingleRowMode(m->conn)) {
        trace("single rows\n");
        if (m->count == 0 || m->item[0].sync)
            model_is_wrong("nothing is under way", NULL);
        m->item[0].single = true;
    }
}

static void other(struct model *m)
{
    switch (pick(4)) {
    case 0:
        PQflush(m->conn);
        break;
    case 1:
        PQconsumeInput(m->conn);
        break;
    case 2:
        PQisBusy(m->conn);
        break;
    default:
        PQsetnonblocking(m->conn, !PQisnonblocking(m->conn));
    }
}

/* ---- connections ---------------------------------------------------------------------------- */

static void expect(PGresult *result, const char *what, const struct kind *kind)
{
    if (PQresultStatus(result) == PGRES_FATAL_ERROR)
        model_is_wrong(what, result);
    over(kind, WORKS, false, 0);
    PQclear(result);
}

static void set_up(struct model *m)
{
    static const struct kind table = {"", "create temporary table r_t(id int)", 0, false, NULL, 0};
    PGconn *conn = m->conn;
    *m = (struct model){.conn = conn};
    expect(PQexec(conn, "CREATE TEMPORARY TABLE r_t (id int)"), "table", &table);
    for (int i = 0; i < NAMES; i++)
        expect(PQprepare(conn, names[i], meanings[i].text, 0, NULL), "prepare", &prepare);
    for (int i = 0; i < NAMES; i++)
        m->meaning[i] = i;
    new_segment(m);
}

/* The connection ends over what is in flight. */
static void cut(struct model *m)
{
    PQflush(m->conn);
    for (bool head = true; m->count > 0; pop(m), head = false) {
        const struct item *item = &m->item[0];
        bool done = item->sync || (item->seen && item->fate == ABORTED);
        if (done || (head && item->part == item->kinds))
            continue;
        struct want *w = want(item->kind[item->part]->what);
        if (!head) {
            w->aborted++;
            continue;
        }
        w->calls++;
        w->rows += (unsigned)item->rows;
        w->params += (unsigned)item->params;
        want_errors(w, "XP003", 1);
    }
}

/* What was prepared in vain is not known then. */
static bool prepares(const struct model *m)
{
    for (int i = 0; i < m->count; i++)
        if (m->item[i].name >= 0)
            return true;
    return false;
}

static void end_connection(struct model *m, const char *dsn)
{
    if (prepares(m))
        return;
    trace("the connection ends\n");
    cut(m);
    if (pick(2) == 0) {
        PQreset(m->conn);
        want_calls("libpq.connect", 1);
    } else {
        PQfinish(m->conn);
        m->conn = connect_to(dsn);
    }
    set_up(m);
}

/* ---- a sequence ----------------------------------------------------------------------------- */

static void step(struct model *m, const char *dsn)
{
    unsigned what = pick(100);
    bool room = m->count < QUEUE - 4;
    if (what < 38)
        get_result(m);
    else if (what < 50 && room)
        send_kind(m, &kinds[pick(SIMPLE)]);
    else if (what < 56 && room)
        send_text(m);
    else if (what < 64 && room)
        send_named(m);
    else if (what < 70 && room)
        send_prepare(m);
    else if (what < 76)
        exec_text(m);
    else if (what < 80)
        exec_named(m);
    else if (what < 87 && room)
        sync_or_flush(m);
    else if (what < 91)
        change_mode(m);
    else if (what < 95)
        single_rows(m);
    else if (what < 99)
        other(m);
    else
        end_connection(m, dsn);
}

static void fetch_all(struct model *m)
{
    if (m->pipeline && PQpipelineSync(m->conn)) {
        push(m, (struct item){.sync = true, .name = -1});
        m->answered = m->count;
    }
    while (m->count > 0)
        get_result(m);
}

static void sequence(unsigned seed, const char *dsn)
{
    state = 0x9E3779B97F4A7C15u * (seed + 1);
    for (int i = 0; i < 2; i++) {
        models[i].conn = connect_to(dsn);
        set_up(&models[i]);
    }
    for (int i = 0; i < 150; i++) {
        unsigned which = pick(2);
        if (tracing)
            printf("%u: ", which);
        step(&models[which], dsn);
        trace("\n");
    }
    for (int i = 0; i < 2; i++) {
        if (prepares(&models[i]))
            fetch_all(&models[i]);
        cut(&models[i]);
        PQfinish(models[i].conn);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: random DSN FIRST_SEED SEEDS [trace]\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    tracing = argc > 4;
    unsigned first = (unsigned)atoi(argv[2]), seeds = (unsigned)atoi(argv[3]);
    for (unsigned seed = first; seed < first + seeds; seed++) {
        sequence(seed, argv[1]);
        if (tracing || (seed - first) % 100 == 99)
            printf("seed %u done\n", seed);
    }
    write_wants("");
    return 0;
}
