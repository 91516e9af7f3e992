import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import {
  type ChartReference,
  type Charts,
  type ChartStore,
  type FoundChart,
  type HttpGet,
  isExactVersion,
  type PickVersion,
} from './chart.ts'
import { formatRegistryPath, parseChartManifest, parseTags } from './registry.ts'

export interface ChartsDeps {
  readonly get: HttpGet
  readonly pick: PickVersion
  readonly store: ChartStore
  readonly now: () => number
  readonly log: (message: string) => void
}

/** How long an answer of a repository counts, in milliseconds. */
export const chartRefreshMs = 5 * 60_000
export const chartLimits = {
  index: 32 * 1024 * 1024,
  archive: 20 * 1024 * 1024,
  manifest: 1024 * 1024,
} as const
const rememberedReferences = 1_000

/** Finds charts in HTTP repositories (`index.yaml`) and OCI registries. */
export function createCharts({ get, pick, store, now, log }: ChartsDeps): Charts {
  const fresh = new Map<string, { readonly found: Promise<FoundChart>; readonly at: number }>()

  async function look(
    reference: ChartReference,
    key: string,
    signal: AbortSignal,
  ): Promise<FoundChart> {
    const from = reference.repo.startsWith('oci://') ? fromRegistry : fromRepository
    try {
      const found = await from(reference, signal)
      await store.remember(key, found)
      return found
    } catch (error) {
      const last = await store.recall(key)
      const isAway = error instanceof HubError && error.code === 'source_unreachable'
      if (!isAway || !last || !(await store.has(last.digest))) throw error
      log(`${describe(reference)}: ${error.message}; version ${last.version} stays`)
      return last
    }
  }

  async function keep(reference: ChartReference, archive: Uint8Array, wanted: string) {
    const digest = digestOf(archive)
    if (wanted !== '' && digest !== wanted) {
      throw refuse(reference, `the archive is ${digest}, and ${wanted} was announced`)
    }
    await store.put(digest, archive)
    return digest
  }

  async function fromRepository(
    reference: ChartReference,
    signal: AbortSignal,
  ): Promise<FoundChart> {
    const { repo, credential } = reference
    const common = { accept: '*/*', ...(credential === undefined ? {} : { credential }) }
    const url = `${repo}/index.yaml`
    const index = await get({ ...common, url, maxBytes: chartLimits.index }, signal)
    const { version, urls, digest } = await pick({ index }, reference, signal)
    const announced = toDigest(digest)
    if (announced !== '' && (await store.has(announced))) return { version, digest: announced }
    const at = URL.parse(urls[0] ?? '', url)
    if (!at) throw refuse(reference, `its index has no URL for version ${version}`)
    // A digest that came by https says which bytes are meant, whoever sends them.
    if (repo.startsWith('https:') && at.protocol !== 'https:' && announced === '') {
      throw refuse(reference, 'its index leads to what is not https, and announces no digest of it')
    }
    const archive = await get({ ...common, url: at.href, maxBytes: chartLimits.archive }, signal)
    return { version, digest: await keep(reference, archive, announced) }
  }

  async function fromRegistry(reference: ChartReference, signal: AbortSignal): Promise<FoundChart> {
    const { credential } = reference
    const common = credential === undefined ? {} : { credential }
    const base = formatRegistryPath(reference)
    const ask = async (path: string, accept: string, maxBytes: number) =>
      get({ ...common, url: `${base}/${path}`, accept, maxBytes }, signal)
    const version = isExactVersion(reference.version)
      ? reference.version
      : (
          await pick(
            {
              tags: parseTags(
                await ask('tags/list?n=10000', 'application/json', chartLimits.manifest),
              ),
            },
            reference,
            signal,
          )
        ).version
    const tag = version.replaceAll('+', '_')
    const manifest = await ask(
      `manifests/${tag}`,
      'application/vnd.oci.image.manifest.v1+json',
      chartLimits.manifest,
    )
    const layer = parseChartManifest(manifest, (message) => refuse(reference, message))
    if (await store.has(layer.digest)) return { version, digest: layer.digest }
    if (layer.size > chartLimits.archive) {
      throw refuse(reference, `the archive has ${layer.size} bytes, over ${chartLimits.archive}`)
    }
    const archive = await ask(`blobs/${layer.digest}`, '*/*', layer.size)
    return { version, digest: await keep(reference, archive, layer.digest) }
  }

  return {
    find(reference, signal) {
      const key = nameReference(reference)
      const known = fresh.get(key)
      if (known && now() - known.at < chartRefreshMs) return known.found
      const found = look(reference, key, signal)
      fresh.set(key, { found, at: now() })
      // A failure is not remembered.
      found.catch(() => fresh.delete(key))
      for (const oldest of fresh.keys()) {
        if (fresh.size <= rememberedReferences) break
        fresh.delete(oldest)
      }
      return found
    },
    async read({ version, digest }) {
      const archive = await store.read(digest)
      if (archive) return archive
      fresh.clear()
      throw new HubError('source_unreachable', `the chart ${version} (${digest}) is kept no more`)
    },
  }
}

/** As it is remembered by. */
export function nameReference({ repo, chart, version }: ChartReference): string {
  return JSON.stringify([repo, chart, version])
}

export function describe({ repo, chart, version }: ChartReference): string {
  return `chart ${chart} ${version} of ${repo}`
}

function refuse(reference: ChartReference, message: string): HubError {
  return new HubError('source_refused', `${describe(reference)}: ${message}`)
}

/** Indexes give it with and without its algorithm. */
function toDigest(text: string): Digest | '' {
  const hex = text.replace(/^sha256:/, '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : ''
}
