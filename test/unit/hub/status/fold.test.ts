import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  type ApplicationReportSchema,
  Health,
  Phase,
  ReportSchema,
} from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import { HelloSchema, VerdictSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import {
  foldEquivocation,
  foldHello,
  foldReport,
  foldStream,
  foldVerdict,
  foldBehind,
  foldWitness,
  unknownCluster,
} from '../../../../hub/status/fold.ts'
import { observeCluster } from '../../../../hub/status/observe.ts'

const blank = unknownCluster('a')
type Told = MessageInitShape<typeof ApplicationReportSchema>
const report = (complete: boolean, ...applications: Told[]) =>
  create(ReportSchema, { sequence: 5n, complete, applications })
const names = (status: typeof blank) => Object.keys(status.applications).sort()

describe('F29: the hub’s clock is set back', () => {
  const told = (applications: Told[]) => report(true, ...applications)
  const isKnown = (status: typeof blank) => observeCluster(status, 'shop').application !== null

  test('what a stream says after it counts as said in it', () => {
    const open = foldStream(blank, 'one', 5_000)
    const reported = foldReport(open, told([{ application: 'shop' }]), 1_000)
    assert.ok(isKnown(reported))
    assert.equal(reported.lastSeen, 1_000)
  })

  test('I8: what was said before it does not count as said in a stream that is opened after it', () => {
    const before = foldReport(
      foldStream(blank, 'one', 5_000),
      told([{ application: 'shop' }]),
      6_000,
    )
    const again = foldStream(before, 'one', 2_000)
    assert.ok(!isKnown(again))
    assert.ok(isKnown(foldReport(again, told([{ application: 'shop' }]), 2_001)))
  })
})

describe('foldReport', () => {
  test('what an application waits for is told until it waits no more', () => {
    const told = (waiting: string) =>
      foldReport(blank, report(false, { application: 'shop', phase: Phase.APPLYING, waiting }), 7)
    const words = 'wave 1 waits for Deployment shop/db, which is InProgress'
    assert.equal(told(words).applications['shop']?.waiting, words)
    assert.equal(observeCluster(told(words), 'shop').application?.message, words)
    assert.ok(!('waiting' in told('').applications['shop']!))
  })

  test('a complete report replaces all that was known, another only what it names', () => {
    const list = fc.uniqueArray(fc.constantFrom('shop', 'web', 'bank', 'blog'))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), list)), (reports) => {
        let status = blank
        let known = new Map<string, number>()
        for (const [now, [complete, list]] of reports.entries()) {
          status = foldReport(
            status,
            report(complete, ...list.map((application) => ({ application }))),
            now,
          )
          if (complete) known = new Map()
          for (const name of list) known.set(name, now)
        }
        const told = Object.entries(status.applications).map(([name, { updatedAt }]) => [
          name,
          updatedAt,
        ])
        assert.deepEqual(new Map(told as [string, number][]), known)
      }),
    )
  })

  test('a report folded twice changes nothing but the time', () => {
    const once = foldReport(blank, report(false, { application: 'shop', healed: 3n }), 7)
    assert.deepEqual(foldReport(once, report(false, { application: 'shop', healed: 3n }), 7), once)
  })

  test('phases, health and counts are taken over', () => {
    const { applications, sequence, lastSeen } = foldReport(
      blank,
      report(true, {
        application: 'shop',
        manifestDigest: digestOf('m'),
        generation: 9n,
        phase: Phase.APPLIED,
        health: Health.IN_PROGRESS,
        objects: 4,
        readyObjects: 3,
        unhealthy: [{ object: '/Pod/n/x', health: Health.FAILED, message: 'crashed' }],
        driftedObjects: 2,
        healed: 1n,
      }),
      123,
    )
    assert.deepEqual([sequence, lastSeen], [5, 123])
    assert.deepEqual(applications['shop'], {
      application: 'shop',
      digest: digestOf('m'),
      generation: 9,
      phase: 'Applied',
      health: 'InProgress',
      objects: 4,
      readyObjects: 3,
      unhealthy: [{ object: '/Pod/n/x', health: 'Failed', message: 'crashed' }],
      errors: [],
      drift: [],
      driftedObjects: 2,
      healed: 1,
      updatedAt: 123,
    })
  })

  test('words of a newer agent that are not known count as the least that can be said', () => {
    const told = { application: 'shop', phase: 99 as Phase, health: 99 as Health }
    const { phase, health } = foldReport(blank, report(true, told), 0).applications['shop']!
    assert.deepEqual([phase, health], ['Pending', 'Unknown'])
  })

  test('a digest that is none is no digest', () => {
    for (const manifestDigest of ['', 'sha256:', 'latest']) {
      const told = report(true, { application: 'shop', manifestDigest })
      assert.equal(foldReport(blank, told, 0).applications['shop']?.digest, null)
    }
  })

  test('I9 lists and texts are clipped, however much an agent sends', () => {
    const text = 'x'.repeat(100_000)
    const many = <T>(item: T): T[] => Array.from({ length: 60 }, () => item)
    const status = foldReport(
      blank,
      report(true, {
        application: 'shop',
        unhealthy: many({ object: text, health: Health.FAILED, message: text }),
        errors: many({ object: text, file: text, code: text, message: text }),
        drift: many({
          object: text,
          // As many as are listed, of no more text than is kept of one cluster.
          fields: [
            { path: text, desired: text, live: text, manager: text },
            ...many({ path: 'p', desired: 'd', live: 'l', manager: 'm' }),
          ],
        }),
      }),
      0,
    )
    const { unhealthy, errors, drift } = status.applications['shop']!
    assert.deepEqual([unhealthy.length, errors.length, drift.length], [50, 50, 50])
    assert.equal(drift[0]?.fields.length, 50)
    const longest = (value: unknown): number =>
      typeof value === 'string'
        ? value.length
        : Math.max(0, ...Object.values((value as object) ?? {}).map(longest))
    assert.ok(longest({ unhealthy, errors, drift }) <= 2_049)
  })

  describe('B56, I9: of an agent that was taken over', () => {
    const long = 'x'.repeat(2_048)
    const many = <T>(item: T, count = 50): T[] => Array.from({ length: count }, () => item)
    const field = { path: long, desired: long, live: long, manager: long }
    const loud = (application: string) => ({
      ...{
        application,
        phase: Phase.FAILED,
        health: Health.FAILED,
        objects: 60,
        driftedObjects: 60,
      },
      unhealthy: many({ object: long, health: Health.FAILED, message: long }),
      errors: many({ object: long, file: long, code: long, message: long }),
      drift: many({ object: long, fields: many(field, 5) }),
    })

    test('the names of ten thousand applications are kept at most, and none that is no name', () => {
      let status = foldReport(blank, report(true, { application: 'shop', objects: 3 }), 0)
      for (let turn = 0; turn < 12; turn += 1) {
        const names = Array.from({ length: 1_000 }, (_, n) => `made-up-${turn}-${n}`)
        const told = [...names, '', 'A', '../x', '__proto__', 'y'.repeat(64), 'a b']
        status = foldReport(
          status,
          report(false, ...told.map((application) => ({ application }))),
          0,
        )
      }
      const kept = Object.keys(status.applications)
      assert.equal(kept.length, 10_000)
      assert.equal(status.applications['shop']?.objects, 3)
      assert.ok(kept.every((name) => /^(shop|made-up-\d+-\d+)$/.test(name)))
    })

    test('of what it tells of objects a few mebibytes are kept, and of every application how it is', () => {
      let status = foldReport(blank, report(true, { application: 'calm' }), 0)
      const small = [{ object: '/ConfigMap/a/b', health: Health.FAILED, message: 'no' }]
      status = foldReport(status, report(false, { application: 'small', unhealthy: small }), 0)
      for (let turn = 0; turn < 40; turn += 1) {
        status = foldReport(status, report(false, loud(`loud-${turn}`)), 0)
        assert.ok(JSON.stringify(status.applications).length < 4.2 * 1024 * 1024)
      }
      const { calm, small: kept, ...others } = status.applications
      assert.deepEqual(calm?.unhealthy, [])
      assert.equal(kept?.unhealthy[0]?.message, 'no')
      for (const { phase, health, objects, driftedObjects } of Object.values(others)) {
        assert.deepEqual([phase, health, objects, driftedObjects], ['Failed', 'Failed', 60, 60])
      }
      assert.ok(Object.values(others).some(({ errors }) => errors.length > 0))
    })
  })

  test('an agent’s clock can be wrong, but every time it tells can be shown', () => {
    for (const firstSeen of [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n]) {
      const told = report(true, { application: 'shop', drift: [{ object: 'x', firstSeen }] })
      const [drift] = foldReport(blank, told, 0).applications['shop']!.drift
      assert.doesNotThrow(() => new Date(drift!.firstSeen).toISOString(), String(firstSeen))
    }
  })

  test('facts stay as they were where a report tells none', () => {
    const facts = { kubernetesVersion: '1.35', nodes: 3, agentVersion: '1.0' }
    const known = foldReport(blank, create(ReportSchema, { facts, sequence: 5n }), 0)
    const after = foldReport(known, create(ReportSchema), 1)
    assert.deepEqual([after.kubernetesVersion, after.nodes, after.agentVersion], ['1.35', 3, '1.0'])
    assert.equal(after.sequence, 5)
    assert.deepEqual(names(after), [])
  })
})

