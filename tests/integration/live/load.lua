-- SPDX-License-Identifier: MIT
--
-- Load whose every answer is known, for wrk: GET /item?n=N is answered by "N M", once each, M being what
-- the row of N has. Another answer, or one that nobody waits for, is wrong.
local threads = {}
local asked, last = {}, 0
answered, wrong, example = 0, 0, ""

function setup(thread)
  table.insert(threads, thread)
end

function request()
  last = last + 1
  asked[last] = true
  return wrk.format("GET", "/item?n=" .. last)
end

function response(status, _, body)
  local n = tonumber(body:match("^(%d+) "))
  if status == 200 and n and asked[n] and body == n .. " " .. n % 100 * 7919 .. "\n" then
    asked[n] = nil
    answered = answered + 1
  else
    wrong = wrong + 1
    example = status .. ": " .. body
  end
end

function done(summary)
  local good, bad, shown = 0, 0, ""
  for _, thread in ipairs(threads) do
    good = good + thread:get("answered")
    bad = bad + thread:get("wrong")
    shown = shown .. thread:get("example")
  end
  local e = summary.errors
  print("failed " .. bad + e.connect + e.read + e.write + e.status + e.timeout .. " " .. shown)
  print("answered " .. good)
end
