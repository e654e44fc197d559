"""How a model lies in Redis, and the steps that no reader may see half of, as scripts.

Under cowalk:NAME
  current            the version that readers get
  versions           list of the whole versions, the oldest first
  VERSION:told       hash: dimension (of items), user_dimension, items, users, chunks
  VERSION:items      hash: item id -> float32[d], little-endian
  VERSION:users      hash: user id -> float32[d]; there only if users were published
  VERSION:files      hash: "FILE/N" -> the N-th chunk of a file of the model folder
  history:USER       list: see redis_histories

Keys of a version that is being written expire, so that what a killed publisher left goes by itself; the
switch takes the expiry away.
"""

from __future__ import annotations

from cowalk.online.redis_link import Script

CHUNK = 4 << 20
"""Bytes of a file that stand in one value."""
PARTS = ("told", "items", "users", "files")

# A history and the vectors of its items: which they are is known only on the server.
HISTORY = Script(
    """
    local entries, names = redis.call('LRANGE', KEYS[1], 0, -1), {}
    for n = 1, #entries do names[n] = string.sub(entries[n], string.find(entries[n], ' ', 1, true) + 2) end
    if #names == 0 then return {entries, {}} end
    return {entries, redis.call('HMGET', KEYS[2], unpack(names))}
    """
)

# What a replica needs to begin: the version and its manifest.
HEAD = Script(
    """
    local version = redis.call('GET', KEYS[1] .. ':current')
    if not version then return {} end
    local base = KEYS[1] .. ':' .. version
    return {version, redis.call('HGET', base .. ':files', 'manifest.json/0')}
    """
)

# The switch: refused unless all that was written is still there; then current, kept, and the oldest swept.
# It may come twice, where the answer to the first was lost.
SWITCH = Script(
    """
    local root, version, keep = KEYS[1], ARGV[1], tonumber(ARGV[2])
    if redis.call('LPOS', root .. ':versions', version) then return {} end
    local base = root .. ':' .. version
    local told = redis.call('HMGET', base .. ':told', 'items', 'users', 'chunks')
    for n, kind in ipairs({':items', ':users', ':files'}) do
      if redis.call('HLEN', base .. kind) ~= tonumber(told[n] or -1) then return false end
    end
    for _, kind in ipairs({':told', ':items', ':users', ':files'}) do redis.call('PERSIST', base .. kind) end
    redis.call('RPUSH', root .. ':versions', version)
    redis.call('SET', root .. ':current', version)
    local swept = {}
    while redis.call('LLEN', root .. ':versions') > keep do
      local old = redis.call('LPOP', root .. ':versions')
      for _, kind in ipairs({':told', ':items', ':users', ':files'}) do
        redis.call('UNLINK', root .. ':' .. old .. kind)
      end
      swept[#swept + 1] = old
    end
    return swept
    """
)

# What a publisher wrote and did not finish; never a version whose switch went through unanswered.
DROP = Script(
    """
    local root, version = KEYS[1], ARGV[1]
    if redis.call('LPOS', root .. ':versions', version) then return 0 end
    for _, kind in ipairs({':told', ':items', ':users', ':files'}) do
      redis.call('UNLINK', root .. ':' .. version .. kind)
    end
    return 1
    """
)

# Rows of users into a version that is whole, or nothing: a version that was swept must not come back in part.
PUT_USERS = Script(
    """
    local dimension = redis.call('HGET', KEYS[1] .. ':told', 'user_dimension')
    if not dimension or redis.call('TTL', KEYS[1] .. ':told') ~= -1 then return false end
    if dimension == ARGV[1] then redis.call('HSET', KEYS[1] .. ':users', unpack(ARGV, 2)) end
    return dimension
    """
)
