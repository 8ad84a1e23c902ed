-- Bearer tokens for wrk:  wrk -s tokens.lua URL -- known COUNT
--                         wrk -s tokens.lua URL -- new RUN       (RUN makes the tokens of each run its own)
-- The last line of what is printed is JSON.

local kind, choice, counter = "", "", 0
local known = {}
local before, after = "", ""

function init(arguments)
   kind, choice = arguments[1], arguments[2]
   wrk.headers["Authorization"] = "Bearer HERE"
   before, after = string.match(wrk.format("GET"), "^(.*)HERE(.*)$")
   if kind == "known" then
      for number = 1, tonumber(choice) do
         known[number] = before .. string.format("known-%037d", number - 1) .. after
      end
   end
end

function request()
   counter = counter + 1
   if kind == "known" then
      return known[counter % #known + 1]
   end
   return before .. string.format("new-%s-%026d", choice, counter) .. after
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50": %d, "p99": %d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
