/* SPDX-License-Identifier: MIT */
/*
 * The tables of command.h. Rows in the order in which help shows them.
 */
#include "ctl/command.h"

#include <string.h>

const struct ctl_option ctl_options[CTL_OPTION_COUNT] = {
#define X(id, letter, name, argument, help) {letter, name, argument, help},
    CTL_OPTIONS(X)
#undef X
};

#define READS CTL_BIT(PROCESS) | CTL_BIT(JSON)

const struct ctl_command ctl_commands[] = {
    {
        .name = "ps",
        .operands = "",
        .summary = "list the watched processes, live and dead",
        .help = "Lists every process that libperfspy is loaded in, wherever it publishes, and the "
                "dead ones whose region is left. States: live; dead; idle (nothing to watch yet); "
                "dormant (PERFSPY_ENABLED=0); off (by disable). Below the list stands what went "
                "wrong in a process: an invalid rules file, a full table, a directory that could "
                "not be used. With --full also how full each of its tables is; --json has that, "
                "too.",
        .options = READS | CTL_BIT(FULL),
        .run = ctl_cmd_ps,
    },
    {
        .name = "stats",
        .operands = "[OPERATION]",
        .summary = "show calls, errors and latencies by operation, worst first",
        .help = "Shows every operation that was called: how often, how often it failed, and how "
                "long it took. Worst first: by the share of critical calls, then of slow ones, "
                "then by total time.\n\n"
                "~ behind a name: the rules have it sampled (sample: 1/N). Its calls and errors "
                "are exact, its times and levels are estimated from the calls that were timed, "
                "and a slow one among the others is not seen.\n\n"
                "With OPERATION shows that one in detail. \"never executed\" are statements "
                "that were queued in a pipeline and dropped, since one before them failed or the "
                "connection ended: they are no calls. A name without what stands before its "
                "last dot will do where it is the only one: get_part for parts_crud.get_part.\n\n"
                "With --self shows what perfspy itself costs each process. Of its calls about one "
                "in 256 is timed; what is said of all of them is an estimate from those. Exact are "
                "the CPU times of its helper thread and of the process, which are of the last step "
                "of history. It also says whether perfspy backs off: where its part of the "
                "program's calls takes more than PERFSPY_COST_LIMIT of the process' CPU time it "
                "ends captures, then no longer attributes queries to requests nor keeps "
                "percentiles of the parts of requests, until it takes less than half of that. "
                "Calls, errors and latencies are counted all the same.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(WATCH) | CTL_BIT(SELF),
        .max_operands = 1,
        .run = ctl_cmd_stats,
    },
    {
        .name = "health",
        .operands = "",
        .summary = "judge the last minutes: healthy, degraded, warning or critical",
        .help = "Judges the window that the rules set (default: 5 minutes). critical: some call "
                "was of level critical. warning: more than the allowed share was slow (default: "
                "20 %). degraded: some calls were slow. unknown: no calls.\n\n"
                "Exit status, as monitoring systems expect of a plugin: 0 healthy, 1 degraded or "
                "warning, 2 critical, 3 unknown.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(WATCH),
        .run = ctl_cmd_health,
    },
    {
        .name = "benchmarks",
        .operands = "",
        .summary = "compare operations with the budgets in the rules",
        .help = "Shows for every budget the limit, the value, and how many calls stand behind it: "
                "missed ones first. Budgets come from the rules and from --set.\n\n"
                "A verdict on a quantile needs as many calls as make that quantile more than "
                "another name of the maximum: 2 for p50, 10 for p90, 20 for p95, 100 for p99, "
                "1,000 for p99.9; one on mean, max or errors needs a single call. On fewer calls "
                "it says \"no data\", unless each of them took longer than the limit, which is a "
                "miss however few they are. --min-calls sets the number for all.\n\n"
                "The exit status is 1 if a budget is missed, 0 if all are met or have no data.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(SET) | CTL_BIT(MIN_CALLS),
        .run = ctl_cmd_benchmarks,
    },
    {
        .name = "watch",
        .operands = "",
        .summary = "tell when health or a benchmark changes, and run a command for it",
        .help = "Looks at health and at every benchmark again and again, prints a line for each "
                "change, and with --on-change runs a command for it: one at a time, with the "
                "change as a JSON object on its standard input, its output going to standard "
                "error. A command that fails or is killed is reported there, and watching goes "
                "on.\n\n"
                "The first look is what changes are compared with. A change for the worse is told "
                "after --hold looks in a row that were all worse, one for the better after twice "
                "as many. A benchmark that changes between \"met\" and \"no data\" is not told, "
                "unless it was missed before. All are judged over --last, by default the health "
                "window of the rules; a slow call is part of it for so long.\n\n"
                "Processes may come and go. Ends with status 0 on SIGTERM, SIGINT or SIGHUP, "
                "after the command that is running has ended; a second signal kills that.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(ON_CHANGE) | CTL_BIT(EVERY) | CTL_BIT(HOLD) |
                   CTL_BIT(TIMEOUT) | CTL_BIT(INITIAL) | CTL_BIT(SET) | CTL_BIT(MIN_CALLS),
        .run = ctl_cmd_watch,
    },
    {
        .name = "slow",
        .operands = "",
        .summary = "list single calls that were slow or failed",
        .help = "Lists the calls that were slow, critical or failed. Kept of each process are the "
                "newest 512 that were slow or longer than a benchmark, the newest 256 others that "
                "failed, and of each operation the 3 longest of those that were slow, since the "
                "start, of this hour and of the hour before: --worst shows these alone, with "
                "--last 1h those of now. WAIT is the time to the first result of a "
                "statement or to the first byte of a response, TAIL is the rest.\n\n"
                "With --full also shows of a statement the request that it was part of, how long "
                "it was queued before it was sent, "
                "the rows it affected, the number of its parameters, the name it was prepared "
                "under, the server, database and user, the process id of the server's backend, "
                "and the state of the transaction after it; --json has them, too.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(WATCH) | CTL_BIT(SORT) | CTL_BIT(LIMIT) |
                   CTL_BIT(WORST) | CTL_BIT(FULL),
        .run = ctl_cmd_slow,
    },
    {
        .name = "capture",
        .operands = "OPERATION",
        .summary = "show what the next calls of one operation are given: values and parameters",
        .help = "Prints the next calls of OPERATION as they end: when, how long, rows, SQLSTATE or "
                "status; of a statement its text as the program sent it and every bind value; of "
                "a request its target and all URL parameters. Headers and bodies are never "
                "kept. A name without what stands before its last dot will do where it is the "
                "only one.\n\n"
                "It turns itself off: after N calls, after DURATION, or when this command ends, "
                "however it does. One capture is possible at a time in a process. Values go to "
                "the process' own user and to root only, are kept in the memory of the process "
                "until they are sent, and are wiped then; no file, log or history gets them. "
                "With several processes N is for all of them together.\n\n"
                "Texts are cut after 4,096 bytes and values after 1,024. What does not fit a "
                "terminal is escaped: \\n, \\x1b. A statement that speaks of passwords or secrets, "
                "or is an EXECUTE, is shown normalised, without text and values; a URL parameter "
                "with such a name "
                "is starred out.\n\n"
                "The exit status is 0 if N calls were captured, 1 if there were fewer, 69 if there "
                "is no such process or operation, 77 if the process refuses: another capture is "
                "under way.",
        .options = CTL_BIT(PROCESS) | CTL_BIT(JSON) | CTL_BIT(NEXT) | CTL_BIT(FOR) | CTL_BIT(SLOW),
        .min_operands = 1,
        .max_operands = 1,
        .run = ctl_cmd_capture,
    },
    {
        .name = "inflight",
        .operands = "",
        .summary = "show what every request and connection is doing this very moment",
        .help = "Lists the requests under way, the statements under way and the connections that "
                "are being made or idle in a transaction, the longest first, and what each waits "
                "for: server "
                "(the database's first result), rows (results being fetched or copied), client "
                "(the response being taken), connect (a connection or ping, with the address), "
                "queue (in a pipeline, not sent yet) or "
                "program (everything else: its own code, a lock, a connection from its pool, "
                "another service). QUERIES of a request are those that have ended, DATABASE is the "
                "time "
                "of these and of what is under way. A statement that no rule names has its text, "
                "cut to 72 characters; of an "
                "idle connection that is its last one.\n\n"
                "Below stand ready lines for psql that end what is under way: "
                "pg_cancel_backend() for a statement, pg_terminate_backend() for a connection "
                "idle in a transaction. Of a dead process it shows what was under way when it "
                "died; times then end with its last sign of life, and were longer.",
        .options = READS | CTL_BIT(WATCH) | CTL_BIT(LIMIT),
        .run = ctl_cmd_inflight,
    },
    {
        .name = "requests",
        .operands = "[OPERATION]",
        .summary = "show what requests spent their time on, and repeated statements (N+1)",
        .help =
            "Shows for every request how its time was spent, as shares of the mean: reading "
            "the request; waiting for the database's first results; fetching rows; blocked "
            "until the client took the response; and program, which is all the rest: its own "
            "code, but also locks, other services, and waiting for a connection from a pool. "
            "A synchronous call (PQexec) returns with all of its rows: all of it is waiting, and "
            "fetching rows is seen only of asynchronous calls. "
            "Where a request has several queries at once their times overlap: the shares, "
            "shown as measured, then add up to more than the whole, and the line says so.\n\n"
            "QUERIES is the mean of queries a request; ~ stands before numbers that are "
            "rounded down, those above 15. A query belongs to the only request of its thread, "
            "else to the only one under way, else to the one that its sqlcommenter tag names; "
            "the line below the table counts each way, and those that belong to no request "
            "for certain: they are in no request's numbers.\n\n"
            "Below stand repeated statements (N+1), those that took most time first: run in "
            "one request at least 5 times, for more than 50 ms or 30 % of it; the rules may "
            "set other bounds (repeats), and allow it to a statement (may_repeat). In each "
            "request 8 different statements are counted at a time, and 64 findings are kept "
            "of a process, over its whole life.\n\n"
            "With OPERATION shows that one in detail, with the percentiles of each part and "
            "of the time to the first byte; these are within 4.4 %, and a request in which a "
            "part took no time counts as 0.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(WATCH),
        .max_operands = 1,
        .run = ctl_cmd_requests,
    },
    {
        .name = "trend",
        .operands = "[OPERATION]",
        .summary = "show how a window went: calls, latencies and process use over time",
        .help = "Shows the last hour, or --last, in some thirty lines: the calls that ended in "
                "each stretch of time, their rate, errors and percentiles, and the most memory, "
                "threads and descriptors that the processes used in it, added up. All requests "
                "together, or where there were none all statements; with OPERATION that one.\n\n"
                "History is kept in steps of 10 seconds for an hour, of a minute for a day and of "
                "10 minutes after that, as long as its bytes suffice; the watched program's "
                "environment may set it otherwise (PERFSPY_HISTORY, PERFSPY_HISTORY_STEPS). Older "
                "steps are added up, never averaged. Where a step is longer than --step it counts "
                "in the line that it ended in.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(STEP) | CTL_BIT(WATCH),
        .max_operands = 1,
        .run = ctl_cmd_trend,
    },
    {
        .name = "diff",
        .operands = "[OPERATION]",
        .summary = "compare the last minutes with earlier ones, operation by operation",
        .help = "Compares the last 5 minutes, or --last, with as long a window that ended where "
                "this one begins, or --before ago: calls, rate, share of errors, mean and "
                "percentiles of each operation on both sides, and what changed: slower, more "
                "errors, new, busier, or the opposite. LOAD is the change of the operation's "
                "total time in each second. What became worse comes first, by LOAD; then what "
                "became better; then noise. With OPERATION shows that one in detail, with the "
                "mean parts of its time.\n\n"
                "A change is told where it is beyond chance by 3 standard deviations, and large: "
                "p50, p95 or p99 by a fifth, and by 1 ms a call or 1 ms of total time a second; "
                "the share of errors by one percentage point, of 20 calls on both sides; the "
                "rate by half. A quantile needs as many calls on both sides as a benchmark's: 2, "
                "20 and 100. The calls of the two windows are taken to be independent: one burst "
                "of work that is the same each hour is \"busier\" all the same. \"few calls\" "
                "stands where a side has less than 20 and nothing was found.\n\n"
                "Windows are told in whole steps of history, and may be covered in part; both are "
                "said. Rates are those of what is covered. The exit status is 0 whatever changed, "
                "and 69 where there is nothing to compare with.",
        .options = READS | CTL_BIT(LAST) | CTL_BIT(BEFORE) | CTL_BIT(LIMIT) | CTL_BIT(WATCH),
        .max_operands = 1,
        .run = ctl_cmd_diff,
    },
    {
        .name = "serve",
        .operands = "",
        .summary = "serve the performance API and Prometheus metrics over HTTP",
        .help = "Answers GET /performance/metrics/operations, .../operations/NAME, "
                "/performance/metrics/slow-operations, /performance/requests, "
                "/performance/inflight, /performance/history, /performance/benchmarks and "
                "/performance/health with the JSON of stats, slow, requests, inflight, trend, "
                "benchmarks and health, POST "
                "/performance/benchmarks/validate likewise, against limits of the request's own, "
                "and GET /metrics in Prometheus' text format. All of it is described in "
                "openapi.yaml, which is installed in share/perfspy.\n\n"
                "Clients send Authorization: Bearer TOKEN. FILE has a line of ROLE TOKEN for each, "
                "where TOKEN may be sha256: and the token's SHA-256 in hexadecimal. Only a "
                "super_admin may read; a reader is known and refused. SIGHUP reads FILE again; if "
                "it is no "
                "good then, the old tokens stay in force. After 10 wrong tokens a client address "
                "gets one attempt a second.\n\n"
                "Counters in /metrics are sums over all processes of a program (label exe), those "
                "that have ended included. Ends with status 0 on SIGTERM or SIGINT. There is no "
                "TLS: leave it on the loopback address, or put a proxy before it.",
        .options = CTL_BIT(PROCESS) | CTL_BIT(LISTEN) | CTL_BIT(TOKEN_FILE) | CTL_BIT(OPEN_METRICS),
        .run = ctl_cmd_serve,
    },
    {
        .name = "export prometheus-rules",
        .operands = "[FILE]",
        .summary = "turn a rules file into alerting rules for Prometheus",
        .help = "Prints alerting rules in Prometheus' YAML: an alert for each benchmark and each "
                "error budget of FILE, for health that is critical or in warning by its "
                "thresholds, for \"" CTL_NAME " serve\" being down, and for calls that perfspy "
                "could not see or tell apart. Prometheus has to scrape \"" CTL_NAME
                " serve\", whose gauges the alerts are about: exact quantiles over the health "
                "window, not interpolated ones. FILE is by default PERFSPY_RULES or "
                "/etc/perfspy/rules.yml.\n\n"
                "The exit status is 1 if FILE has an error.",
        .options = CTL_BIT(FOR),
        .max_operands = 1,
        .run = ctl_cmd_export_prometheus_rules,
    },
    {
        .name = "rules check",
        .operands = "FILE...",
        .summary = "check rules files with the library's own parser",
        .help = "Says how many operations a rules file names, or where its first error is, as "
                "FILE:LINE:COLUMN. The exit status is 1 if a file has an error.",
        .min_operands = 1,
        .max_operands = SIZE_MAX,
        .run = ctl_cmd_rules_check,
    },
    {
        .name = "doctor",
        .operands = "[PID]",
        .summary = "tell why there is no data, or not all of it, and what to do",
        .help =
            "Looks at a process, watched or not: whether the library is loaded, and if not, why, "
            "and what attach would say; "
            "why there is nothing to read yet; which copies of libpq and of TLS libraries are "
            "mapped, and whether calls reach them through perfspy; what goes past it (pointers "
            "to libpq's functions on the heap from before an attach; drivers "
            "without libpq, by their files and by connections to port 5432, 6432, PGPORT or "
            "a PostgreSQL's Unix socket; a libpq inside the program; Go; io_uring; seccomp; "
            "a port from which no request comes); "
            "the rules in force, those that never matched, "
            "and the work without a name that took most time, with a rule for it; full "
            "tables and what was dropped; a log or a directory that cannot be written; what "
            "perfspy costs, in time and memory. Of a dead process, what its region tells.\n\n"
            "Without PID: all watched processes, and the "
            "directories, the regions of the dead and the rules file of this host. With -p: those "
            "watched processes, by id or name.\n\n"
            "Each finding is a problem (there is no data), a warning (not all of it) or a "
            "note, and behind an arrow stands what to do; the worst come first. With --json: "
            "{\"version\", \"findings\": [{\"pid\" (null: this host), \"exe\", \"severity\", "
            "\"what\", \"do\"}...]}. The exit status is 0 if there are "
            "notes only, 1 if there is more, 69 if there is no such process, 77 if it may "
            "not be looked into.",
        .options = READS,
        .max_operands = 1,
        .run = ctl_cmd_doctor,
    },
    {
        .name = "reload",
        .operands = "",
        .summary = "have processes read their rules again, without losing counts",
        .help = "Every process that -p chooses (default: all live ones, so all workers of a "
                "pre-fork server) reads its rules file again, or FILE, and answers with what "
                "changed. Levels, budgets, health, repeats and parameters change at one moment. "
                "Statements and requests that begin from then on go by the new rules, prepared "
                "ones too; those under way end by the rules that they began under.\n\n"
                "Nothing counted is lost or moved: an operation of the same name goes on in its "
                "row; one that is no longer named keeps its counts and has no budget any more; a "
                "statement that only now gets a name begins at 0 under it, and what was counted "
                "before stays under its fingerprint. Calls counted before keep their level.\n\n"
                "A file that is no good leaves the rules before in force: the answer says why, as "
                "FILE:LINE:COLUMN, and so does ps. A process takes 100 reloads that change "
                "something in its life, since each keeps some memory; one of an unchanged file "
                "does not count.\n\n"
                "The exit status is 1 if a process refused or did not answer.",
        .options = READS | CTL_BIT(RULES),
        .run = ctl_cmd_reload,
    },
    {
        .name = "disable",
        .operands = "",
        .summary = "switch recording off in running processes",
        .help = "Every process that -p chooses (default: all live ones) goes on without being "
                "timed: calls are passed on, and that is all. What was counted stays and can be "
                "read; ps says since when it is off. A call under way is counted when it ends; a "
                "request under way, and a statement whose results are still to be fetched, are "
                "dropped and counted nowhere. Processes that are forked from then on begin "
                "switched off, too.\n\n"
                "A process started with PERFSPY_ENABLED=later begins like that. One started with "
                "PERFSPY_ENABLED=0 has no socket: enable does not reach it.\n\n"
                "The exit status is 1 if a process did not answer.",
        .options = READS,
        .run = ctl_cmd_disable,
    },
    {
        .name = "enable",
        .operands = "",
        .summary = "switch recording on again",
        .help = "Undoes disable. A connection of libpq is followed from its next statement on, "
                "results of one that was sent before are left alone; an HTTP connection is "
                "followed from the next request that a read begins with. A prepared statement "
                "is known unless its name was prepared anew meanwhile.\n\n"
                "The exit status is 1 if a process did not answer.",
        .options = READS,
        .run = ctl_cmd_enable,
    },
    {
        .name = "reset",
        .operands = "",
        .summary = "begin the statistics of running processes anew",
        .help = "The statistics of every process that -p chooses (default: all live ones) begin "
                "anew: counts, times, percentiles, levels, errors, kept calls, repeated statements "
                "and history. Nothing is cleared under threads that count: what was counted so "
                "far is kept aside and taken off, so each call is counted before or after, "
                "and windows (--last) begin no earlier. ps tells since when statistics are; so do "
                "the heading of stats and \"since\" in JSON. After the process has died its last "
                "state is read the same way.\n\n"
                "Shortest and longest times of an operation that was called before are then "
                "bounds of their histogram bucket (2.2 % wide), as in windows. A request under "
                "way, and a statement that waits for the rest of its sequence, count when they "
                "are over. Not reset: counters in /metrics, which Prometheus expects to grow; "
                "what perfspy costs; what it could not see or keep (ps).\n\n"
                "The exit status is 1 if a process did not answer, or had no room to keep aside "
                "what was counted: then nothing was reset there.",
        .options = READS,
        .run = ctl_cmd_reset,
    },
    {
        .name = "run",
        .operands = "-- COMMAND [ARGUMENT...]",
        .summary = "run a program with libperfspy loaded into it",
        .help = "Runs COMMAND with LD_PRELOAD set. The library is taken from beside this tool, "
                "or from ../lib, else it is left to the dynamic loader. The exit status is that "
                "of the program; 127 if it was not found, 126 if it could not be executed.\n\n"
                "A program that the library cannot get into is run all the same, after a warning "
                "that it will not be watched: one that is statically linked, that runs with other "
                "rights (set-user-id, capabilities), or that was made for another machine or C "
                "library.",
        .options = CTL_BIT(RULES) | CTL_BIT(DIR),
        .min_operands = 1,
        .max_operands = SIZE_MAX,
        .takes_rest = true,
        .run = ctl_cmd_run,
    },
    {
        .name = "attach",
        .operands = "PID",
        .summary = "load libperfspy into a running process and watch it",
        .help = "Has process PID load libperfspy.so, and puts it between the program and libpq, "
                "libc's socket calls and the TLS libraries. One thread is borrowed for that, "
                "while it waits in a system call, for a few milliseconds; the others run on. No "
                "code of the program is written to. Connections that exist already are learned "
                "at their next use.\n\n"
                "What cannot be attached to is left as it is, with a sentence that says why and "
                "exit status 77: another user's process (root may, with CAP_SYS_PTRACE), where "
                "kernel.yama.ptrace_scope leaves tracing to others, one that is traced or "
                "stopped, that no thread waits in, that may open no more files or map no more "
                "memory, that has less than 8 MiB left of what its control group may use, that has "
                "no /proc in its root directory, that a seccomp filter binds which would harm it, "
                "binds not all of its threads, or may not be looked at (--force), whose main "
                "thread has ended, that has another version of the library, statically linked "
                "programs, "
                "other C libraries, other machines' programs, and the GNU C library before 2.34. "
                "69: there is no such process, or it has ended. Containers need nothing of "
                "perfspy inside: the library is handed over in memory.\n\n"
                "One that was detached from goes on with the same record, and with the rules of "
                "FILE if --rules gives some. One that was started with the library at rest "
                "(PERFSPY_ENABLED=0, PERFSPY_ONLY) is woken, for good. One that is watched "
                "already is refused, with the command that does what may be wanted instead: "
                "enable, or reload.\n\n"
                "Pointers to libpq's functions that the program got by dlsym() before are "
                "replaced where they lie in static data, until detach; doctor tells of those on "
                "the heap, which are not.",
        .options =
            CTL_BIT(RULES) | CTL_BIT(DIR) | CTL_BIT(TIMEOUT) | CTL_BIT(FORCE) | CTL_BIT(VERBOSE),
        .min_operands = 1,
        .max_operands = 1,
        .run = ctl_cmd_attach,
    },
    {
        .name = "detach",
        .operands = "PID",
        .summary = "stop watching a process that was attached to",
        .help = "Takes the library out from between the program and its libraries, ends its "
                "thread and closes its socket. What was recorded stays readable. The library "
                "itself stays in the process' memory, at rest; attach wakes it, and goes on with "
                "the same record. A process that was started with the library cannot be detached "
                "from, but switched off, by disable: exit status 77. 69: it is not watched.",
        .options = 0,
        .min_operands = 1,
        .max_operands = 1,
        .run = ctl_cmd_detach,
    },
    {
        .name = "help",
        .operands = "[COMMAND]",
        .summary = "explain this tool or one of its commands",
        .help = "Explains a command. Also prints the manual page and the completion script.",
        .options = CTL_BIT(MAN) | CTL_BIT(COMPLETION),
        .max_operands = 2,
        .run = ctl_cmd_help,
    },
};

const size_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);

const struct ctl_command *ctl_command_find(const char *name)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i].name, name) == 0)
            return &ctl_commands[i];
    return NULL;
}

void ctl_command_synopsis(const struct ctl_command *command, FILE *out)
{
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++) {
        const struct ctl_option *o = &ctl_options[i];
        const char *blank = o->argument[0] != '\0' ? " " : "";
        if ((command->options & CTL_OPTION_BIT(i)) == 0)
            continue;
        if (o->letter != '\0')
            fprintf(out, " [-%c%s%s]", o->letter, blank, o->argument);
        else
            fprintf(out, " [--%s%s%s]", o->name, blank, o->argument);
    }
    if (command->operands[0] != '\0')
        fprintf(out, " %s", command->operands);
}
