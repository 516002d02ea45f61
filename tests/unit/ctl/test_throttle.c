/* SPDX-License-Identifier: MIT */
/* The brake on guessing: bursts, recovery, addresses, a full table. */
#include "ctl/throttle.h"

#include "unit/ctl/fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_storage v4(uint32_t address)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(&out, &in, sizeof(in));
    return out;
}

static struct sockaddr_storage v6(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    memcpy(&out, &in6, sizeof(in6));
    return out;
}

static uint64_t wait_of(const struct ctl_throttle *t, const struct sockaddr_storage *a,
                        uint64_t now)
{
    return ctl_throttle_wait_ns(t, (const struct sockaddr *)a, now);
}

static void fail_times(struct ctl_throttle *t, const struct sockaddr_storage *a, unsigned times,
                       uint64_t now)
{
    for (unsigned i = 0; i < times; i++)
        ctl_throttle_fail(t, (const struct sockaddr *)a, now);
}

static void bursts(void **state)
{
    struct ctl_throttle t = {0};
    struct sockaddr_storage a = v4(0x7f000001), b = v4(0x7f000002);
    (void)state;
    assert_int_equal(wait_of(&t, &a, 100 * SEC), 0);
    fail_times(&t, &a, CTL_THROTTLE_BURST - 1, 100 * SEC);
    assert_int_equal(wait_of(&t, &a, 100 * SEC), 0);
    fail_times(&t, &a, 1, 100 * SEC);
    assert_int_equal(wait_of(&t, &a, 100 * SEC), SEC);
    assert_int_equal(wait_of(&t, &a, 100 * SEC + 400 * MS), 600 * MS);
    assert_int_equal(wait_of(&t, &a, 101 * SEC), 0);
    fail_times(&t, &a, 1, 101 * SEC); /* one attempt a step */
    assert_int_equal(wait_of(&t, &a, 101 * SEC), SEC);
    assert_int_equal(wait_of(&t, &b, 101 * SEC), 0);
    fail_times(&t, &a, CTL_THROTTLE_BURST - 1, 200 * SEC); /* all is forgiven by then */
    assert_int_equal(wait_of(&t, &a, 200 * SEC), 0);
}

/* Whoever has an IPv6 address has 2^64 of them. */
static void networks(void **state)
{
    struct ctl_throttle t = {0};
    struct sockaddr_storage a = v6("2001:db8::1"), b = v6("2001:db8::ffff"),
                            c = v6("2001:db8:0:1::1");
    (void)state;
    fail_times(&t, &a, CTL_THROTTLE_BURST, SEC);
    assert_int_not_equal(wait_of(&t, &b, SEC), 0);
    assert_int_equal(wait_of(&t, &c, SEC), 0);
    ctl_throttle_fail(&t, NULL, SEC); /* no address: still counted, and no crash */
    assert_int_equal(ctl_throttle_wait_ns(&t, NULL, SEC), 0);
}

static void full_table(void **state)
{
    struct ctl_throttle t = {0};
    struct sockaddr_storage guesser = v4(1);
    (void)state;
    fail_times(&t, &guesser, CTL_THROTTLE_BURST, SEC);
    for (uint32_t i = 2; i < 2 + CTL_THROTTLE_CLIENTS - 1; i++) {
        struct sockaddr_storage a = v4(i);
        fail_times(&t, &a, 1, SEC);
    }
    assert_int_not_equal(wait_of(&t, &guesser, SEC), 0);
    struct sockaddr_storage more = v4(100000);
    fail_times(&t, &more, CTL_THROTTLE_BURST, SEC); /* takes the place of one that failed once */
    assert_int_not_equal(wait_of(&t, &more, SEC), 0);
    assert_int_not_equal(wait_of(&t, &guesser, SEC), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bursts),
        cmocka_unit_test(networks),
        cmocka_unit_test(full_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
