/* Parts of scripts that run in Redis. */

/** Drops keys that are not of these kinds, in the order of KEYS: what somebody made into another kind is as good as lost. */
export function dropOtherKinds(kinds: readonly ('hash' | 'list' | 'string' | 'zset')[]): string {
  return `
for at, kind in ipairs({ ${kinds.map((kind) => `'${kind}'`).join(', ')} }) do
  local is = redis.call('TYPE', KEYS[at]).ok
  if is ~= kind and is ~= 'none' then redis.call('DEL', KEYS[at]) end
end`
}

/** Whether a text is a digest by its form, as `isDigest` has it. */
export const isDigestInRedis = `
local function isDigest(text) return text and #text == 71 and string.match(text, '^sha256:%x+$') end`
