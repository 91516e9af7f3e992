import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAlerting } from '../../../../hub/alert/alerting.ts'
import type { Courier, Whereabouts } from '../../../../hub/alert/bullmq.ts'
import type { Letter } from '../../../../hub/alert/payload.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'
import type { Decision, LedgerEntry } from '../../../../hub/ledger/entry.ts'
import { emptyState, foldEntry, type LedgerState } from '../../../../hub/ledger/replay.ts'

const head = (kind: string, name: string) =>
  `apiVersion: groundswell.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`
const withProviders = (...names: readonly string[]) =>
  loadFleet(`main@sha1:${'1'.repeat(40)}`, [
    {
      path: 'fleet.yaml',
      bytes: Buffer.from(
        [
          ...names.map(
            (name) =>
              `${head('NotificationProvider', name)}spec: { type: webhook, address: "https://x.example" }`,
          ),
          `${head('Alert', 'all')}spec: { providers: [${names.join(', ')}], eventSources: [{ kind: Application }, { kind: Cluster }] }`,
        ].join('\n---\n'),
      ),
    },
  ])

const fleet = withProviders('ops')

/** Redis as the courier has it: it can lose everything, or be away. */
function createMail() {
  const jobs = new Map<string, Whereabouts>()
  const sent: Letter[] = []
  let away = false
  let deliver: (letter: Letter) => Promise<void> = async () => {}
  let ended: Parameters<Courier['listen']>[1] = () => {}
  const letters = new Map<string, Letter>()
  let served: string[] = []
  const courier: Courier = {
    async post(letter) {
      if (away) throw new Error('Redis is away')
      const known = jobs.get(letter.id) ?? 'none'
      if (known !== 'none') return known
      jobs.set(letter.id, 'underWay')
      letters.set(letter.id, letter)
      return 'underWay'
    },
    where: async ({ id }) => jobs.get(id) ?? 'none',
    serve: async (providers) => void (served = [...providers]),
    listen(how, done) {
      deliver = how
      ended = done
    },
    close: async () => {},
  }
  return {
    courier,
    sent,
    jobs,
    setAway: (is: boolean) => (away = is),
    flush: () => jobs.clear(),
    served: () => served,
    /** Sends all that is there, or all to one provider. */
    async work(provider?: string) {
      for (const [id, where] of jobs) {
        if (where !== 'underWay') continue
        const letter = letters.get(id)!
        if (provider !== undefined && letter.provider !== provider) continue
        await deliver(letter)
        jobs.set(id, 'sent')
        ended(letter, 'sent', '')
      }
    },
  }
}

/** A ledger that outlives hubs. */
function createLedger() {
  const entries: LedgerEntry[] = []
  let head = emptyChain
  let onEntry: (entry: LedgerEntry) => void = () => {}
  const states: LedgerState[] = []
  return {
    entries,
    ledger: {
      get head() {
        return head.index
      },
      async append(actor: string, decisions: readonly Decision[]) {
        const made = extendChain(head, 1_000, actor, decisions)
        head = made.head
        for (const entry of made.entries) {
          entries.push(entry)
          for (const state of states) foldEntry(state, entry)
          onEntry(entry)
        }
        return made.entries
      },
      async *read(after = 0) {
        yield* entries.slice(after)
      },
    },
    open(listener: typeof onEntry) {
      onEntry = listener
      const state = emptyState()
      for (const entry of entries) foldEntry(state, entry)
      states.splice(0, 1, state)
      return state
    },
  }
}

function startHub(
  book: ReturnType<typeof createLedger>,
  mail: ReturnType<typeof createMail>,
  known = fleet,
) {
  const told: string[] = []
  const sent: string[] = []
  const late: (() => void)[] = []
  let hub: ReturnType<typeof createAlerting> | undefined
  const state = book.open((entry) => hub?.onEntry(entry))
  let now = 2_000
  hub = createAlerting({
    ...{ fleetName: 'f', fleet: () => known, state, ledger: book.ledger, courier: mail.courier },
    send: async (_provider, letter) => {
      sent.push(letter.notice.message)
      mail.sent.push(letter)
    },
    clock: () => now,
    tell: ({ type, message }) => told.push(`${type}: ${message}`),
    log: () => {},
    later: (_ms, run) => late.push(run),
    signal: new AbortController().signal,
  })
  hub.begin()
  return {
    hub,
    sent,
    told,
    state,
    setFleet: (next: typeof fleet) => (known = next),
    pass: (ms: number) => (now += ms),
    flushNews: () => {
      for (const run of late.splice(0)) run()
    },
  }
}

const released = (reason: string): Decision => ({
  type: 'hold.released',
  application: 'shop',
  reason,
})

