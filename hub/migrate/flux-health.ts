import { CelError } from '@groundswell/proto/cel.ts'
import { parseHealthExpression } from '@groundswell/proto/health-check.ts'
import type { Draft } from './draft.ts'
import {
  type ForeignDocument,
  listOf,
  type Members,
  membersOf,
  textOf,
} from './foreign-document.ts'

const fields = ['inProgress', 'failed', 'current'] as const

/** Flux's expressions have our shape. One that cannot be read here is left out, and told. */
export function toHealthChecks(
  draft: Draft,
  document: ForeignDocument,
  value: unknown,
): readonly Members[] {
  return listOf(value).flatMap((each, index) => {
    const check = membersOf(each)
    const [apiVersion, kind] = [textOf(check['apiVersion']), textOf(check['kind'])]
    const texts = fields.flatMap((field) => {
      const text = textOf(check[field])
      return text === undefined ? [] : [[field, text] as const]
    })
    const tell = (field: string, why: string) =>
      draft.gap(document, ['spec', 'healthCheckExprs', index, field], why)
    const faults = texts.flatMap(([field, text]) => {
      const why = findFault(text)
      return why === undefined ? [] : [[field, why] as const]
    })
    for (const [field, why] of faults)
      tell(field, `is left out: not CEL as it is read here: ${why}`)
    if (kind === undefined) tell('kind', 'is left out: give a kind')
    if (kind === undefined || apiVersion === undefined || faults.length > 0) return []
    return [{ apiVersion, kind, ...Object.fromEntries(texts) }]
  })
}

function findFault(text: string): string | undefined {
  try {
    parseHealthExpression(text)
    return undefined
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return error.message
  }
}
