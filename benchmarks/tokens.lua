-- Bearer tokens for wrk:  wrk -s tokens.lua URL -- cached COUNT
--                         wrk -s tokens.lua URL -- new RUN       (RUN makes the tokens of each run its own)
-- The last line of what is printed is JSON.

local kind, choice, counter = "", "", 0
local cached = {}
local before, after = "", ""

function init(arguments)
   kind, choice = arguments[1], arguments[2]
   wrk.headers["Authorization"] = "Bearer HERE"
   before, after = string.match(wrk.format("GET"), "^(.*)HERE(.*)$")
   if kind == "cached" then
      for number = 1, tonumber(choice) do
         cached[number] = before .. string.format("cached-%036d", number - 1) .. after
      end
   end
end

function request()
   counter = counter + 1
   if kind == "cached" then
      return cached[counter % #cached + 1]
   end
   return before .. string.format("new-%s-%026d", choice, counter) .. after
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "rejected": %d, "broken": %d, "p50": %d, "p99": %d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
