import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import type { FleetMemory, KnownFleet } from '../../../../hub/fleet/memory/fleet-memory.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import { type RenderingDeps, createRenderer } from '../../../../hub/render/rendering.ts'
import type { Mirror } from '../../../../hub/source/source.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'
const clusterFile = (name: string) =>
  `${api}\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`
const repositoryFile = (name: string) =>
  `${api}\nkind: Repository\nmetadata: { name: ${name} }\nspec: { url: 'https://git.example/x.git', ref: { branch: main } }\n`
const at = (digit: string) => `main@sha1:${digit.repeat(40)}`
const broken = clusterFile('b').replace('spec: {}', 'spec: { colour: red }')
const signedFiles = `${api}
kind: Project
metadata: { name: shop }
spec: { sources: [{ repository: fleet }], destinations: [{ clusterSelector: {}, namespaces: ['*'] }], signatures: { signers: ours } }
---
${api}
kind: Application
metadata: { name: web }
spec: { project: shop, source: { path: apps/web }, targets: [{ clusterSelector: {} }], targetNamespace: web }
`
const nothing: Contents = {
  ...{ applications: new Map(), skipped: new Map() },
  ...{ faults: [], warnings: [] },
}
const { signal } = new AbortController()

/** A renderer over repositories in memory: a commit's first digit → the fleet's one file. */
function world(
  commits: Record<string, string> = {},
  inherited = false,
  more: Partial<RenderingDeps> = {},
) {
  const followed = new Set<string>(['fleet'])
  const read: string[] = []
  const rendered: { revision: string; revisions: Record<string, string> }[] = []
  const attested: string[] = []
  const news: string[] = []
  const world = {
    /** Of mirrors, from an earlier process. */
    held: new Map<string, string>(),
    good: null as string | null,
    during: async (): Promise<void> => {},
    attest: async (): Promise<void> => {},
  }
  const mirrorOf = (name: string): Pick<Mirror, 'head' | 'has' | 'readTree' | 'readBlobs'> => ({
    head: async () => world.held.get(name) ?? null,
    has: async (commit) => commits[commit[0]!] !== undefined,
    async readTree(commit) {
      const text = commits[commit[0]!]
      if (text === undefined) throw new HubError('source_unreachable', 'Git is away')
      return { id: text, files: [{ path: 'fleet.yaml', oid: commit[0]!, size: 1 }] }
    },
    async readBlobs(oids) {
      read.push(...oids)
      return oids.map((oid) => Buffer.from(commits[oid]!))
    },
  })
  const renderer = createRenderer({
    inherited,
    path: '.',
    sources: {
      mirror: (name: string) => (followed.has(name) ? mirrorOf(name) : undefined),
      names: () => [...followed],
      async open({ name }: { name: string }) {
        followed.add(name)
        return mirrorOf(name)
      },
      follow() {},
      drop: async (name: string) => followed.delete(name),
    },
    contents: {
      async render(request: { fleet: Fleet; revisions: ReadonlyMap<string, string> }) {
        const { fleet, revisions } = request
        rendered.push({ revision: fleet.revision, revisions: Object.fromEntries(revisions) })
        await world.during()
        return nothing
      },
      forget() {},
    },
    async attest(fleet: Fleet) {
      await world.attest()
      attested.push(fleet.revision)
    },
    lastGood: {
      read: async () => world.good,
      async write(revision: string) {
        world.good = revision
      },
    },
    async onRevision(name: string, revision: string) {
      news.push(`${name} ${parseRevision(revision).commit[0]}`)
    },
    turn: () => () => undefined,
    log() {},
    ...more,
  } as unknown as RenderingDeps)
  return Object.assign(world, { renderer, followed, read, rendered, attested, news })
}