describe('foldHello and foldVerdict', () => {
  test('hello tells versions and the accepted sequence, and keeps applications', () => {
    const known = foldReport(blank, report(true, { application: 'shop' }), 1)
    const hello = create(HelloSchema, {
      agentVersion: '2.0',
      sequence: 8n,
      facts: { kubernetesVersion: '1.36', nodes: 5, agentVersion: '2.0' },
    })
    const after = foldHello(known, hello, 9)
    assert.deepEqual([after.agentVersion, after.kubernetesVersion, after.nodes], ['2.0', '1.36', 5])
    assert.deepEqual([after.sequence, after.lastSeen, names(after)], [8, 9, ['shop']])
  })

  test('a refusal is kept with its words and where the agent stayed; an acceptance ends it', () => {
    const at5 = foldReport(blank, report(true), 0)
    const refused = foldVerdict(
      at5,
      create(VerdictSchema, { sequence: 6n, code: 'rollback', message: 'older' }),
      1,
    )
    assert.deepEqual(refused.refusal, { code: 'rollback', message: 'older' })
    assert.equal(refused.sequence, 6)
    const accepted = foldVerdict(
      refused,
      create(VerdictSchema, { accepted: true, sequence: 7n }),
      2,
    )
    assert.deepEqual([accepted.refusal, accepted.sequence, accepted.lastSeen], [null, 7, 2])
  })

  test('a report or a hello of the same snapshot leaves a refusal, one of another ends it', () => {
    const verdict = create(VerdictSchema, { sequence: 6n, code: 'content_missing', message: '' })
    const refused = foldVerdict(blank, verdict, 1)
    for (const [sequence, refusal] of [
      [6n, refused.refusal],
      [7n, null],
      [1n, null],
    ] as const) {
      assert.deepEqual(foldReport(refused, create(ReportSchema, { sequence }), 2).refusal, refusal)
      assert.deepEqual(foldHello(refused, create(HelloSchema, { sequence }), 2).refusal, refusal)
    }
    // Before anything was accepted a report names none.
    assert.deepEqual(foldReport(refused, create(ReportSchema), 2).refusal, refused.refusal)
  })
})

