import { apiVersion, kinds } from '../kinds.ts'
import { editDistance } from './suggest.ts'

const group = apiVersion.split('/')[0]!

/**
 * Whether a file is worth parsing: it names our group, or something so like it that a slip of the
 * finger is likelier than another program. Helm templates and the like are not YAML at all.
 */
export function mayBeConfiguration(text: string): boolean {
  for (const [, version] of text.matchAll(
    /^[ \t]*["']?apiVersion["']?[ \t]*:[ \t]*["']?([^"'\s#,}]+)/gm,
  )) {
    if (isOurs(version!)) return true
  }
  return /\{\s*["']?apiVersion["']?\s*:\s*["']?groundswell\.dev/.test(text)
}

/** A document that says it is ours, rightly or nearly. */
export interface Claimed {
  readonly apiVersion: string
  readonly kind?: unknown
  readonly metadata?: { readonly name?: unknown } | null
}

export function isConfiguration(value: unknown): value is Claimed {
  if (typeof value !== 'object' || value === null) return false
  const { apiVersion: version, kind } = value as Record<string, unknown>
  if (typeof version !== 'string') return false
  if (version === group || version.startsWith(`${group}/`)) return true
  // A near miss counts only with a kind of ours: `groundswell.dev` may have neighbours.
  return isOurs(version) && typeof kind === 'string' && Object.hasOwn(kinds, kind)
}

function isOurs(version: string): boolean {
  const name = version.split('/')[0]!
  return name === group || editDistance(name.toLowerCase(), group) <= 2
}
