import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDiagnoses } from '../../../../agent/observe/diagnose.ts'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import { createMemoryCluster } from '../../../support/memory-cluster.ts'

const web = 'apps/Deployment/shop/web'

async function createWorld() {
  const clock = createManualClock()
  const cluster = createMemoryCluster()
  const changes: string[] = []
  const life = new AbortController()
  const diagnoses = createDiagnoses(
    { clusterOf: () => cluster, clock, onChange: (id) => changes.push(id) },
    life.signal,
  )
  const put = async (kind: string, name: string, rest: object) => {
    const apiVersion = kind === 'Deployment' ? 'apps/v1' : 'v1'
    const metadata = { name, namespace: kind === 'Namespace' ? '' : 'shop' }
    const object = {
      apiVersion,
      kind,
      ...rest,
      metadata: { ...metadata, ...(rest as LiveObject).metadata },
    }
    const resource = await cluster.resource(apiVersion, kind, life.signal)
    const group = apiVersion === 'v1' ? '' : 'apps'
    const id = { group, kind, namespace: metadata.namespace, name }
    const options = { fieldManager: 'test', force: true }
    const json = JSON.stringify(object)
    return (await cluster.apply(resource, id, json, options, life.signal)).object
  }
  await put('Namespace', 'shop', {})
  await put('Deployment', 'web', { spec: { selector: { matchLabels: { app: 'web', tier: 'x' } } } })
  const labels = { app: 'web', tier: 'x' }
  const ailing = await put('Pod', 'web-1', { metadata: { labels }, status: { phase: 'Pending' } })
  await put('Pod', 'other', { metadata: { labels: { app: 'other' } }, status: { phase: 'Failed' } })
  await put('Event', 'why', {
    type: 'Warning',
    reason: 'FailedMount',
    message: 'secret "db" not found',
    involvedObject: { uid: ailing.metadata.uid },
  })
  cluster.calls.length = 0
  return { clock, cluster, changes, diagnoses, put, life }
}

describe('createDiagnoses', () => {
  it('asks nothing of an object that is well again within five seconds', async () => {
    const { clock, cluster, diagnoses } = await createWorld()
    diagnoses.note(web, 'apps/v1')
    await clock.advance(4_900)
    diagnoses.note(web, undefined)
    await clock.advance(60_000)
    assert.deepEqual(cluster.calls, [])
    assert.equal(clock.sleeping, 0)
  })

  it('tells the worst pod and its newest warning, by three requests', async () => {
    const { clock, cluster, changes, diagnoses } = await createWorld()
    diagnoses.note(web, 'apps/v1')
    await clock.advance(5_000)
    assert.equal(diagnoses.of(web), 'pod web-1: pending; FailedMount: secret "db" not found')
    assert.deepEqual(changes, [web])
    assert.equal(cluster.calls.length, 3)
    diagnoses.note(web, undefined)
    assert.equal(diagnoses.of(web), '')
  })

  it('looks again every half minute, and tells only what is new', async () => {
    const { clock, cluster, changes, diagnoses, put } = await createWorld()
    diagnoses.note(web, 'apps/v1')
    await clock.advance(5_000)
    await clock.advance(30_000)
    assert.equal(cluster.calls.length, 6)
    assert.equal(changes.length, 1)
    const status = { phase: 'Failed', reason: 'Evicted' }
    await put('Pod', 'web-1', { metadata: { labels: { app: 'web', tier: 'x' } }, status })
    await clock.advance(30_000)
    assert.match(diagnoses.of(web), /^pod web-1: Evicted/)
    assert.equal(changes.length, 2)
  })

  it('looks into twenty at a time, and keeps quiet when it may not read', async () => {
    const { clock, cluster, diagnoses, changes } = await createWorld()
    const refuse = () => Promise.reject(new Error('forbidden'))
    Object.assign(cluster, { pods: refuse, events: refuse })
    for (let n = 0; n < 50; n += 1) diagnoses.note(`apps/Deployment/shop/web-${n}`, 'apps/v1')
    diagnoses.note(web, 'apps/v1')
    assert.equal(clock.sleeping, 20)
    await clock.advance(5_000)
    assert.deepEqual(changes, [])
    assert.equal(diagnoses.of(web), '')
  })

  it('ends with its signal', async () => {
    const { clock, diagnoses, life } = await createWorld()
    diagnoses.note(web, 'apps/v1')
    life.abort()
    await clock.advance(60_000)
    assert.equal(clock.sleeping, 0)
  })
})
