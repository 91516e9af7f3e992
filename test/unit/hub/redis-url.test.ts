import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readRedisUrl } from '../../../hub/redis-url.ts'

const read = (text: string | undefined, password?: string) => {
  const faults: string[] = []
  return { url: readRedisUrl(text, password, faults), faults }
}

test('a password that comes apart from the URL may be of any characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (password) => {
      const { url, faults } = read('rediss://redis.example:6380/2', password)
      assert.deepEqual(faults, [])
      const { password: found, host, pathname, username } = new URL(url!)
      assert.equal(decodeURIComponent(found), password)
      assert.deepEqual([host, pathname, username], ['redis.example:6380', '/2', ''])
    }),
  )
})

test('a URL that has a password keeps it, and one without any needs none', () => {
  assert.equal(read('redis://:own@h:1', 'other').url, 'redis://:own@h:1')
  assert.equal(read('redis://user@h', 'p').url, 'redis://user:p@h')
  for (const url of ['redis://h', 'redis://h:6379/1', '/run/redis.sock']) {
    assert.deepEqual(read(url, ''), { url, faults: [] })
  }
  assert.equal(read(undefined, 'p').url, undefined)
})

test('what is no URL of a Redis is told, and no password with it', () => {
  for (const text of [
    'redis.example:6379',
    'http://h:6379',
    'redis://:s3c#ret@h',
    'redis://',
    'x',
  ]) {
    const { faults } = read(text)
    assert.equal(faults.length, 1, text)
    assert.match(faults[0]!, /^--redis: not a URL .* REDIS_PASSWORD$/)
    assert.ok(!faults[0]!.includes('s3c'))
  }
})
