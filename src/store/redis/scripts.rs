//! The primitives that no single command does. Each touches its one key alone, so a cluster can route it, and
//! leaves no key without an expiry. What cannot be read is written over, as if nothing stood there.

use std::sync::LazyLock;

use redis::Script;

/// In: now, the version expected (empty: no record), the record, its lifetime. Out: whether it was written.
pub static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local record = redis.pcall('GET', KEYS[1])
         local version = ''
         local ends = type(record) == 'string' and tonumber(string.sub(record, 9, 24))
         if ends and ends > tonumber(ARGV[1]) then
           version = string.sub(record, 1, 8)
         end
         if version ~= ARGV[2] then return 0 end
         redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
         return 1",
    )
});

/// In: now, by, the end of a window opened now, its lifetime, the largest count. Out: the count and its end.
pub static BUMP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now, by = tonumber(ARGV[1]), tonumber(ARGV[2])
         local counter = redis.pcall('GET', KEYS[1])
         if type(counter) == 'string' then
           local ends, value = string.match(counter, '^(%d+) (%d+)$')
           ends, value = tonumber(ends), tonumber(value)
           if ends and ends > now then
             value = math.max(0, math.min(value + by, tonumber(ARGV[5])))
             redis.call('SET', KEYS[1], string.format('%.0f %.0f', ends, value), 'KEEPTTL')
             return {value, ends}
           end
         end
         if by < 0 then return {0, now} end
         redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. ARGV[2], 'PX', ARGV[4])
         return {by, tonumber(ARGV[3])}",
    )
});

/// In: now, the member's end, the member, the slack. The key lives as long as its last member.
pub static INDEX_ADD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local swept = redis.pcall('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
         if type(swept) == 'table' then redis.call('DEL', KEYS[1]) end
         redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
         local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
         local lifetime = math.max(last - tonumber(ARGV[1]), 0) + tonumber(ARGV[4])
         redis.call('PEXPIRE', KEYS[1], string.format('%.0f', lifetime))",
    )
});
