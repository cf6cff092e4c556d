-- Applies one batch of a shard, whole or not at all.
--
-- Keys of shard N, all with the tag {sN}, so they live on one node of a cluster:
--   {sN}:owner              string   the owner token, "epoch:nonce"
--   {sN}:log:<session>      stream   one entry per segment: id <last seq>-0, fields f <first seq> d <bytes>
--   {sN}:session:<session>  hash     row, member, terms (how it is indexed), snapshot_seq, snapshot
--   {sN}:index:<term>       zset     "<created_at> <session>" with score 0, so it sorts by its bytes;
--                                   in `due`, the score is when the session wakes, in `ended`, when it ended
--
-- KEYS[1]  the owner key
-- ARGV     token, key prefix "{sN}:", number of commits,
--          per commit: session, first seq, last seq, bytes, number of row fields (0 or 3), row, member, terms
--          per snapshot: session, seq, bytes, the seq below it up to which the log is trimmed, or 0
-- Returns  {"applied"}, {"fenced"} or {"conflict", session, expected, found}

local token, prefix, count = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('GET', KEYS[1]) ~= token then
  return {'fenced'}
end

local heads = {}
local function head_of(session)
  if not heads[session] then
    local tail = redis.call('XREVRANGE', prefix .. 'log:' .. session, '+', '-', 'COUNT', 1)[1]
    heads[session] = tail and tonumber(string.match(tail[1], '^%d+')) or 0
  end
  return heads[session]
end

-- Everything is checked before anything is written: a script that fails half-way is not rolled back.
local fresh = {}
local at = 4
for _ = 1, count do
  local session, first, last = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local head = head_of(session)
  if tonumber(first) == head + 1 then
    fresh[#fresh + 1] = at
    heads[session] = tonumber(last)
  else
    local id = last .. '-0'
    local entry = redis.call('XRANGE', prefix .. 'log:' .. session, id, id)[1]
    if not (entry and entry[2][2] == first and entry[2][4] == ARGV[at + 3]) then
      return {'conflict', session, tonumber(first) - 1, head}
    end
  end
  at = at + 5 + tonumber(ARGV[at + 4])
end
local snapshots = at
for i = snapshots, #ARGV, 4 do
  local head, seq = head_of(ARGV[i]), tonumber(ARGV[i + 1])
  if seq < 1 or seq > head then
    return {'conflict', ARGV[i], seq, head}
  end
end

local function reindex(key, member, terms)
  local old = redis.call('HMGET', key, 'member', 'terms')
  if old[1] == member and old[2] == terms then
    return
  end
  if old[1] then
    for name in string.gmatch(old[2], '([^%s@]+)[^%s]*') do
      redis.call('ZREM', prefix .. 'index:' .. name, old[1])
    end
  end
  for name, score in string.gmatch(terms, '([^%s@]+)@?([^%s]*)') do
    redis.call('ZADD', prefix .. 'index:' .. name, score == '' and 0 or score, member)
  end
end

for _, i in ipairs(fresh) do
  local session = ARGV[i]
  redis.call('XADD', prefix .. 'log:' .. session, ARGV[i + 2] .. '-0', 'f', ARGV[i + 1], 'd', ARGV[i + 3])
  if ARGV[i + 4] ~= '0' then
    local key, row, member, terms = prefix .. 'session:' .. session, ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
    reindex(key, member, terms)
    redis.call('HSET', key, 'row', row, 'member', member, 'terms', terms)
  end
end
for i = snapshots, #ARGV, 4 do
  local key = prefix .. 'session:' .. ARGV[i]
  local kept = tonumber(redis.call('HGET', key, 'snapshot_seq') or 0)
  if tonumber(ARGV[i + 1]) > kept then
    redis.call('HSET', key, 'snapshot_seq', ARGV[i + 1], 'snapshot', ARGV[i + 2])
  end
  if ARGV[i + 3] ~= '0' then
    redis.call('XTRIM', prefix .. 'log:' .. ARGV[i], 'MINID', string.format('%d-0', tonumber(ARGV[i + 3]) + 1))
  end
end
return {'applied'}
