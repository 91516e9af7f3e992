import { type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { LiveObject } from '../../cluster/port.ts'

/** Groups of what runs by itself: nothing else needs it to be there. */
const workloads: ReadonlySet<string> = new Set(['apps', 'batch'])

/** Members that say nothing of what an object needs. */
const passing: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status'])

/**
 * Which of these an object names, in whatever field: the ConfigMaps, Secrets, claims, ServiceAccounts, roles that
 * it could not do without. A name may stand for something else; then more is taken for needed than is.
 *
 * @param ids of objects that may be needed; what runs by itself is not
 */
export function listNamed(id: string, live: LiveObject, ids: Iterable<string>): string[] {
  const texts = new Set<string>()
  for (const [member, value] of Object.entries(live)) {
    if (!passing.has(member)) collectTexts(value, texts)
  }
  const home = parseObjectId(id).namespace
  return [...ids].filter((other) => {
    if (other === id) return false
    const needed = parseObjectId(other)
    const near = home === '' || needed.namespace === '' || needed.namespace === home
    return near && texts.has(needed.name) && !runsByItself(needed)
  })
}

function runsByItself({ group, kind }: ObjectId): boolean {
  return workloads.has(group) || (group === '' && kind === 'Pod')
}

function collectTexts(value: unknown, texts: Set<string>): void {
  if (typeof value === 'string') texts.add(value)
  else if (Array.isArray(value)) for (const one of value) collectTexts(one, texts)
  else if (isRecord(value)) for (const one of Object.values(value)) collectTexts(one, texts)
}