describe('what agents witness', () => {
  const found = (sequence: number) => ({
    ...{ epoch: 1, sequence, accepted: digestOf('a') },
    refused: digestOf(`b${sequence}`),
  })

  test('T3: evidence of equivocation is kept once each, the newest three', () => {
    const told = [1, 2, 2, 3, 1, 4].reduce(
      (status, sequence, at) => foldEquivocation(status, found(sequence), at),
      blank,
    )
    assert.deepEqual(
      told.equivocations?.map(({ sequence, at }) => [sequence, at]),
      [
        [2, 1],
        [3, 3],
        [4, 5],
      ],
    )
  })

  test('T38: a line that the agent saw and the ledger has otherwise is a fault, until they agree', () => {
    const at = (index: number) => (index === 7 ? digestOf('seven') : undefined)
    const saw = (index: bigint, text: string) =>
      create(HelloSchema, { witnessed: { index, digest: digestOf(text) } }).witnessed
    const forked = foldWitness(blank, saw(7n, 'other'), at)
    assert.equal(forked.ledgerFault?.code, 'audit_forked')
    assert.equal(foldWitness(forked, saw(7n, 'seven'), at).ledgerFault, null)
    for (const quiet of [saw(7n, 'seven'), saw(8n, 'eight'), undefined]) {
      assert.equal(foldWitness(blank, quiet, at), blank)
    }
  })

  test('a hub that is behind is said so until it has caught up, whatever lines it is asked about', () => {
    const behind = foldBehind(blank, 'restored')
    assert.deepEqual(behind.ledgerFault, { code: 'ledger_behind', message: 'restored' })
    assert.equal(foldWitness(behind, undefined, () => undefined).ledgerFault?.code, 'ledger_behind')
    assert.equal(foldBehind(behind, null).ledgerFault, null)
    assert.equal(foldBehind(blank, null), blank)
  })

  test('T38: what an agent was told of the ledger is shown while it says so', () => {
    const seen = { index: 9n, digest: digestOf('nine') }
    const auditFault = { code: 'audit_rewound', seen, told: { ...seen, index: 4n } }
    const told = foldReport(blank, create(ReportSchema, { auditFault }), 1)
    assert.equal(told.auditFault?.code, 'audit_rewound')
    assert.match(told.auditFault.message, /line 9, .* told to end with line 4/)
    assert.equal(foldReport(told, create(ReportSchema, {}), 2).auditFault, null)
  })
})
