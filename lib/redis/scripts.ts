import { EPOCH } from '../broker/position.ts'
import { ENTRY_HEAD } from './envelope.ts'

/** What Redis does in one go, in its own language. The server knows each by the hash of its text. */
export type ScriptName =
  | 'append'
  | 'read'
  | 'clear'
  | 'write'
  | 'erase'
  | 'beat'
  | 'depart'
  | 'change'
  | 'fill'
  | 'list'
  | 'renew'

/** The server's time in milliseconds: nodes' clocks differ. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** Keys live at least so long from now on. */
const KEEP = `
local function keep(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end
`

/** Lua writes large numbers as 1.7e+12 where it is not told better. */
const WHOLE = `
local function whole(number) return string.format('%.0f', number) end
`

/** How many nodes a stream remembers, of those that appended to it, and how many are forgotten together. */
const REMEMBERED = 96

/**
 * Appends. KEYS: the entries, their meta and, of an open stream, the value. ARGV: node, its number of this entry, the
 * entry, limit, ttl, memory, the command that publishes, the channel, the head of the envelope, the server's run.
 *
 * The channel is no key: a cluster that is just moving the slot would wait for it to exist.
 *
 * A node's numbers rise. So an entry that was sent twice, because nobody answered, is in the stream once; the answer is
 * then its position, or nothing where that is not known any more. Where the server's run is another, entries may have been
 * lost with the one before: positions go on above all that can have been given.
 */
const append = `${NOW}${KEEP}${WHOLE}
local meta = redis.call('HMGET', KEYS[2], 'last', 'run', 'node:' .. ARGV[1])
if meta[3] then
  local number, position = string.match(meta[3], '^(%d+) (%d+)$')
  if tonumber(number) == tonumber(ARGV[2]) then return position end
  if tonumber(number) > tonumber(ARGV[2]) then
    local mark = string.sub(ARGV[3], 1, ${ENTRY_HEAD})
    for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1000)) do
      if string.sub(entry[2][2], 1, ${ENTRY_HEAD}) == mark then return string.match(entry[1], '^%d+') end
    end
    return ''
  end
end
local last = tonumber(meta[1] or -1)
local floor = now - ${EPOCH}
if last < 0 then
  last = floor
  redis.call('HSET', KEYS[2], 'first', whole(last + 1), 'run', ARGV[10])
elseif meta[2] ~= ARGV[10] then
  redis.call('HSET', KEYS[2], 'run', ARGV[10])
  if floor > last then
    redis.call('HSET', KEYS[2], 'from', whole(last), 'to', whole(floor))
    last = floor
  end
end
if not meta[3] and redis.call('HLEN', KEYS[2]) > ${REMEMBERED} then
  local nodes = {}
  local fields = redis.call('HGETALL', KEYS[2])
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 5) == 'node:' then
      table.insert(nodes, { fields[i], tonumber(string.match(fields[i + 1], ' (%d+)$')) })
    end
  end
  table.sort(nodes, function(one, other) return one[2] < other[2] end)
  for i = 1, math.floor(#nodes / 2) do redis.call('HDEL', KEYS[2], nodes[i][1]) end
end
local position = whole(last + 1)
redis.call('HSET', KEYS[2], 'last', position, 'node:' .. ARGV[1], ARGV[2] .. ' ' .. position)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], position .. '-' .. whole(now + ARGV[5]), 'e', ARGV[3])
keep(KEYS[1], ARGV[5])
keep(KEYS[2], ARGV[6])
if KEYS[3] then
  redis.call('SET', KEYS[3], string.sub(ARGV[3], ${ENTRY_HEAD + 1}), 'PX', ARGV[5])
end
redis.call(ARGV[7], ARGV[8], ARGV[9] .. struct.pack('>I8', last + 1) .. ARGV[3])
return position
`

/**
 * Reads. KEYS: the entries, their meta and, of an open stream, the value. ARGV: after what, or nothing for the newest;
 * how many; how large the value may be. Answers with last, first, from, to, the time, the entries, the value and the newest
 * entry. In the place of a value that is too large there is its size, and -1 for one that is no string: it is another program's.
 */
const read = `${NOW}${WHOLE}
local meta = redis.call('HMGET', KEYS[2], 'last', 'first', 'from', 'to')
local entries = {}
if ARGV[1] ~= '' then
  entries = redis.call('XRANGE', KEYS[1], whole(ARGV[1] + 1), '+', 'COUNT', ARGV[2])
elseif ARGV[2] ~= '0' then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[2])
  for i = #newest, 1, -1 do table.insert(entries, newest[i]) end
end
local answer = { meta[1], meta[2], meta[3], meta[4], whole(now), entries, false, false }
if KEYS[3] then
  local size = redis.pcall('STRLEN', KEYS[3])
  if type(size) ~= 'number' then answer[7] = -1
  elseif size > tonumber(ARGV[3]) then answer[7] = size
  else answer[7] = redis.call('GET', KEYS[3]) end
  answer[8] = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1] or false
end
return answer
`

/** Takes out all entries. KEYS: the entries and, of an open stream, the value. Answers with how many of them there were. */
const clear = `
return redis.call('DEL', unpack(KEYS))
`

/**
 * Writes a record. KEYS: it. ARGV: the new version, the one that it has to have, nothing for none or * for any, the bytes,
 * ttl. Answers with what is there instead, or nothing.
 */
