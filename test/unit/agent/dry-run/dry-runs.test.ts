import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { DryRunOutcome, DryRunSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { formatObjectId, groupOf } from '@groundswell/proto/object-id.ts'
import { hookRunMark, marks } from '../../../../agent/apply/inventory/ownership.ts'
import { createDryRuns } from '../../../../agent/dry-run/dry-runs.ts'
import { AgentError } from '../../../../agent/errors.ts'
import { createConfig, createNamespace } from '../../../support/hands.ts'
import { createMemoryCluster, type MemoryClusterOptions } from '../../../support/memory-cluster.ts'
import type { TestObject } from '../../../support/verified-snapshot.ts'

const never = new AbortController().signal

function createWorld(options: MemoryClusterOptions = {}) {
  const cluster = createMemoryCluster(options)
  let now = 0
  const { take } = createDryRuns({
    cluster,
    clusterId: 'c1',
    monotonic: () => now,
    timeout: () => never,
  })
  return {
    cluster,
    pass: (ms: number) => (now += ms),
    ask: (objects: readonly TestObject[], more: object = {}) =>
      take(questionOf(objects, more), never),
    take,
  }
}

function questionOf(objects: readonly TestObject[], more: object = {}) {
  return create(DryRunSchema, {
    id: 'q1',
    application: 'shop',
    deadlineSeconds: 10,
    objects: objects.map((object) => {
      const { name, namespace = '' } = object.metadata
      const group = groupOf(object.apiVersion)
      return {
        object: formatObjectId({ group, kind: object.kind, namespace, name }),
        apiVersion: object.apiVersion,
        file: `${name}.yaml`,
        body: Uint8Array.from(Buffer.from(JSON.stringify(object))),
      }
    }),
    ...more,
  })
}

async function put(world: ReturnType<typeof createWorld>, object: TestObject, application: string) {
  const { name, namespace = '' } = object.metadata
  const id = { group: '', kind: object.kind, namespace, name }
  const metadata = { ...object.metadata, labels: { [marks.application]: application } }
  const resource = await world.cluster.resource(object.apiVersion, object.kind, never)
  const json = JSON.stringify({ ...object, metadata })
  await world.cluster.apply(resource, id, json, { fieldManager: 'm', force: true }, never)
}

const writes = ({ cluster }: ReturnType<typeof createWorld>) =>
  cluster.calls.filter((call) => !/^(get|dry-run) /.test(call))

describe('a dry run in the agent', () => {
  it('says what would be created, changed or stay, and writes nothing', async () => {
    const world = createWorld()
    await put(world, createNamespace('shop'), 'shop')
    await put(world, createConfig('shop', 'a', { text: 'one' }), 'shop')
    const before = writes(world).length
    const answer = await world.ask([
      createConfig('shop', 'a', { text: 'two' }),
      createConfig('shop', 'b', { text: 'two' }),
    ])
    assert.deepEqual(
      answer.results?.map(({ object, outcome }) => [object, outcome]),
      [
        ['/ConfigMap/shop/a', DryRunOutcome.CHANGED],
        ['/ConfigMap/shop/b', DryRunOutcome.CREATED],
      ],
    )
    const text = answer.results?.[0]?.fields?.find(({ path }) => path === '/data/text')
    assert.deepEqual([text?.live, text?.desired], ['"one"', '"two"'])
    assert.equal(writes(world).length, before)
    assert.equal(world.cluster.read('/ConfigMap/shop/b'), undefined)
  })

  it('tells the words of a refusal, with file and object, and every warning', async () => {
    const world = createWorld({
      admit({ name }) {
        if (name === 'bad') throw new AgentError('apply_forbidden', 'webhook: no such luck')
      },
      warn: ({ name }) => (name === 'old' ? ['old is deprecated'] : []),
    })
    await put(world, createNamespace('shop'), 'shop')
    const { results } = await world.ask([createConfig('shop', 'bad'), createConfig('shop', 'old')])
    assert.deepEqual(
      [results?.[0]?.outcome, results?.[0]?.code, results?.[0]?.message, results?.[0]?.file],
      [DryRunOutcome.REFUSED, 'apply_forbidden', 'webhook: no such luck', 'bad.yaml'],
    )
    assert.deepEqual(results?.[1]?.warnings, ['old is deprecated'])
  })

  it('a hook is not tried where its former run still is', async () => {
    const world = createWorld()
    await put(world, createNamespace('shop'), 'shop')
    const hook = createConfig('shop', 'hook', {}, { [hookRunMark]: '0123456789abcdef.pre.1' })
    await put(world, hook, 'shop')
    const { results } = await world.ask([createConfig('shop', 'hook', { a: '1' })])
    assert.equal(results?.[0]?.outcome, DryRunOutcome.NOT_TRIED)
  })

  it('what needs a namespace of the same change is not tried, and is no refusal', async () => {
    const world = createWorld()
    const { results } = await world.ask([createNamespace('new'), createConfig('new', 'a')])
    assert.deepEqual(
      results?.map(({ outcome }) => outcome),
      [DryRunOutcome.CREATED, DryRunOutcome.NOT_TRIED],
    )
    const alone = await world.ask([createConfig('other', 'a')])
    assert.equal(alone.results?.[0]?.outcome, DryRunOutcome.REFUSED)
  })

  it('I10 no values of what is not the application’s, and none of any Secret', async () => {
    const world = createWorld({ warn: () => ['value CANARY is weak'] })
    await put(world, createNamespace('kube-system'), 'other')
    await put(world, createConfig('kube-system', 'a', { text: 'CANARY' }), 'other')
    const secret = (text: string): TestObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'kube-system' },
      stringData: { text },
    })
    await put(world, secret('CANARY'), 'shop')
    const { results } = await world.ask([
      createConfig('kube-system', 'a', { text: 'x' }),
      secret('mine'),
    ])
    assert.deepEqual(
      results?.map(({ outcome }) => outcome),
      [DryRunOutcome.CHANGED, DryRunOutcome.CHANGED],
    )
    assert.doesNotMatch(JSON.stringify([results[0]!.fields, results[1]]), /CANARY|mine/)
  })

  it('I10 the cluster’s keys open nothing that nobody signed', async () => {
    const seen: unknown[] = []
    const world = createWorld({ admit: (_, body) => void seen.push(body) })
    await put(world, createNamespace('shop'), 'shop')
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'shop' },
      stringData: { token: 'ENC[AES256_GCM,data:abc,type:str]' },
      sops: { mac: 'x' },
    }
    const { results } = await world.ask([body])
    assert.equal(results?.[0]?.outcome, DryRunOutcome.CREATED)
    const tried = seen.at(-1) as { data?: object; sops?: object }
    assert.deepEqual(tried.data, { token: Buffer.from('encrypted').toString('base64') })
    assert.equal(tried.sops, undefined)
  })

  it('T30: asks in the name of the ServiceAccount it is told of, and only of one that the scope holds', async () => {
    const theirs = createMemoryCluster()
    const names: string[] = []
    const world = createWorld({
      as(name) {
        names.push(name)
        return theirs
      },
    })
    await world.ask([createConfig('shop', 'a')], { serviceAccount: 'shop/deployer' })
    assert.deepEqual(names, ['shop/deployer'])
    assert.ok(theirs.calls.includes('dry-run /ConfigMap/shop/a'))
    assert.deepEqual(world.cluster.calls, [])
    const rule = { allow: ['*'], deny: [] }
    const limits = { project: 'p', namespaces: ['shop'], clusterScoped: rule, namespaced: rule }
    const answer = await world.ask([createConfig('shop', 'a')], {
      ...{ serviceAccount: 'kube-system/root', scope: JSON.stringify(limits) },
    })
    assert.equal(answer.code, 'outside_scope')
    assert.equal(names.length, 1)
  })

  it('T30: holds objects to the scope it was asked under', async () => {
    const world = createWorld()
    await put(world, createNamespace('kube-system'), 'other')
    const rule = { allow: ['*'], deny: [] }
    const limits = { project: 'p', namespaces: ['shop'], clusterScoped: rule, namespaced: rule }
    const scope = JSON.stringify(limits)
    const { results } = await world.ask([createConfig('kube-system', 'a')], { scope })
    assert.equal(results?.[0]?.code, 'outside_scope')
    assert.ok(!world.cluster.calls.includes('dry-run /ConfigMap/kube-system/a'))
  })

  it('B: refuses what is no question: too much, of nobody, or with names that are none', async () => {
    const world = createWorld()
    const big = createConfig('shop', 'a', { text: 'x'.repeat(1_100_000) })
    const many = Array.from({ length: 501 }, (_, at) => createConfig('shop', `c${at}`))
    const one = [createConfig('shop', 'a')]
    for (const answer of [
      await world.ask([big]),
      await world.ask(many),
      await world.ask(one, { application: '' }),
      await world.ask(one, { scope: '{}' }),
      await world.ask([], { objects: [{ object: '../../x', apiVersion: 'v1' }] }),
    ]) {
      assert.equal(answer.code, 'dry_run_refused')
      assert.equal(answer.id, 'q1')
    }
    assert.deepEqual(world.cluster.calls, [])
  })

  it('I9 is not worn out: a rate of objects, and a few questions at a time', async () => {
    const world = createWorld()
    const many = Array.from({ length: 500 }, (_, at) => createNamespace(`n${at}`))
    for (let time = 0; time < 4; time += 1) assert.equal((await world.ask(many)).code, undefined)
    assert.match((await world.ask(many)).message ?? '', /ask again in a minute/)
    world.pass(15_000)
    assert.equal((await world.ask(many)).code, undefined)
    world.pass(60_000)
    const all = await Promise.all(Array.from({ length: 6 }, () => world.ask([])))
    assert.equal(all.filter(({ message }) => /busy/.test(message ?? '')).length, 2)
  })
})
