import { isRecord } from '@groundswell/proto/record.ts'
import type { ObjectId } from '@groundswell/proto/object-id.ts'
import type { RenderedObject } from '../render/engine.ts'
import type { Found } from './judge.ts'

/** On a Secret whose plain text is meant: why, in words. */
export const plaintextAnnotation = 'groundswell.dev/plaintext-secret'

/** One text in an object, and where in it. */
export interface Leaf {
  readonly object: ObjectId
  readonly file: string
  /** `data.settings.yaml`, `spec.containers[0].env[1].value` */
  readonly path: string
  readonly text: string
  /** Why it may be there. */
  readonly allowed: string | undefined
}

const ways =
  'encrypt it with SOPS, make it a SealedSecret or an ExternalSecret, refer to a vault, or except it in a Policy'

/** Secrets that hold literal data, whatever it is; the data itself is never told. */
export function findLiteralSecrets(objects: readonly RenderedObject[]): Found[] {
  return objects.flatMap((object) => {
    const { id, file } = object
    if (id.group !== '' || id.kind !== 'Secret') return []
    const value = parse(object)
    // Encrypted as a whole: SOPS writes what it needs to know beside the data.
    if (isRecord(value['sops'])) return []
    const fields = ['data', 'stringData'].flatMap((field) =>
      Object.entries(isRecord(value[field]) ? value[field] : {})
        .filter(([, text]) => isLiteral(field === 'data' ? decodeBase64(text) : text))
        .map(([key]) => `${field}.${key}`),
    )
    if (fields.length === 0) return []
    const reason = reasonOf(value)
    const message = `${fields.slice(0, 5).join(', ')}${fields.length > 5 ? ` and ${fields.length - 5} more` : ''} in plain text; ${ways}`
    return [
      {
        ...{ rule: 'plaintext secret', object: id, file },
        ...(reason === undefined
          ? { message }
          : { message: `${message} (annotated: ${reason})`, action: 'audit' as const }),
      },
    ]
  })
}

/** Every text of every object, with the data of Secrets decoded; schemas hold none that matter. */
export function listLeaves(objects: readonly RenderedObject[]): Leaf[] {
  return objects
    .filter(({ id }) => id.kind !== 'CustomResourceDefinition' && id.kind !== 'SealedSecret')
    .flatMap((object) => {
      const value = parse(object)
      if (isRecord(value['sops'])) return []
      const leaves: Leaf[] = []
      const { id, file } = object
      const allowed = reasonOf(value)
      const isSecret = id.group === '' && id.kind === 'Secret'
      walk(value, '', (path, text) => {
        const decoded = isSecret && path.startsWith('data.') ? decodeBase64(text) : text
        if (decoded !== '') leaves.push({ object: id, file, path, text: decoded, allowed })
      })
      return leaves
    })
}

function parse({ json }: RenderedObject): Record<string, unknown> {
  const value: unknown = JSON.parse(json)
  return isRecord(value) ? value : {}
}

function reasonOf({ metadata }: Record<string, unknown>): string | undefined {
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined
  const reason = isRecord(annotations) ? annotations[plaintextAnnotation] : undefined
  return typeof reason === 'string' && reason.trim() !== ''
    ? reason.trim().slice(0, 200)
    : undefined
}

/** What stands for a value that is put in on the cluster is no secret; `vault:` alone stands for none. */
function isLiteral(text: unknown): boolean {
  if (typeof text !== 'string' || text.trim() === '') return false
  return !/^(ENC\[|vault:[^\s#]+#[^\s#]|>>vault:|ref\+|<path:)/.test(text)
}

function decodeBase64(text: unknown): string {
  return typeof text === 'string' ? Buffer.from(text, 'base64').toString('utf8') : ''
}

function walk(value: unknown, path: string, visit: (path: string, text: string) => void): void {
  if (typeof value === 'string') visit(path, value)
  else if (Array.isArray(value)) {
    value.forEach((member, index) => walk(member, `${path}[${index}]`, visit))
  } else if (isRecord(value)) {
    for (const [key, member] of Object.entries(value)) {
      walk(member, path === '' ? key : `${path}.${key}`, visit)
    }
  }
}