describe('a renderer', () => {
  test('follows the repositories that its newest fleet names, and drops the others', async () => {
    const { renderer, followed } = world({
      1: repositoryFile('apps'),
      2: repositoryFile('charts'),
      3: broken,
    })
    await renderer.onRevision('fleet', at('1'))
    assert.deepEqual([...followed], ['fleet', 'apps'])
    await renderer.onRevision('fleet', at('2'))
    assert.deepEqual([...followed], ['fleet', 'charts'])
    await renderer.onRevision('fleet', at('3'))
    assert.deepEqual([...followed], ['fleet', 'charts'])
  })

  test('refuses a fleet with what is wrong with its policies besides, at once', async () => {
    const policy = `---\n${api}\nkind: Policy\nmetadata: { name: words }\nspec: { files: [policies] }\n`
    const message = 'does not compile'
    const { renderer } = world({ 1: broken + policy, 2: clusterFile('a') + policy }, false, {
      loadPolicies: () =>
        Promise.reject(new HubError('fleet_invalid', message, { faults: [{ message }] })),
    })
    const faultsAt = async (digit: string) => {
      const error: unknown = await renderer.readFleet(at(digit)).catch((cause: unknown) => cause)
      assert(error instanceof HubError && error.code === 'fleet_invalid')
      return error.faults.map((fault) => fault.message)
    }
    const [first, ...more] = await faultsAt('1')
    assert.equal(first, message)
    assert.equal(more.length, 1)
    assert.deepEqual(await faultsAt('2'), [message])
  })

  test('does not read a fleet again that the process before it had read', async () => {
    const same = clusterFile('a')
    let kept: KnownFleet | undefined
    const fleetMemory: FleetMemory = {
      recall: async () => kept,
      async keep(known) {
        kept = known
      },
    }
    const commits = { 1: same, 2: same, 3: clusterFile('b'), 4: broken, 5: signedFiles }
    const first = world(commits, false, { fleetMemory })
    await first.renderer.onRevision('fleet', at('1'))
    await first.renderer.onRevision('fleet', at('4'))
    assert.equal(kept?.tree, same)
    const next = world(commits, false, { fleetMemory })
    await next.renderer.onRevision('fleet', at('2'))
    const fleet = await next.renderer.readFleet(at('2'))
    assert.deepEqual([[...fleet.clusters.keys()], fleet.revision, next.read], [['a'], at('2'), []])
    await next.renderer.onRevision('fleet', at('3'))
    assert.deepEqual([next.read, kept.tree], [['3'], commits[3]])
    // What was taken with signers that are not asked for any more is refused as if it were read now.
    const signed = world(commits, false, { fleetMemory, fleetSigners: 'ours' })
    await signed.renderer.onRevision('fleet', at('5'))
    assert.equal(kept.tree, commits[5])
    const unsigned = world(commits, false, { fleetMemory })
    await assert.rejects(unsigned.renderer.readFleet(at('5')), { code: 'fleet_invalid' })
  })

  test('does not read a fleet again that is the one before', async () => {
    const same = clusterFile('a')
    const { renderer, read } = world({ 1: same, 2: same, 3: clusterFile('b') })
    for (const commit of ['1', '2', '3', '2']) {
      const fleet = await renderer.readFleet(at(commit))
      assert.equal(fleet.revision, at(commit))
      assert.deepEqual([...fleet.clusters.keys()], [commit === '3' ? 'b' : 'a'])
    }
    assert.deepEqual(read, ['1', '3', '2'])
  })

  test('tells of every revision, also of one with faults: to say them is for who decides', async () => {
    const { renderer, news } = world({ 1: clusterFile('a'), 2: broken })
    for (const commit of ['1', '2']) await renderer.onRevision('fleet', at(commit))
    assert.deepEqual(news, ['fleet 1', 'fleet 2'])
    await assert.rejects(renderer.readFleet(at('2')), { code: 'fleet_invalid' })
  })
})

