-- SPDX-License-Identifier: MIT
--
-- The readers of the demo, for wrk: every GET of the parts service, in turn, so that each operation
-- and each data function has calls. Arguments: the bearer token.

local paths = {
    "/parts/?skip=%d&limit=20",
    "/parts/?part_type=consumable&skip=%d&limit=20",
    "/parts/?is_proprietary=true&include_count=true&skip=%d&limit=20",
    "/parts/search?q=fil&skip=%d&limit=20",
    "/parts/search?q=fil&lang=de&skip=%d&limit=20",
    "/parts/search?q=fil&multilingual=true&include_count=true&skip=%d&limit=20",
    "/parts/with-inventory?skip=%d&limit=20",
    "/parts/with-inventory?include_count=true&skip=%d&limit=20",
    "/parts/search-with-inventory?q=fil&skip=%d&limit=20",
    "/parts/by-type/wear_part?skip=%d&limit=20",
    "/parts/by-type/tool?include_count=true&skip=%d&limit=20",
    "/parts/reorder-suggestions?skip=%d&limit=20",
    "/parts/%d",
    "/parts/%d?include=inventory",
    "/parts/%d?include=usage",
    "/parts/%d/usage",
    "/healthz",
}

local turn, number = 0, 0

function init(args)
    wrk.headers["Authorization"] = "Bearer " .. args[1]
end

function request()
    turn = turn % #paths + 1
    number = number % 5000 + 1
    return wrk.format("GET", string.format(paths[turn], number))
end
