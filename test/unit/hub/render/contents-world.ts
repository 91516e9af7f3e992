import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { HubError } from '../../../../hub/errors.ts'
import { type FleetFacts } from '../../../../hub/fleet/resolve/cluster-facts.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { createCachedEngine, createMemoryRenderStore } from '../../../../hub/render/cache.ts'
import { type AskedFacts, answerAsked } from '../../../../hub/render/asked-facts.ts'
import { type BundleMemory } from '../../../../hub/render/bundle-memory.ts'
import { type Contents, createContents } from '../../../../hub/render/contents.ts'
import type { RenderInput, RenderedObject } from '../../../../hub/render/engine.ts'
import { createPatience } from '../../../../hub/render/patience.ts'
import { createRoom } from '../../../../hub/render/room.ts'
import type { Charts } from '../../../../hub/source/chart/chart.ts'
import type { Mirror } from '../../../../hub/source/source.ts'
import { openGate } from '../../../support/open-gate.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'

/* A fleet in memory and an engine that tells what it was asked. */

export const noCharts: Charts = {
  find: async () => assert.fail('asked for a chart'),
  read: async () => assert.fail('read a chart'),
}

export const never = new AbortController().signal
export const commit = 'c'.repeat(40)
export const revision = `main@sha1:${commit}`
export const hash = (text: string) => createHash('sha1').update(text).digest('hex')

/** A repository in memory: files by path, the same at every commit. */
export function mirrorOf(files: Readonly<Record<string, string>>): Mirror {
  const blobs = new Map(Object.values(files).map((text) => [hash(text), Buffer.from(text)]))
  return {
    fetch: async () => revision,
    head: async () => null,
    has: async () => true,
    async readTree(_, path) {
      const prefix = path === '.' ? '' : `${path}/`
      const mine = Object.entries(files)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, text]) => ({
          path: name.slice(prefix.length),
          oid: hash(text),
          size: text.length,
        }))
      if (mine.length === 0) throw new HubError('revision_not_found', `there is no ${path}`)
      return { id: hash(JSON.stringify(mine)), files: mine }
    },
    readBlobs: async (oids) => oids.map((oid) => blobs.get(oid)!),
    signer: () => null,
    authors: async () => [],
    describe: async () => ({ author: '', subject: '', committedAt: 0 }),
    visit: async () => '',
    meet: async () => null,
    contains: async () => false,
    close: async () => {},
  }
}

/** A chart's engine: each object says what it asked and was answered. */
export function worldOf(asked: AskedFacts, memory?: BundleMemory) {
  const files = { 'apps/shop/Chart.yaml': 'name: shop' }
  const made = world(files, memory, noCharts, asked)
  const { contents, revisions } = made
  return Object.assign(made, {
    faults: ({ faults }: Contents) => faults,
    render: (fleet: Fleet, facts: FleetFacts) =>
      contents.render({ fleet, revisions, facts }, never),
  })
}

export function fleetOf(
  clusters: readonly string[],
  applications: Readonly<Record<string, string>>,
): Fleet {
  const api = 'apiVersion: groundswell.dev/v1alpha1'
  const documents = [
    ...clusters.map(
      (name) =>
        `${api}\nkind: Cluster\nmetadata: { name: ${name}, labels: { site: ${name} } }\nspec: {}\n`,
    ),
    ...Object.entries(applications).map(
      ([name, more]) =>
        `${api}\nkind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: apps/${name} }, targets: [{ clusterSelector: {} }]${more} }\n`,
    ),
  ]
  return loadFleet(revision, [{ path: 'fleet.yaml', bytes: Buffer.from(documents.join('---\n')) }])
}

/** Renders a ConfigMap that holds the tree and the namespace it is for; fails where `fail` says so. */
export function world(
  files: Readonly<Record<string, string>>,
  memory?: BundleMemory,
  charts = noCharts,
  asked?: AskedFacts,
) {
  const rendered: RenderInput[] = []
  const world: { now: number; fail(input: RenderInput): HubError | undefined } = {
    now: 0,
    fail: () => undefined,
  }
  const engine = createCachedEngine(
    {
      version: 'sha256:engine',
      async render(input, readFiles) {
        rendered.push(input)
        const error = world.fail(input)
        if (error) throw error
        const [[file, bytes] = ['', Buffer.from('')]] = await readFiles()
        const object: RenderedObject = {
          id: { group: '', kind: 'ConfigMap', namespace: input.namespace, name: 'c' },
          apiVersion: 'v1',
          json: JSON.stringify({
            ...{ text: Buffer.from(bytes).toString(), namespace: input.namespace },
            ...(asked && { answered: answerAsked(asked, input) }),
          }),
          file,
        }
        return { objects: [object], warnings: ['it was said'], ...(asked && { asked }) }
      },
      close: async () => {},
    },
    createMemoryRenderStore(1_000_000),
  )
  const content = createMemoryContent()
  const mirror = mirrorOf(files)
  const contents = createContents({
    engine,
    content,
    ...(memory && { memory }),
    mirror: (name) => (name === 'fleet' ? mirror : undefined),
    gate: openGate,
    charts,
    patience: createPatience(() => world.now),
    room: createRoom(1_000_000, 1),
  })
  const revisions = new Map([['fleet', revision]])
  return Object.assign(world, {
    ...{ rendered, content, contents, revisions },
    render: (fleet: Fleet, only?: { application: string; cluster?: string }) =>
      contents.render({ fleet, revisions, ...(only && { only }) }, never),
  })
}

export const clusters = Array.from({ length: 40 }, (_, n) => `c${String(n).padStart(2, '0')}`)
export const files = { 'apps/shop/a.yaml': 'shop', 'apps/web/a.yaml': 'web' }
export const perSite = ', targetNamespace: "${cluster.labels.site}"'
