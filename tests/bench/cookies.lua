-- wrk: each request takes the next line of the file $COOKIES as its Cookie header; none without the file.
-- At the end one line for the program that started wrk.
local requests, at = {}, 0

function init(args)
  local path = os.getenv("COOKIES")
  if path and path ~= "" then
    for line in io.lines(path) do
      wrk.headers["Cookie"] = line
      requests[#requests + 1] = wrk.format("GET")
    end
  else
    requests[1] = wrk.format("GET")
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %.0f %.0f\n", summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
