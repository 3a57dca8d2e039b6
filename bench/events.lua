-- The load for wrk: POSTs of 1 KB events, three for each call, every call's id its own.
--
-- wrk cannot tie a call to a connection. So the update and the end of a call follow its start at a distance far above
-- the number of connections: by then the event before was accepted. Arguments: a prefix for the ids, the distance in
-- calls, the path, and the API key ("-" for none).

local prefix, distance, path, key

function init(args)
  prefix, distance, path, key = args[1], tonumber(args[2]), args[3], args[4]
  wrk.method = "POST"
  wrk.path = path
  wrk.headers["content-type"] = "application/json"
  if key ~= "-" then
    wrk.headers["authorization"] = "Bearer " .. key
  end
end

local party = '{"type":"%s","phone":"+390461171%04d","name":"Giulia Bianchi","company":"Example S.r.l.",'
  .. '"email":"giulia.bianchi@example.com","userId":"4711","userExtension":"204","userDepartment":"Sales",'
  .. '"groupId":"12","groupName":"Sales north","userAgent":"Example SIP phone 4.2.1","userDevice":"desk"}'
local caller, callee = string.format(party, "REMOTE", 4711), string.format(party, "LOCAL", 204)
local data = '"data":{"status":"%s","caller":' .. caller .. ',"callee":' .. callee
  .. ',"service":null,"destination":"+390461171204","trunkName":"provider-1","queueName":"sales","queueId":"q1",'
  .. '"tags":["vip","callback"],"flags":["recorded"],"notes":"' .. string.rep("x", 240) .. '"%s}}'
local kinds = {
  [0] = '"type":"call:start",' .. string.format(data, "CONNECTING", ""),
  [1] = '"type":"call:update",' .. string.format(data, "TALKING", ""),
  [2] = '"type":"call:end",'
    .. string.format(data, "TALKING", ',"endCause":"16","endCauseStr":"Normal Clearing","endBy":"CALLER"'),
}

local sent = 0

function request()
  local kind = sent % 3
  local call = (sent - kind) / 3 - kind * distance
  sent = sent + 1
  if call < 1 then -- too early for an update or an end (and wrk makes one request just to look at it)
    return wrk.format(nil, nil, nil, string.format('{"id":"%s-first-%d",%s', prefix, sent, kinds[0]))
  end
  return wrk.format(nil, nil, nil, string.format('{"id":"%s-%d",%s', prefix, call, kinds[kind]))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d microseconds=%d refused=%d failed=%d p50=%d p99=%d\n",
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
