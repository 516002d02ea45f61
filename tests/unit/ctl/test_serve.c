/* SPDX-License-Identifier: MIT */
/* What `serve` decides without a socket: routes, tokens, parameters, bodies, addresses. */
#include "ctl/serve.h"

#include "unit/ctl/fixture.h"

#include <netinet/in.h>

static struct ctl_args args;
static struct ctl_run run = {.args = &args};
static struct ctl_serve serve = {.run = &run};

/* The reply is that error; it is then freed. FIELD may be NULL. */
static void refused(struct ctl_reply *reply, unsigned status, const char *code, const char *field)
{
    json_t *document = json_loadb(reply->body, reply->len, 0, NULL);
    json_t *error = json_object_get(document, "error");
    assert_int_equal(reply->status, status);
    assert_non_null(error);
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    assert_true(json_string_length(json_object_get(error, "message")) > 0);
    if (field != NULL)
        assert_string_equal(json_string_value(json_object_get(error, "field")), field);
    else
        assert_null(json_object_get(error, "field"));
    json_decref(document);
    ctl_reply_free(reply);
}

static void routes(void **state)
{
    struct ctl_reply reply = {0};
    (void)state;
    const struct ctl_route *one =
        ctl_route_find("GET", "/performance/metrics/operations/a.b/c", &reply);
    assert_ptr_equal(one->answer, ctl_answer_operation);
    assert_ptr_equal(ctl_route_find("HEAD", "/metrics", &reply)->answer, ctl_answer_metrics);
    assert_int_equal(reply.status, 0);
    assert_null(ctl_route_find("HEAD", "/performance/benchmarks/validate", &reply));
    assert_string_equal(reply.allow, "POST");
    refused(&reply, 405, "method_not_allowed", NULL);
    assert_null(ctl_route_find("GET", "/metricsx", &reply));
    refused(&reply, 404, "not_found", NULL);
    assert_null(ctl_route_find("GET", "", &reply));
    refused(&reply, 404, "not_found", NULL);
}

/* Status of a request with that header to an endpoint of that access; 200: let in. */
static unsigned admitted(enum ctl_access access, const char *authorization)
{
    struct ctl_reply reply = {0};
    const struct ctl_route route = {.access = access};
    struct ctl_request request = {.authorization = authorization};
    memset(&serve.throttle, 0, sizeof(serve.throttle));
    bool in = ctl_serve_admit(&serve, &route, &request, &reply);
    unsigned status = reply.status;
    assert_int_equal(in, status == 0);
    assert_int_equal(status == 401 || status == 403, reply.challenge != NULL);
    ctl_reply_free(&reply);
    return in ? 200 : status;
}

