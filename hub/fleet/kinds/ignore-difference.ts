import { ignoreLimits, whyNoPointer } from '@groundswell/proto/ignore-rule.ts'
import { type Static, Type } from 'typebox'
import { closed } from './fields.ts'
import type { Path, Report } from './names.ts'

const Glob = Type.String({ maxLength: ignoreLimits.text })
const Texts = Type.Array(Type.String({ minLength: 1, maxLength: ignoreLimits.text }), {
  maxItems: ignoreLimits.entries,
})

export const IgnoreDifference = Type.Object(
  {
    group: Type.Optional(Glob),
    kind: Type.Optional(Glob),
    namespace: Type.Optional(Glob),
    name: Type.Optional(Glob),
    jsonPointers: Type.Optional(Texts),
    managedFieldsManagers: Type.Optional(Texts),
    /** Argo CD's; refused in words. */
    jqPathExpressions: Type.Optional(Type.Unknown()),
  },
  closed,
)
export type IgnoreDifference = Static<typeof IgnoreDifference>

export function checkIgnoreDifferences(
  rules: readonly IgnoreDifference[] = [],
  path: Path,
  report: Report,
): void {
  rules.forEach((rule, index) => {
    const at = [...path, index]
    if (rule.jqPathExpressions !== undefined) {
      report([...at, 'jqPathExpressions'], 'jq is not supported; name the fields in `jsonPointers`')
    } else if (!rule.jsonPointers?.length && !rule.managedFieldsManagers?.length) {
      report(at, 'ignores nothing: give `jsonPointers` or `managedFieldsManagers`')
    }
    rule.jsonPointers?.forEach((pointer, entry) => {
      const wrong = whyNoPointer(pointer)
      if (wrong) report([...at, 'jsonPointers', entry], wrong)
    })
  })
}
