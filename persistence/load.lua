-- Reads a session as of one moment: KEYS[1] its hash, KEYS[2] its stream.
-- Returns {row, snapshot_seq, snapshot, entries after the snapshot}, or nil.

local found = redis.call('HMGET', KEYS[1], 'row', 'snapshot_seq', 'snapshot')
if not found[1] then
  return nil
end
local after = (found[2] or '0') .. '-1'
return {found[1], found[2], found[3], redis.call('XRANGE', KEYS[2], after, '+')}
