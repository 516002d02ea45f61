/* SPDX-License-Identifier: MIT */
/*
 * Reading tables of repeated statements; see repeats.h and struct spy_repeat.
 */
#include "ctl/repeats.h"

#include "ctl/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static struct ctl_repeat *find_or_make(struct ctl_model *model, const struct ctl_operation *request,
                                       const struct ctl_operation *statement)
{
    for (size_t i = 0; i < model->repeats; i++)
        if (model->repeat[i].request == request && model->repeat[i].statement == statement)
            return &model->repeat[i];
    model->repeat = ctl_grow(model->repeat, model->repeats + 1, sizeof(*model->repeat));
    struct ctl_repeat *made = &model->repeat[model->repeats++];
    *made = (struct ctl_repeat){.request = request, .statement = statement};
    return made;
}

/* A text is better than an address, which means nothing outside its process. */
static void take_site(struct ctl_repeat *repeat, const struct spy_region *region,
                      const struct spy_repeat *row)
{
    uint32_t at = atomic_load_explicit(&row->site_text, memory_order_acquire);
    const char *text = spy_region_text_at(region, at);
    bool address = strncmp(repeat->site, "0x", 2) == 0 || repeat->site[0] == '\0';
    if (*text != '\0' && address)
        ctl_format_clean(repeat->site, sizeof(repeat->site), text, strlen(text));
    else if (repeat->site[0] == '\0' && LOAD(row->site) != 0)
        snprintf(repeat->site, sizeof(repeat->site), "0x%" PRIx64, LOAD(row->site));
}

static uint64_t less(uint64_t all, uint64_t before)
{
    return all > before ? all - before : 0;
}

static void add_row(struct ctl_model *model, const struct spy_region *region,
                    const struct spy_repeat *row)
{
    static const struct spy_repeat_sum none;
    int reset = spy_region_reset(region);
    const struct spy_repeat_sum *before = reset >= 0 ? &row->before[reset] : &none;
    uint64_t key = atomic_load_explicit(&row->key, memory_order_acquire);
    uint64_t requests = less(LOAD(row->requests), LOAD(before->requests));
    if (requests == 0)
        return;
    const struct ctl_operation *request = ctl_model_operation(model, region, (uint32_t)(key >> 32));
    const struct ctl_operation *statement = ctl_model_operation(model, region, (uint32_t)key - 1);
    if (request == NULL || statement == NULL || request->kind != SPY_KIND_HTTP ||
        statement->kind != SPY_KIND_SQL)
        return;
    struct ctl_repeat *repeat = find_or_make(model, request, statement);
    repeat->requests += requests;
    repeat->calls += less(LOAD(row->calls), LOAD(before->calls));
    repeat->ns += less(LOAD(row->ns), LOAD(before->ns));
    if (LOAD(row->most) > repeat->most)
        repeat->most = LOAD(row->most);
    take_site(repeat, region, row);
}

void ctl_repeats_add(struct ctl_model *model, const struct spy_region *region)
{
    const struct spy_repeat *row = spy_region_section(region, SPY_SECTION_REPEATS);
    for (uint32_t i = 0; i < SPY_REPEATS; i++)
        add_row(model, region, &row[i]);
}

static int by_time(const void *a, const void *b)
{
    const struct ctl_repeat *x = a, *y = b;
    int order = (x->ns < y->ns) - (x->ns > y->ns);
    if (order == 0)
        order = strcmp(x->request->name, y->request->name);
    return order != 0 ? order : strcmp(x->statement->name, y->statement->name);
}

void ctl_repeats_sort(struct ctl_model *model)
{
    if (model->repeats > 0)
        qsort(model->repeat, model->repeats, sizeof(*model->repeat), by_time);
}