describe('telling what was decided', () => {
  test('begins with what comes after the provider did, and tells each once', async () => {
    const [book, mail] = [createLedger(), createMail()]
    await book.ledger.append('a', [released('old')])
    const { hub, sent } = startHub(book, mail)
    await hub.sweep()
    await book.ledger.append('a', [released('one')])
    await hub.sweep()
    await mail.work()
    await hub.sweep()
    await mail.work()
    assert.deepEqual(sent, ['one'])
  })

  test('goes on after a restart where it was, with Redis as it was: none twice, none lost', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const first = startHub(book, mail)
    await first.hub.sweep()
    await book.ledger.append('a', [released('one')])
    await first.hub.sweep()
    await mail.work()
    // Sent, and not written down yet; and decided while nobody was there.
    await book.ledger.append('a', [released('two')])
    const second = startHub(book, mail)
    await second.hub.sweep()
    await mail.work()
    assert.deepEqual(
      mail.sent.map(({ notice }) => notice.message),
      ['one', 'two'],
    )
  })

  test('loses nothing with Redis: what was under way is posted again, under the same id', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const { hub, sent } = startHub(book, mail)
    await hub.sweep()
    await book.ledger.append('a', [released('one'), released('two')])
    await hub.sweep()
    const before = [...mail.jobs.keys()]
    mail.flush()
    await hub.sweep()
    assert.deepEqual([...mail.jobs.keys()], before)
    await mail.work()
    assert.deepEqual(sent, ['one', 'two'])
  })

  test('loses nothing with Redis and the hub at once', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const first = startHub(book, mail)
    await first.hub.sweep()
    await book.ledger.append('a', [released('one')])
    await first.hub.sweep()
    await mail.work()
    await first.hub.sweep()
    await book.ledger.append('a', [released('two')])
    mail.flush()
    const second = startHub(book, mail)
    await second.hub.sweep()
    await mail.work()
    assert.deepEqual(second.sent, ['two'], 'what was written down as told is not told again')
  })

  test('goes on when Redis is back', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const { hub, sent } = startHub(book, mail)
    await hub.sweep()
    mail.setAway(true)
    await book.ledger.append('a', [released('one')])
    await hub.sweep()
    mail.setAway(false)
    await hub.sweep()
    await mail.work()
    assert.deepEqual(sent, ['one'])
  })

  test('writes nothing down for what it wrote down', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const { hub } = startHub(book, mail)
    await hub.sweep()
    await book.ledger.append('a', [released('one')])
    await hub.sweep()
    await mail.work()
    await hub.sweep()
    const { length } = book.entries
    for (let at = 0; at < 5; at += 1) await hub.sweep()
    assert.equal(book.entries.length, length)
  })
})

describe('a provider that takes nothing', () => {
  const both = withProviders('dead', 'ops')
  const sentTo = (mail: ReturnType<typeof createMail>, name: string) =>
    mail.sent.filter(({ provider }) => provider === name).map(({ notice }) => notice.message)

  test('keeps no other from being told what was decided, and is told all of it once it does', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const { hub, told, state } = startHub(book, mail, both)
    await hub.sweep()
    const all = Array.from({ length: 2_500 }, (_, at) => String(at))
    await book.ledger.append('a', all.map(released))
    for (let round = 0; round < 10; round += 1) {
      await hub.sweep()
      await mail.work('ops')
    }
    await hub.sweep()
    assert.deepEqual(sentTo(mail, 'ops'), all)
    assert.equal(sentTo(mail, 'dead').length, 0)
    const held = told.filter((line) => line.startsWith('notification.held: dead has 500 '))
    assert.equal(held.length, 1)
    const [toldOps = 0, toldDead = 0] = ['ops', 'dead'].map((name) => state.told.get(name))
    assert(toldOps > toldDead + 2_000, `${toldOps} ${toldDead}`)
    for (let round = 0; round < 10; round += 1) {
      await mail.work()
      await hub.sweep()
    }
    assert.deepEqual(sentTo(mail, 'dead'), all)
    assert.deepEqual(sentTo(mail, 'ops'), all)
  })

  test('misses what is seen while it is at its bound, and no other does', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const it = startHub(book, mail, both)
    await it.hub.sweep()
    const all = Array.from({ length: 500 }, (_, at) => released(String(at)))
    await book.ledger.append('a', all)
    await it.hub.sweep()
    await mail.work('ops')
    const news = { type: 'drift.detected', actor: 'a', subject: 'application/shop', message: 'x' }
    it.hub.onNews(news)
    it.flushNews()
    await it.hub.sweep()
    await mail.work()
    assert.equal(sentTo(mail, 'ops').at(-1), 'x')
    assert(!sentTo(mail, 'dead').includes('x'))
  })

  test('is held no more once Git has it no more, and its queue is cleared', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const it = startHub(book, mail, both)
    await it.hub.sweep()
    await book.ledger.append('a', [released('one')])
    await it.hub.sweep()
    await mail.work('ops')
    it.setFleet(fleet)
    mail.flush()
    await it.hub.sweep()
    assert.deepEqual([mail.served(), mail.jobs.size], [['ops'], 0])
  })
})

describe('telling what was seen', () => {
  const drift = { type: 'drift.detected', actor: 'a', subject: 'application/shop', message: 'a: x' }

  test('together, and the same not again for a while', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const it = startHub(book, mail)
    await it.hub.sweep()
    for (const message of ['a: x', 'b: x', 'a: x']) it.hub.onNews({ ...drift, message })
    it.flushNews()
    await it.hub.sweep()
    await mail.work()
    assert.deepEqual(it.sent, ['2 times drift.detected:\na: x\nb: x'])
    it.hub.onNews(drift)
    it.flushNews()
    it.pass(6 * 60_000)
    it.hub.onNews(drift)
    it.flushNews()
    await it.hub.sweep()
    await mail.work()
    assert.equal(it.sent.length, 2)
  })

  test('a storm is bounded', async () => {
    const [book, mail] = [createLedger(), createMail()]
    const it = startHub(book, mail)
    await it.hub.sweep()
    for (let at = 0; at < 20_000; at += 1) {
      it.hub.onNews({ ...drift, subject: `cluster/c${at}`, type: 'cluster.disconnected' })
    }
    it.flushNews()
    await it.hub.sweep()
    await mail.work()
    assert.equal(it.sent.length, 1)
  })
})
