import assert from 'node:assert/strict'
import { it } from 'node:test'
import { connectRedis } from '../../hub/redis.ts'
import { createWatched } from '../../hub/rollout/watched/redis.ts'
import { startRedis } from '../support/redis.ts'

it('F29: until when a hub watched is known to the next, and told by nothing else', async () => {
  await using server = await startRedis()
  const redis = await connectRedis(server.url, () => {})
  try {
    const watched = createWatched(redis, 'gs:{t}')
    assert.equal(await watched.until(), undefined)
    await watched.note(1_700_000_000_000.4)
    assert.equal(await createWatched(redis, 'gs:{t}').until(), 1_700_000_000_000)
    assert.equal(await createWatched(redis, 'gs:{other}').until(), undefined)
    for (const text of ['', 'soon', '-1', '1e300']) {
      await redis.set('gs:{t}:rollouts:watched', text)
      assert.equal(await watched.until(), undefined, text)
    }
    await redis.del('gs:{t}:rollouts:watched')
    await redis.sadd('gs:{t}:rollouts:watched', 'T32')
    assert.equal(await watched.until(), undefined, 'a key of another kind')
    await watched.note(1_700_000_000_000)
    assert.equal(await watched.until(), 1_700_000_000_000)
  } finally {
    redis.disconnect()
  }
  await createWatched(redis, 'gs:{t}').note(1)
})
