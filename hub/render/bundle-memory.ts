import type { Violation } from '../policy/violation.ts'
import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import type { AskedFacts } from './asked-facts.ts'

/** What was made of an input: enough to go on with, as long as the content store has it. */
export interface MadeBundle {
  readonly digest: Digest
  /** Bytes of the manifest. */
  readonly size: number
  /** `apps/Deployment`, `ConfigMap`; sorted, each once. */
  readonly kinds: readonly string[]
  /** What policies had to say of it that does not keep it back. */
  readonly violations: readonly Violation[]
  /** What the engine had to say: hooks left out, values that change with each render. */
  readonly notes: readonly string[]
  /** Names all that it was made of but the cluster's facts, and what it asked of those. */
  readonly base?: Digest
  readonly asked?: AskedFacts
  /** The same for manifests that name the same objects; unknown of what an older hub made. */
  readonly fingerprint?: string
}

/** Of one bundle; more than these nobody reads. */
export const mostNotes = 20

/** Bundles remembered; those that were made first are forgotten first. */
export const rememberedBundles = 20_000

/**
 * The renderer's memory over restarts. It stays on the renderer's own disk: what an input renders to
 * is attested, so nobody else may say it.
 */
export interface BundleMemory {
  /** What was kept; empty when it is lost. */
  load(): Promise<ReadonlyMap<Digest, MadeBundle>>
  /** Not synced: what is lost costs a render. Never throws. */
  keep(input: Digest, made: MadeBundle): Promise<void>
}

type Line = [
  input: Digest,
  digest: Digest,
  size: number,
  kinds: string[],
  violations: Violation[],
  notes: string[],
  base?: Digest | null,
  asked?: AskedFacts | null,
  fingerprint?: string,
]

/** One line for each; it carries a digest of itself, so that a damaged one counts as none. */
export function formatBundleLine(
  input: Digest,
  { digest, size, kinds, violations, notes, base, asked, fingerprint }: MadeBundle,
): string {
  const facts = base && asked ? [base, asked] : [null, null]
  const made = [digest, size, kinds, violations, notes, ...facts, fingerprint]
  const text = JSON.stringify([input, ...made])
  return `${digestOf(text)} ${text}\n`
}

/** Lines → what was made, by input; the last word on an input counts. */
export function parseBundleLines(text: string): Map<Digest, MadeBundle> {
  const found = new Map<Digest, MadeBundle>()
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    const body = line.slice(space + 1)
    if (space < 0 || line.slice(0, space) !== digestOf(body)) continue
    const [input, digest, size, kinds, violations, notes, ...later] = JSON.parse(body) as Line
    // A line of before policies judged has no verdict that anybody could ask for.
    if (!isDigest(input) || !isDigest(digest) || !violations || !notes) continue
    const [base, asked, fingerprint] = later
    found.delete(input)
    found.set(input, {
      ...{ digest, size, kinds, violations, notes },
      ...(base && asked && { base, asked }),
      ...(fingerprint && { fingerprint }),
    })
  }
  return new Map([...found].slice(-rememberedBundles))
}
