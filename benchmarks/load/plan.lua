-- What each thread of wrk does with `plan`, a table that stands above. A thread has one connection.
local threads = {}

function setup(thread)
  thread:set("index", #threads)
  table.insert(threads, thread)
end

function init(args)
  wrong, sent, number = 0, 0, 0
  token = plan.tokens[index % math.max(#plan.tokens, 1) + 1] or ""
  expected = filled(plan.expect)
  if plan.next_token == "" and not plan.body:find("{number}", 1, true) then
    fixed = formatted()
  end
end

function filled(text)
  text = text:gsub("{token}", token):gsub("{number}", string.format("%d", number))
  return (text:gsub("{index}", string.format("%d", index)))
end

function formatted()
  local headers = {}
  for name, text in pairs(plan.headers) do
    headers[name] = filled(text)
  end
  local body = plan.body ~= "" and filled(plan.body) or nil
  return wrk.format(plan.method, plan.path, headers, body)
end

function request()
  if fixed then
    return fixed
  end
  number = index + sent * plan.connections
  if plan.wraps > 0 then
    number = number % plan.wraps
  end
  number = plan.first + number
  sent = sent + 1
  expected = filled(plan.expect)
  return formatted()
end

function response(status, headers, body)
  local is_right = status >= 200 and status < 300 and body:find(expected, 1, true) ~= nil
  if plan.next_token ~= "" then
    local found = body:match('"' .. plan.next_token .. '"%s*:%s*"([^"]+)"')
    is_right = is_right and found ~= nil
    token = found or token
  end
  if not is_right then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("wrong")
  end
  print(string.format(
    'RESULT {"requests": %d, "seconds": %f, "wrong": %d, "p50_ms": %f, "p99_ms": %f}',
    summary.requests, summary.duration / 1e6, failed, latency:percentile(50) / 1000, latency:percentile(99) / 1000
  ))
end