static void tokens(void **state)
{
    struct spy_error err;
    const char *text = "super_admin boss\nreader guest\n";
    (void)state;
    assert_int_equal(ctl_tokens_parse(text, strlen(text), &serve.tokens, &err), SPY_OK);
    assert_int_equal(admitted(CTL_FOR_SUPER_ADMINS, "Bearer boss"), 200);
    assert_int_equal(admitted(CTL_FOR_SUPER_ADMINS, "bearer   boss"), 200);
    assert_int_equal(admitted(CTL_FOR_SUPER_ADMINS, "Bearer guest"), 403);
    assert_int_equal(admitted(CTL_OPENABLE, "Bearer guest"), 403);
    assert_int_equal(admitted(CTL_OPENABLE, "Bearer boss"), 200);
    const char *const wrong[] = {NULL,         "",           "Bearer",        "Bearer ",
                                 "Bearer x",   "boss",       "Basic boss",    "Bearer boss guest",
                                 "Bearerboss", "Bearer bos", "Bearer boss,x", "Bearer\tboss"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(admitted(CTL_OPENABLE, wrong[i]), 401);
    args.open_metrics = true;
    assert_int_equal(admitted(CTL_OPENABLE, NULL), 200);
    assert_int_equal(admitted(CTL_FOR_SUPER_ADMINS, NULL), 401);
    args.open_metrics = false;
}

static void decoding(void **state)
{
    char good[] = "a%2Fb%c3%A4%7b";
    (void)state;
    assert_true(ctl_percent_decode(good));
    assert_string_equal(good, "a/b\xc3\xa4{");
    char *const bad[] = {(char[]){"%"},   (char[]){"%4"},  (char[]){"%zz"},  (char[]){"%00"},
                         (char[]){"%ff"}, (char[]){"%c3"}, (char[]){"a%0a"}, (char[]){"\xff"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ctl_percent_decode(bad[i]));
}

static void query(void **state)
{
    struct ctl_reply reply = {0};
    struct ctl_args out = {0};
    const char *pid = NULL;
    struct ctl_request request = {.param = {{"pid", "17"}, {"last", "5m"}, {"limit", "3"}},
                                  .params = 3};
    const unsigned all = CTL_PARAM_PID | CTL_PARAM_LAST | CTL_PARAM_LIMIT;
    (void)state;
    assert_true(ctl_serve_query(&request, all, &out, &pid, &reply));
    assert_string_equal(pid, "17");
    assert_int_equal(out.last_ns, 300 * SEC);
    assert_int_equal(out.limit, 3);
    assert_false(ctl_serve_query(&request, CTL_PARAM_PID | CTL_PARAM_LAST, &out, &pid, &reply));
    refused(&reply, 422, "unknown_parameter", "limit");
    const struct ctl_param wrong[] = {
        {"pid", "0"},    {"pid", "-1"},  {"pid", "1000000000"},
        {"pid", ""},     {"last", "0s"}, {"last", "5x"},
        {"last", ""},    {"limit", "0"}, {"limit", "a"},
        {"limit", "1 "}, {"pid", " 1"},  {"limit", "99999999999999999999999"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        request = (struct ctl_request){.param = {wrong[i]}, .params = 1};
        assert_false(ctl_serve_query(&request, all, &out, &pid, &reply));
        refused(&reply, 422, "invalid_parameter", wrong[i].name);
    }
}

/* Parses BODY as limits. */
static bool body(const char *text, struct ctl_limits *limits, struct ctl_reply *reply)
{
    const struct ctl_request request = {.body = text, .body_len = strlen(text)};
    *limits = (struct ctl_limits){0};
    return ctl_serve_limits(&request, limits, reply);
}

static void bad_body(const char *text, unsigned status, const char *field)
{
    struct ctl_limits limits;
    struct ctl_reply reply = {0};
    assert_false(body(text, &limits, &reply));
    refused(&reply, status, status == 400 ? "invalid_json" : "invalid_body", field);
    ctl_limits_free(&limits);
}

static void bodies(void **state)
{
    struct ctl_limits limits;
    struct ctl_reply reply = {0};
    (void)state;
    assert_true(body("", &limits, &reply));
    assert_true(body("{}", &limits, &reply));
    assert_true(body("{\"limits\": {}}", &limits, &reply));
    assert_int_equal(limits.count, 0);
    assert_true(body("{\"limits\": {\"a\": \"1s\", \"b\": {\"p99.9\": \"2ms\", \"errors\": "
                     "\"1%\"}}}",
                     &limits, &reply));
    assert_int_equal(limits.count, 3);
    assert_string_equal(limits.limit[0].operation, "a");
    assert_int_equal(limits.limit[0].budget.stat, SPY_STAT_P95);
    assert_int_equal(limits.limit[0].budget.limit, SEC);
    assert_int_equal(limits.limit[1].budget.stat, SPY_STAT_P999);
    assert_int_equal(limits.limit[2].budget.limit, 10000);
    ctl_limits_free(&limits);
    bad_body("x", 400, NULL);
    bad_body("{} {}", 400, NULL);
    bad_body("{\"limits\": {}, \"limits\": {}}", 400, NULL);
    bad_body("{\"limits\": {\"a\": \"1\\u0000s\"}}", 400, NULL);
    bad_body("{\"limits\": {\"\xff\": \"1s\"}}", 400, NULL);
    bad_body("[]", 422, "limits");
    bad_body("{\"limits\": []}", 422, "limits");
    bad_body("{\"more\": {}}", 422, "more");
    bad_body("{\"limits\": {\"a\": {}}}", 422, "limits.a");
    bad_body("{\"limits\": {\"a\": null}}", 422, "limits.a");
    bad_body("{\"limits\": {\"a\": \"fast\"}}", 422, "limits.a");
    bad_body("{\"limits\": {\"a\": {\"errors\": \"1s\"}}}", 422, "limits.a.errors");
    bad_body("{\"limits\": {\"a\": {\"p99\": 200}}}", 422, "limits.a.p99");
    bad_body("{\"limits\": {\"a\": {\"p98\": \"1s\"}}}", 422, "limits.a.p98");
}

static void addresses(void **state)
{
    char bound[CTL_BOUND_BYTES];
    bool loopback, usage;
    const char *const wrong[] = {"",        "127.0.0.1", ":80",     "127.0.0.1:",  "::1:80",
                                 "[::1]80", "1.2.3.4:x", "a:65536", "127.0.0.1:-1"};
    struct capture c;
    (void)state;
    capture_begin(&c, &args);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ctl_serve_listen(wrong[i], bound, &loopback, &usage, c.run.err), -1);
        assert_true(usage);
    }
    int fd = ctl_serve_listen("127.0.0.1:0", bound, &loopback, &usage, c.run.err);
    assert_true(fd >= 0);
    assert_true(loopback);
    assert_memory_equal(bound, "127.0.0.1:", 10);
    assert_true(atoi(bound + 10) > 0);
    assert_int_equal(ctl_serve_listen(bound, bound, &loopback, &usage, c.run.err), -1);
    assert_false(usage);
    close(fd);
    fd = ctl_serve_listen("0.0.0.0:0", bound, &loopback, &usage, c.run.err);
    assert_true(fd >= 0);
    assert_false(loopback);
    close(fd);
    capture_end(&c);
    assert_non_null(strstr(c.err, "Address already in use"));
    capture_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes), cmocka_unit_test(tokens), cmocka_unit_test(decoding),
        cmocka_unit_test(query),  cmocka_unit_test(bodies), cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