const write = `
local current = redis.call('HMGET', KEYS[1], 'version', 'bytes')
if current[1] ~= ARGV[1] then
  if ARGV[2] ~= '*' and (current[1] or '') ~= ARGV[2] then return { current[1], current[2] } end
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'bytes', ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return false
`

/** Deletes a record. KEYS: it. ARGV: the version that it has to have, or * for any. */
const erase = `
if ARGV[1] ~= '*' and redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`

/** Whether a field of the leases is a node's: the others have short names. */
const IS_NODE = `
local function is_node(field) return string.len(field) == 16 end
`

/**
 * Renews a lease, as `Leases` of the broker port says. KEYS: all leases. ARGV: node, how long, how much may pass between two
 * beats, for how long to remember, the server's run. Answers with when the node's lease began, whether who is not live is dead,
 * and all that are live. Where the server's run is another, leases may have been lost with the one before.
 */
const beat = `${NOW}${WHOLE}${IS_NODE}
local kept = redis.call('HMGET', KEYS[1], 'time', 'clock', 'since', 'run')
local lease = tonumber(ARGV[2])
local passed = now - (kept[2] or now)
local time = (kept[1] or now) + math.max(0, math.min(passed, tonumber(ARGV[3])))
local is_other_run = ARGV[5] ~= '' and kept[4] and kept[4] ~= ARGV[5]
local is_anew = not kept[1] or passed >= lease or is_other_run
local complete = is_anew and time or tonumber(kept[3])
local began = whole(time)
local live = { ARGV[1] }
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local node = fields[i]
  if is_node(node) then
    local ends, since = string.match(fields[i + 1], '^(%d+) (%d+)$')
    if not is_anew and tonumber(ends) <= time then
      redis.call('HDEL', KEYS[1], node)
    elseif node == ARGV[1] then
      began = since
    else
      if is_anew then redis.call('HSET', KEYS[1], node, whole(time + lease) .. ' ' .. since) end
      table.insert(live, node)
    end
  end
end
redis.call('HSET', KEYS[1], 'time', whole(time), 'clock', whole(now), 'since', whole(complete),
  ARGV[1], whole(time + lease) .. ' ' .. began)
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'run', ARGV[5]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { began, time - complete >= lease and 1 or 0, live }
`

/** Gives a lease back; the last one takes everything with it. KEYS: all leases. ARGV: node. */
const depart = `${IS_NODE}
redis.call('HDEL', KEYS[1], ARGV[1])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if is_node(field) then return 0 end
end
return redis.call('DEL', KEYS[1])
`

/** Counts a change of a roster, and tells of it. Its version begins above all that can have been given. */
const CHANGED = `${NOW}${KEEP}${WHOLE}
local function changed(index, ttl, command, channel, head, change)
  local version = tonumber(redis.call('HGET', index, 'version') or (now - ${EPOCH})) + 1
  redis.call('HSET', index, 'version', whole(version))
  keep(index, ttl)
  redis.call(command, channel, head .. struct.pack('>I8', version) .. change)
end
`

/**
 * Enters a member or takes it out. KEYS: the index, the node's members. ARGV: ttl, the command that publishes, the
 * head of the envelope, the change, node, the channel, 1 or 0, member, its bytes.
 */
const change = `${CHANGED}
if ARGV[7] == '1' then
  redis.call('HSET', KEYS[1], ARGV[5], 1)
  redis.call('HSET', KEYS[2], ARGV[8], ARGV[9])
  keep(KEYS[2], ARGV[1])
else
  redis.call('HDEL', KEYS[2], ARGV[8])
  if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('HDEL', KEYS[1], ARGV[5]) end
end
changed(KEYS[1], ARGV[1], ARGV[2], ARGV[6], ARGV[3], ARGV[4])
`

/** Replaces all members of a node. KEYS and ARGV as above; from the seventh on, members and their bytes. */
const fill = `${CHANGED}
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[1], ARGV[5])
for i = 7, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if #ARGV > 6 then
  redis.call('HSET', KEYS[1], ARGV[5], 1)
  keep(KEYS[2], ARGV[1])
end
changed(KEYS[1], ARGV[1], ARGV[2], ARGV[6], ARGV[3], ARGV[4])
`

/** Lists a roster. KEYS: the index. Answers with its version, and each node with its members and their bytes. */
const list = `
local answer = { redis.call('HGET', KEYS[1], 'version') }
for _, node in ipairs(redis.call('HKEYS', KEYS[1])) do
  if node ~= 'version' then
    local members = redis.call('HGETALL', KEYS[1] .. ':' .. node)
    if #members == 0 then redis.call('HDEL', KEYS[1], node) end
    table.insert(answer, { node, members })
  end
end
return answer
`

/**
 * Lets a node's members live on. KEYS: the index, the node's members. ARGV: ttl. Answers with the roster's version and how
 * many members there are.
 */
const renew = `${KEEP}
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return { redis.call('HGET', KEYS[1], 'version'), redis.call('HLEN', KEYS[2]) }
`

export const scripts: Readonly<Record<ScriptName, string>> = {
  append,
  read,
  clear,
  write,
  erase,
  beat,
  depart,
  change,
  fill,
  list,
  renew,
}
