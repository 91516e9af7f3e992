import { type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { CliFailure } from './failure.ts'

/** What is said of an object; what is not said fits any. Kinds in any case. */
export type ObjectWord = Pick<ObjectId, 'kind' | 'name'> & Partial<ObjectId>

/**
 * `Kind/name` → in no namespace, or in whichever; `Kind/namespace/name`; `group/Kind/namespace/name`.
 *
 * @throws CliFailure when it is none of these
 */
export function parseObjectWord(word: string): ObjectWord {
  const parts = word.split('/')
  const [kind = '', name = ''] = [parts.at(-3) ?? parts.at(-2), parts.at(-1)]
  if (parts.length < 2 || parts.length > 4 || !kind || !name) {
    throw new CliFailure(2, `not an object: ${word}`, {
      hint: 'write it as Deployment/shop/web, Namespace/shop or apps/Deployment/shop/web',
    })
  }
  return {
    kind,
    name,
    ...(parts.length > 2 && { namespace: parts.at(-2) ?? '' }),
    ...(parts.length > 3 && { group: parts[0] ?? '' }),
  }
}

/** @param id `group/kind/namespace/name`, as the hub tells it */
export function matchesObject(wanted: ObjectWord, id: string): boolean {
  const object = parseObjectId(id)
  return (
    wanted.name === object.name &&
    wanted.kind.toLowerCase() === object.kind.toLowerCase() &&
    (wanted.namespace === undefined || wanted.namespace === object.namespace) &&
    (wanted.group === undefined || wanted.group === object.group)
  )
}