describe('what is attested', () => {
  test('T16: an older commit of the fleet is not rendered for who asks for it', async () => {
    const { renderer, attested, rendered } = world({ 1: clusterFile('a'), 2: clusterFile('b') })
    await renderer.onRevision('fleet', at('1'))
    await renderer.render(at('1'), signal)
    await renderer.onRevision('fleet', at('2'))
    await assert.rejects(renderer.render(at('1'), signal), { code: 'conflict' })
    await renderer.render(at('2'), signal)
    assert.deepEqual(attested, [at('1'), at('2')])
    assert.equal(rendered.length, 2)
  })

  test('a fleet that moves on during its render is not attested', async () => {
    const made = world({ 1: clusterFile('a'), 2: clusterFile('b') })
    await made.renderer.onRevision('fleet', at('1'))
    made.during = () => made.renderer.onRevision('fleet', at('2'))
    await assert.rejects(made.renderer.render(at('1'), signal), { code: 'conflict' })
    assert.deepEqual(made.attested, [])
  })

  test('a newer commit with faults leaves the last good one attestable', async () => {
    const made = world({ 1: clusterFile('a'), 2: broken })
    for (const commit of ['1', '2']) await made.renderer.onRevision('fleet', at(commit))
    await made.renderer.render(at('1'), signal)
    assert.deepEqual(made.attested, [at('1')])
  })

  test('other repositories are rendered at the revisions fetched last, whoever asks', async () => {
    const made = world({ 1: repositoryFile('apps'), 7: '', 8: '' })
    await made.renderer.onRevision('fleet', at('1'))
    for (const commit of ['7', '8']) await made.renderer.onRevision('apps', at(commit))
    await made.renderer.render(at('1'), signal)
    assert.deepEqual(made.rendered.at(-1)!.revisions, { fleet: at('1'), apps: at('8') })
  })

  test('a signer that is away fails the render: nothing is decided that it does not know of', async () => {
    const made = world({ 1: clusterFile('a') })
    await made.renderer.onRevision('fleet', at('1'))
    made.attest = () => Promise.reject(new HubError('signer_unavailable', 'away'))
    await assert.rejects(made.renderer.render(at('1'), signal), { code: 'signer_unavailable' })
  })
})

describe('after a restart with Git away', () => {
  test('goes on from what the mirrors hold, and attests it', async () => {
    const made = world({ 1: repositoryFile('apps'), 7: '' })
    made.held = new Map([
      ['fleet', at('1')],
      ['apps', at('7')],
    ])
    await made.renderer.recall()
    assert.deepEqual(made.news, ['fleet 1', 'apps 7'])
    await made.renderer.render(at('1'), signal)
    assert.deepEqual(made.rendered[0]!.revisions, { fleet: at('1'), apps: at('7') })
    assert.deepEqual(made.attested, [at('1')])
  })

  test('where another hub led since, what mirrors hold is old: nothing goes back to it', async () => {
    const made = world({ 1: repositoryFile('apps'), 2: repositoryFile('apps'), 7: '' }, true)
    made.held = new Map([
      ['fleet', at('1')],
      ['apps', at('7')],
    ])
    await made.renderer.recall()
    assert.deepEqual(made.news, [])
    await made.renderer.onRevision('fleet', at('2'))
    await made.renderer.render(at('2'), signal)
    assert.deepEqual(made.rendered[0]!.revisions, { fleet: at('2') }, 'apps is fetched first')
  })

  test('goes on from the last good commit when the newest one has faults', async () => {
    const made = world({ 1: clusterFile('a'), 2: broken })
    made.good = at('1')
    made.held = new Map([['fleet', at('2')]])
    await made.renderer.recall()
    await made.renderer.render(at('1'), signal)
    assert.deepEqual(made.attested, [at('1')])
    assert.equal(made.good, at('1'))
  })

  test('begins with nothing when there is no mirror yet, or not enough of one', async () => {
    const made = world({ 1: clusterFile('a') })
    await made.renderer.recall()
    made.held = new Map([['fleet', at('9')]])
    await made.renderer.recall()
    assert.deepEqual(made.attested, [])
  })
})
