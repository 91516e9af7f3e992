import type { Digest } from '@groundswell/proto/digest.ts'
import type { ImageView } from '../api/image-view.ts'
import { parseImage } from '../policy/signature/image.ts'
import type { ContentImages } from '../bundle/content-images.ts'
import type { Known } from './cluster-view.ts'

/** Images of one application over its clusters. */
export interface ApplicationImages {
  /** By name. */
  readonly images: readonly ImageView[]
  /** Clusters whose content was not at hand, or too much to read in one call. */
  readonly unread: { readonly wanted: number; readonly running: number }
}

interface Use {
  wanted: number
  running: number
  unreachable: number
  readonly objects: Set<string>
}

/** Clusters by the content they should run, have applied, or had when last heard of. */
interface Tally {
  readonly wanted: Map<Digest, number>
  readonly running: Map<Digest, number>
  readonly unreachable: Map<Digest, number>
}

const mostObjects = 10

/** What should run and what runs, by image; `read` tells what images are in contents. */
export async function viewImages(
  known: Known,
  application: string,
  read: ContentImages,
): Promise<ApplicationImages> {
  const tally = tallyContents(known, application)
  const contents = new Set(Object.values(tally).flatMap((counts) => [...counts.keys()]))
  const found = await read([...contents])
  const uses = new Map<string, Use>()
  const unread = { wanted: 0, running: 0 }
  for (const part of ['wanted', 'running', 'unreachable'] as const) {
    for (const [digest, clusters] of tally[part]) {
      const images = found.get(digest)
      if (!images) {
        unread[part === 'wanted' ? 'wanted' : 'running'] += clusters
        continue
      }
      // Named twice in one content, it still runs once on each cluster.
      const counted = new Set<string>()
      for (const { image, object } of images) {
        const use = uses.get(image) ?? { ...nowhere, objects: new Set() }
        uses.set(image, use)
        if (use.objects.size < mostObjects) use.objects.add(object)
        if (!counted.has(image)) use[part] += clusters
        counted.add(image)
      }
    }
  }
  const images = [...uses]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([image, { objects, ...counts }]) => ({
      ...describeImage(image),
      ...counts,
      objects: [...objects].sort(),
    }))
  return { images, unread }
}

const nowhere = { wanted: 0, running: 0, unreachable: 0 }

function tallyContents({ state, status, fleet }: Known, application: string): Tally {
  const tally: Tally = { wanted: new Map(), running: new Map(), unreachable: new Map() }
  const clusters = new Set([...(fleet?.clusters.keys() ?? []), ...state.assignments.keys()])
  for (const cluster of clusters) {
    const assigned = state.assignments.get(cluster)?.get(application)?.digest
    if (assigned) count(tally.wanted, assigned)
    const { applications, connection } = status(cluster)
    const told = applications[application]
    if (!told?.digest || told.phase !== 'Applied') continue
    count(connection.state === 'Connected' ? tally.running : tally.unreachable, told.digest)
  }
  return tally
}

function count(counts: Map<Digest, number>, digest: Digest): void {
  counts.set(digest, (counts.get(digest) ?? 0) + 1)
}

/** A reference in its parts; what is none is shown as it is. */
function describeImage(text: string): Pick<ImageView, 'image' | 'repository' | 'tag' | 'digest'> {
  const image = parseImage(text)
  if (!image) return { image: text, repository: text, tag: null, digest: null }
  const { registry, repository, digest = null } = image
  const tag = /:([\w][\w.-]{0,127})$/.exec(text.split('@')[0]!)?.[1] ?? null
  return { image: text, repository: `${registry}/${repository}`, tag, digest }
}
