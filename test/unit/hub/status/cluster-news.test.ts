import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClusterNews } from '../../../../hub/status/cluster-news.ts'
import type { HubEvent } from '../../../../hub/status/event.ts'

function news(subject: string): HubEvent {
  return { type: 'seen', actor: 'a', subject, message: 'something' }
}

function play() {
  const world = { now: 0, told: [] as string[], floods: [] as string[] }
  const tell = createClusterNews({
    emit: ({ subject }) => world.told.push(subject),
    onFlood: (cluster) => world.floods.push(cluster),
    monotonic: () => world.now,
  })
  return { world, tell }
}

const flood = (subject: string) => Array.from({ length: 5_000 }, () => news(subject))

describe('news of clusters', () => {
  test('of one whose agent floods is bounded, and that of others is told', () => {
    const { world, tell } = play()
    tell('evil', flood('cluster/evil'))
    assert.equal(world.told.length, 1_000)
    tell('good', [news('cluster/good')])
    assert.equal(world.told.at(-1), 'cluster/good')
    assert.deepEqual(world.floods, ['evil'])
  })

  test('of its applications does not hide that it is gone', () => {
    const { world, tell } = play()
    tell('a', flood('application/web'))
    tell('a', [news('cluster/a')])
    assert.equal(world.told.at(-1), 'cluster/a')
  })

  test('comes through again after a while, and a flood is said again after a minute', () => {
    const { world, tell } = play()
    tell('a', flood('cluster/a'))
    world.now = 1_000
    tell('a', flood('cluster/a'))
    assert.equal(world.told.length, 1_002)
    assert.equal(world.floods.length, 1)
    world.now = 61_000
    tell('a', flood('cluster/a'))
    assert.equal(world.told.length, 1_122)
    assert.equal(world.floods.length, 2)
  })
})
