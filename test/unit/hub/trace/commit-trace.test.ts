import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { Span } from '@groundswell/proto/trace.ts'
import { createCommitTrace } from '../../../../hub/trace/commit-trace.ts'

const a = 'main@sha1:a'
const b = 'main@sha1:b'

function setUp() {
  const spans: Span[] = []
  const world = { now: 100 }
  const trace = createCommitTrace(
    (span) => void spans.push(span),
    () => world.now,
  )
  const told = () => spans.splice(0).map(({ stage, revision }) => `${stage} ${revision}`)
  return { trace, spans, world, told }
}

const request = (cluster: string, ...revisions: readonly string[]) => ({
  ...{ cluster, clusterId: 'i', clusterUid: 'u', floor: { epoch: 1, sequence: 0, digest: null } },
  applications: revisions.map((revision, at) => ({
    ...{ name: `app-${at}`, generation: 1, state: 'present' as const, revision },
    manifest: { digest: digestOf('x'), size: 1 },
  })),
})

describe('the trace of a commit', () => {
  it('begins with the word of the Git host, where there was one', () => {
    const { trace, spans, world } = setUp()
    trace.hinted('fleet')
    world.now = 150
    trace.fetched('fleet', a, 120)
    assert.deepEqual(
      spans.map(({ stage, start, end }) => [stage, start, end]),
      [
        ['push', 100, 150],
        ['fetch', 120, 150],
      ],
    )
  })

  it('tells of each stage once: a fetch that finds nothing new, and a snapshot that lists it again, are none', () => {
    const { trace, told } = setUp()
    trace.fetched('fleet', a, 1)
    trace.fetched('fleet', a, 2)
    trace.rendered(3, true)
    trace.rendered(4, true)
    trace.signed(request('x', a, a), 1, 5)
    trace.signed(request('x', a), 2, 6)
    trace.signed(request('y', a), 1, 7)
    assert.deepEqual(told(), [
      ...[`push ${a}`, `fetch ${a}`, `render ${a}`, `sign ${a}`, `sign ${a}`],
    ])
  })

  it('does not follow what was there before', () => {
    const { trace, told } = setUp()
    trace.fetched('fleet', b, 1)
    told()
    trace.signed(request('x', a), 1, 2)
    trace.accepted('x', 1)
    assert.deepEqual(told(), [])
  })

  it('is delivered with the snapshot that the agent came to, be it a later one', () => {
    const { trace, told } = setUp()
    trace.fetched('fleet', a, 1)
    trace.signed(request('x', a), 7, 2)
    trace.accepted('x', 6)
    trace.fetched('apps', b, 3)
    trace.signed(request('x', a, b), 8, 4)
    told()
    trace.accepted('x', 8)
    assert.deepEqual(told(), [`deliver ${a}`, `deliver ${b}`])
    trace.accepted('x', 9)
    assert.deepEqual(told(), [])
  })

  it('says when the signer refused, and follows it on to when it did not', () => {
    const { trace, spans } = setUp()
    trace.heard(a)
    trace.signed(request('x', a), null, 1)
    trace.signed(request('x', a), 1, 2)
    assert.deepEqual(
      spans.map(({ stage, ok }) => [stage, ok]),
      [
        ['sign', false],
        ['sign', true],
      ],
    )
  })

  it('is forgotten after 64 others', () => {
    const { trace, told } = setUp()
    trace.fetched('fleet', a, 1)
    for (let n = 0; n < 64; n += 1) trace.heard(`main@sha1:${n}`)
    told()
    trace.signed(request('x', a), 1, 2)
    assert.deepEqual(told(), [])
  })
})
