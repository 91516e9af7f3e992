import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Sparing } from '@groundswell/proto/statement.ts'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createDeployment, createHands, createNamespace } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import {
  presentApplication,
  removedApplication,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'

const never = new AbortController().signal
type Application = ReturnType<typeof presentApplication> | ReturnType<typeof removedApplication>

/* What is wanted no more and not deleted, against a real API server. */

describe('I4: sparing on a real API server', () => {
  let plane: ControlPlane
  let count = 0
  const uniqueName = (stem: string) => `${stem}-${(count += 1)}`
  const home = (name: string) => `/api/v1/namespaces/${name}`
  const config = (name: string, of: string) => `${home(name)}/configmaps/${of}`
  const read = async (path: string) => {
    const { status, body } = await kubeRequest(plane, 'GET', path)
    return status === 200 ? (body as LiveObject) : undefined
  }
  /** As one agent process would; the next call is another one, that knows what the cluster knows. */
  const bring = async (...applications: readonly Application[]) => {
    await using hands = await createHands(plane.kubeconfig)
    await hands.workloads.reconcile(verifiedSnapshot(...applications), never)
    const states = applications.map(({ name }) => hands.state(name))
    return {
      phases: states.map((state) => state?.phase),
      errors: states.flatMap((state) => state?.errors ?? []),
      deletes: hands.writes().filter(({ method }) => method === 'DELETE'),
      logs: JSON.stringify(hands.logs),
    }
  }
  const marksOf = (object: LiveObject | undefined) =>
    [
      ...Object.keys(object?.metadata.labels ?? {}),
      ...Object.keys(object?.metadata.annotations ?? {}),
    ].filter((key) => /groundswell|applyset/.test(key))
  const uidOf = async (path: string) => (await read(path))?.metadata.uid
  const ownerOf = async (path: string) =>
    (await read(path))?.metadata.labels?.['groundswell.dev/application']
  const gone = (name: string, sparing: Sparing, generation = 2) =>
    removedApplication(name, 'Delete', generation, sparing)

  before(async () => {
    plane = await startControlPlane({ name: 'sparing' })
  })
  after(() => plane?.stop())

  it('leaves what was there before when its first rollout is taken back, and deletes what it made', async () => {
    const name = uniqueName('adopted')
    const web = `/apis/apps/v1/namespaces/${name}/deployments/web`
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace(name))
    await kubeCall(plane, 'APPLY', `${web}?fieldManager=kubectl`, createDeployment(name))
    await kubeCall(
      plane,
      'APPLY',
      `${config(name, 'old')}?fieldManager=kubectl`,
      createConfig(name, 'old', { a: '1' }),
    )
    const paths = [home(name), web, config(name, 'old')]
    const uids = await Promise.all(paths.map(uidOf))
    const objects = [
      createNamespace(name),
      createDeployment(name, [{ name: 'files', configMap: { name: 'files' } }]),
      createConfig(name, 'old', { a: '2' }),
      createConfig(name, 'new'),
      createConfig(name, 'files'),
    ]
    const applied = await bring(presentApplication(name, objects))
    assert.deepEqual(applied.errors, [])
    for (const path of paths) assert.equal(await ownerOf(path), name)
    const removal = await bring(gone(name, { undo: true }))
    assert.deepEqual([removal.phases, removal.errors], [['Removed'], []])
    assert.match(
      removal.logs,
      /Deployment adopted-\d\/web \(it was there before, as far as is known\)/,
    )
    assert.deepEqual(await Promise.all(paths.map(uidOf)), uids)
    for (const path of paths) assert.deepEqual(marksOf(await read(path)), [])
    assert.ok(!(await read(home(name)))?.metadata.deletionTimestamp)
    assert.equal(await read(config(name, 'new')), undefined)
    // The Deployment's next pods could not start without it.
    const files = await read(config(name, 'files'))
    assert.deepEqual([files?.metadata.name, marksOf(files)], ['files', []])
    const inventory = config('groundswell-system', `groundswell-inventory-${name}`)
    assert.equal(await read(inventory), undefined)
  })

  it('deletes all of a first rollout that found nothing, namespace and all', async () => {
    const name = uniqueName('made')
    await bring(presentApplication(name, [createNamespace(name), createConfig(name, 'new')]))
    await bring(gone(name, { undo: true }))
    assert.equal(await read(config(name, 'new')), undefined)
    // Nothing finishes its deletion where no controllers run.
    const left = await read(home(name))
    assert.ok(!left || left.metadata.deletionTimestamp)
  })

  it('lets go of what newer content found when that is taken back', async () => {
    const name = uniqueName('back')
    const base = [createNamespace(name), createConfig(name, 'base')]
    await bring(presentApplication(name, base))
    await kubeCall(plane, 'POST', `${home(name)}/configmaps`, createConfig(name, 'found'))
    const uid = await uidOf(config(name, 'found'))
    const more = [...base, createConfig(name, 'found'), createConfig(name, 'new')]
    await bring(presentApplication(name, more, { generation: 2 }))
    const back = presentApplication(name, base, { generation: 3, undo: true })
    const { phases, deletes } = await bring(back)
    assert.deepEqual([phases, deletes.length], [['Applied'], 1])
    assert.equal(await uidOf(config(name, 'found')), uid)
    assert.deepEqual(marksOf(await read(config(name, 'found'))), [])
    assert.equal(await read(config(name, 'new')), undefined)
  })

  it('leaves what another application is to get, which takes it over as it is', async () => {
    const name = uniqueName('from')
    const heir = `${name}-heir`
    const [moving, staying] = [createConfig(name, 'moving'), createConfig(name, 'staying')]
    const space = createNamespace(name)
    await bring(presentApplication(name, [space, moving, staying]))
    const uid = await uidOf(config(name, 'moving'))
    const cut = presentApplication(name, [space, staying], {
      generation: 2,
      leave: [`/ConfigMap/${name}/moving`],
    })
    const first = await bring(cut)
    assert.deepEqual([first.phases, first.errors, first.deletes], [['Applied'], [], []])
    assert.equal(await ownerOf(config(name, 'moving')), name)
    const other = presentApplication(heir, [moving])
    assert.deepEqual((await bring(cut, other)).phases, ['Applied', 'Applied'])
    assert.deepEqual(
      [await uidOf(config(name, 'moving')), await ownerOf(config(name, 'moving'))],
      [uid, heir],
    )
    const next = presentApplication(name, [space], { generation: 3 })
    assert.equal((await bring(next, other)).deletes.length, 1)
    assert.equal(await read(config(name, 'staying')), undefined)
    assert.deepEqual(
      [await uidOf(config(name, 'moving')), await ownerOf(config(name, 'moving'))],
      [uid, heir],
    )
    // What it took over it has found: going back lets go of it.
    await bring(next, gone(heir, { undo: true }))
    assert.equal(await uidOf(config(name, 'moving')), uid)
  })

  it('hands objects round in a ring, by one snapshot and as they are; each alone finds its object with another', async () => {
    const name = uniqueName('ring')
    const ring = [1, 2, 3].map((at) => `${name}-${at}`)
    const object = (of: string) => createConfig(name, `of-${of}`)
    await bring(presentApplication(name, [createNamespace(name)]))
    const before = ring.map((one) => presentApplication(one, [object(one)]))
    assert.deepEqual((await bring(...before)).errors, [])
    const paths = ring.map((one) => config(name, `of-${one}`))
    const uids = await Promise.all(paths.map(uidOf))
    const after = ring.map((one, at) =>
      presentApplication(one, [object(ring.at(at - 1)!)], {
        generation: 2,
        leave: [`/ConfigMap/${name}/of-${one}`],
      }),
    )
    const alone = await bring(after[0]!, before[1]!, before[2]!)
    assert.deepEqual(alone.phases, ['Failed', 'Applied', 'Applied'])
    assert.deepEqual(
      alone.errors.map(({ code }) => code),
      ['owned_by_other'],
    )
    const together = await bring(...after)
    assert.deepEqual(together.phases, ['Applied', 'Applied', 'Applied'])
    assert.deepEqual([together.errors, together.deletes], [[], []])
    const next = await bring(...after)
    assert.deepEqual([next.phases, next.deletes], [['Applied', 'Applied', 'Applied'], []])
    assert.deepEqual(await Promise.all(paths.map(uidOf)), uids)
    assert.deepEqual(await Promise.all(paths.map(ownerOf)), [...ring.slice(1), ring[0]])
  })

  it('leaves what was found, also where a field that cannot change had it made anew', async () => {
    const name = uniqueName('anew')
    const job = (of: string, image: string) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: of,
        namespace: name,
        annotations: { 'groundswell.dev/replace': 'enabled' },
      },
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] } },
      },
    })
    const path = (of: string) => `/apis/batch/v1/namespaces/${name}/jobs/${of}`
    await kubeCall(plane, 'POST', '/api/v1/namespaces', createNamespace(name))
    await kubeCall(plane, 'POST', path('').slice(0, -1), job('found', 'a:1'))
    await bring(presentApplication(name, [job('found', 'a:1'), job('made', 'a:1')]))
    const uids = [await uidOf(path('found')), await uidOf(path('made'))]
    const changed = [job('found', 'a:2'), job('made', 'a:2')]
    assert.deepEqual((await bring(presentApplication(name, changed, { generation: 2 }))).errors, [])
    assert.notEqual(await uidOf(path('found')), uids[0])
    assert.notEqual(await uidOf(path('made')), uids[1])
    await bring(gone(name, { undo: true }, 3))
    assert.ok(await read(path('found')))
    assert.equal(await read(path('made')), undefined)
  })

  it('deletes what is left no more', async () => {
    const name = uniqueName('given-up')
    const space = createNamespace(name)
    await bring(presentApplication(name, [space, createConfig(name, 'a')]))
    const leave = [`/ConfigMap/${name}/a`]
    await bring(presentApplication(name, [space], { generation: 2, leave }))
    assert.ok(await read(config(name, 'a')))
    await bring(presentApplication(name, [space], { generation: 3 }))
    assert.equal(await read(config(name, 'a')), undefined)
  })

  it('removes an application that goes to another in part, and not the namespace of that', async () => {
    const name = uniqueName('part')
    const objects = [createNamespace(name), createConfig(name, 'a'), createConfig(name, 'b')]
    await bring(presentApplication(name, objects))
    const uid = await uidOf(config(name, 'a'))
    const { phases, errors } = await bring(gone(name, { leave: [`/ConfigMap/${name}/a`] }))
    assert.deepEqual([phases, errors], [['Removed'], []])
    assert.ok(!(await read(home(name)))?.metadata.deletionTimestamp)
    assert.deepEqual(marksOf(await read(home(name))), [])
    assert.equal(await uidOf(config(name, 'a')), uid)
    assert.equal(await read(config(name, 'b')), undefined)
  })
  it('replaces a StatefulSet whose claims would go with it only when that is confirmed', async () => {
    const name = uniqueName('claims')
    const path = `/apis/apps/v1/namespaces/${name}/statefulsets/db`
    const template = {
      metadata: { labels: { app: 'db' } },
      spec: { containers: [{ name: 'db', image: 'db:1' }] },
    }
    const db = (whenDeleted: string, serviceName: string, confirmed: string[] = []) => {
      const annotations = { 'groundswell.dev/replace': 'enabled' }
      const set = {
        ...{ apiVersion: 'apps/v1', kind: 'StatefulSet' },
        metadata: { name: 'db', namespace: name, annotations },
        spec: {
          ...{ serviceName, template, selector: { matchLabels: { app: 'db' } } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: 'Retain' },
        },
      }
      const prune = { enabled: true, allowEmpty: false, confirmed }
      return bring(presentApplication(name, [createNamespace(name), set], { prune }))
    }
    await db('Delete', 'one')
    const uid = (await read(path))?.metadata.uid
    // What it is asked to be from now on does not save what it has.
    const [error] = (await db('Retain', 'two')).errors
    assert.equal(error?.code, 'prune_held')
    assert.match(error.message, /serviceName.*its claims would go with it/)
    assert.equal((await read(path))?.metadata.uid, uid)
    const confirmed = /confirmPrune: \[(sha256:[0-9a-f]{64})\]/.exec(error.message)?.[1] ?? ''
    assert.deepEqual((await db('Retain', 'two', [confirmed])).errors, [])
    assert.notEqual((await read(path))?.metadata.uid, uid)
    assert.deepEqual((await db('Retain', 'three')).errors, [])
  })
})
