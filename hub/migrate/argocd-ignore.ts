import { whyNoPointer } from '@groundswell/proto/ignore-rule.ts'
import type { IgnoreDifference } from '../fleet/kinds/ignore-difference.ts'
import type { Draft } from './draft.ts'
import {
  type ForeignDocument,
  type ForeignPath,
  listOf,
  membersOf,
  textOf,
  textsOf,
} from './foreign-document.ts'

/** What Argo CD leaves to others. There it counts for comparing alone unless told otherwise; here for writing, too. */
export function convertIgnore(
  draft: Draft,
  document: ForeignDocument,
  path: ForeignPath,
  rules: unknown,
): IgnoreDifference[] {
  return listOf(rules).flatMap((value, index) => {
    const rule = membersOf(value)
    const at = [...path, index]
    if (rule['jqPathExpressions'] !== undefined) {
      const words = 'jq has no counterpart; name the fields in `jsonPointers`'
      draft.gap(document, [...at, 'jqPathExpressions'], words)
    }
    const pointers = textsOf(rule['jsonPointers']).filter((pointer, entry) => {
      const wrong = whyNoPointer(pointer)
      if (wrong) draft.gap(document, [...at, 'jsonPointers', entry], wrong)
      return !wrong
    })
    const managers = textsOf(rule['managedFieldsManagers'])
    if (pointers.length === 0 && managers.length === 0) return []
    const [namespace, name] = [textOf(rule['namespace']), textOf(rule['name'])]
    return [
      {
        // Left out it is the core group there, and any here.
        group: textOf(rule['group']) ?? '',
        ...(textOf(rule['kind']) !== undefined && { kind: textOf(rule['kind'])! }),
        ...(namespace && { namespace }),
        ...(name && { name }),
        ...(pointers.length > 0 && { jsonPointers: pointers }),
        ...(managers.length > 0 && { managedFieldsManagers: managers }),
      },
    ]
  })
}
