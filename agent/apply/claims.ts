import { formatObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { VerifiedApplication } from '../trust/verified.ts'

/** Which applications of one snapshot want which object. */
export interface Claims {
  /**
   * The one application that may apply an object several want: the one it already belongs to, else
   * the first by name, so that every run answers alike. Undefined when nobody wants it.
   */
  holder(id: string, current: string): string | undefined
  /** True when the snapshot says what becomes of the application, be it its removal. */
  knows(application: string): boolean
}

/** @param remembers whether an application's inventory holds an object. */
export function createClaims(
  applications: readonly VerifiedApplication[],
  remembers: (application: string, id: string) => boolean,
): Claims {
  const claimants = new Map<string, string[]>()
  const claim = (id: string, application: string) => {
    const names = claimants.get(id)
    if (!names) claimants.set(id, [application])
    else if (!names.includes(application)) names.push(application)
  }
  for (const application of applications) {
    if (application.state !== 'present') continue
    const { targetNamespace, objects } = application.manifest
    for (const { id } of objects) {
      claim(id, application.name)
      // Whether its kind is namespaced is known only to the API server: claim both spellings.
      const parsed = parseObjectId(id)
      if (!parsed.namespace && targetNamespace) {
        claim(formatObjectId({ ...parsed, namespace: targetNamespace }), application.name)
      }
    }
  }
  const names = new Set(applications.map(({ name }) => name))
  return {
    holder(id, current) {
      const wanting = claimants.get(id)
      if (!wanting || wanting.length < 2) return wanting?.[0]
      if (wanting.includes(current)) return current
      const sorted = [...wanting].sort()
      return sorted.find((name) => remembers(name, id)) ?? sorted[0]
    },
    knows: (application) => names.has(application),
  }
}
