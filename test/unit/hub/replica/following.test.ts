import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { createFollowing } from '../../../../hub/replica/following.ts'
import type { LeaderLink } from '../../../../hub/replica/leader-link.ts'

interface TestLink extends LeaderLink {
  readonly address: string
  closed: boolean
  /** Connects. */
  connect_(): void
}

function startWorld() {
  const links: TestLink[] = []
  let changes = 0
  let now = 0
  let timers: { at: number; run: () => void }[] = []
  const following = createFollowing({
    reach(address) {
      const ready = Promise.withResolvers<void>()
      const link: TestLink = {
        address,
        closed: false,
        up: false,
        ready: () => ready.promise,
        connect_: ready.resolve,
        sync: () => assert.fail(),
        enrol: () => assert.fail(),
        connect: () => assert.fail(),
        // As with a channel: who waits for it is told nothing.
        close: () => (link.closed = true),
      }
      links.push(link)
      return link
    },
    onChange: () => (changes += 1),
    monotonic: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run }
      timers.push(timer)
      return () => (timers = timers.filter((one) => one !== timer))
    },
  })
  return {
    following,
    links,
    changes: () => changes,
    pass(ms: number) {
      now += ms
      for (const { at, run } of timers) if (at <= now) run()
    },
  }
}

const isNoLeader = (error: unknown): boolean =>
  error instanceof HubError && error.code === 'no_leader'

describe('the way to whoever leads', () => {
  it('is opened anew when another leads, and what went by the old one is told', async () => {
    const { following, links, changes } = startWorld()
    following.turnTo('one:1')
    links[0]!.connect_()
    assert.equal(await following.link(1_000), links[0])
    following.turnTo('one:1')
    assert.equal(changes(), 0)
    following.turnTo('two:1')
    assert.equal(changes(), 1)
    assert(links[0]!.closed)
    assert.deepEqual(
      links.map(({ address }) => address),
      ['one:1', 'two:1'],
    )
  })

  it('who waits for a leader that is gone gets the next one', async () => {
    const { following, links } = startWorld()
    following.turnTo('one:1')
    const waiting = following.link(1_000)
    following.turnTo('two:1')
    links[1]!.connect_()
    assert.equal(await waiting, links[1])
  })

  it('who waits while none is known gets the first one', async () => {
    const { following, links } = startWorld()
    const waiting = following.link(1_000)
    following.turnTo('one:1')
    links[0]!.connect_()
    assert.equal(await waiting, links[0])
  })

  it('nobody waits longer than was said, nor for one that is closed', async () => {
    const { following, pass } = startWorld()
    const waiting = following.link(1_000)
    pass(1_000)
    await assert.rejects(waiting, isNoLeader)
    following.turnTo('one:1')
    const other = following.link(1_000)
    following.close()
    await assert.rejects(other, isNoLeader)
    await assert.rejects(following.link(1_000), isNoLeader)
  })
})
