/* SPDX-License-Identifier: MIT */
/*
 * The table of scenarios, in the order in which they run: those that write come last, so that the
 * catalogue is still while the others count it.
 */
#include "validate/scenario.h"

const struct val_scenario val_scenarios[] = {
    {"pagination", "Pages follow each other, far beyond part 200; totals stay the same.", 6,
     val_round_pagination},
    {"filtering", "By type, ownership, manufacturer; the parts of a whole add up to it.", 7,
     val_round_filtering},
    {"by-type", "The parts of one type, counted and not.", 2, val_round_by_type},
    {"part", "Single parts; one that has not changed; one that does not exist.", 3, val_round_part},
    {"search", "By words, by part number, by what nothing has.", 3, val_round_search},
    {"multilingual", "In one language, in all of them, counted.", 3, val_round_multilingual},
    {"inventory", "Parts with their stock, listed, counted, single.", 3, val_round_inventory},
    {"search-inventory", "Search with stock.", 2, val_round_search_inventory},
    {"usage", "What was used of a part, and how much in all.", 2, val_round_usage},
    {"reorder", "What runs low, everywhere and in one warehouse.", 2, val_round_reorder},
    {"write", "Makes a part, finds it, changes it, deletes it.", 8, val_round_write},
};

const size_t val_scenario_count = sizeof(val_scenarios) / sizeof(val_scenarios[0]);

_Static_assert(sizeof(val_scenarios) / sizeof(val_scenarios[0]) <= 64, "a bit for each");
