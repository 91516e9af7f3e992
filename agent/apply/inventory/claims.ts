import { parseObjectId } from '@groundswell/proto/object-id.ts'
import { listSpellings, withoutNamespace } from '@groundswell/proto/spelling.ts'
import type { VerifiedApplication } from '../../trust/verified.ts'
import { isNamespace } from '../run/order.ts'

/** Which applications of one snapshot want which object. */
export interface Claims {
  /**
   * The one application that may apply an object several want: the one it already belongs to, else
   * the first by name, so that every run answers alike. Undefined when nobody wants it.
   */
  holder(id: string, current: string): string | undefined
  /**
   * Whether two applications ask for the same Namespace in the same words, as each does that only wants
   * one to be there: then it is whose it is, and the other is content.
   */
  agree(id: string, one: string, other: string): boolean
  /** Applications that want an object of a kind, but for one. */
  users(group: string, kind: string, but: string): readonly string[]
  /** True when the snapshot says what becomes of the application, be it its removal. */
  knows(application: string): boolean
}

/** @param remembers whether an application's inventory holds an object. */
export function createClaims(
  applications: readonly VerifiedApplication[],
  remembers: (application: string, id: string) => boolean,
): Claims {
  const claimants = new Map<string, string[]>()
  /** By Namespace and application. */
  const namespaces = new Map<string, string>()
  const claim = (id: string, application: string) => {
    const names = claimants.get(id)
    if (!names) claimants.set(id, [application])
    else if (!names.includes(application)) names.push(application)
  }
  for (const application of applications) {
    if (application.state !== 'present') continue
    for (const id of listSpellings(application.manifest)) {
      claim(id, application.name)
      claim(withoutNamespace(id), application.name)
    }
    for (const { id, digest } of application.manifest.objects) {
      if (!isNamespace(id)) continue
      namespaces.set(`${withoutNamespace(id)} ${application.name}`, digest)
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
    agree(id, one, other) {
      const digest = namespaces.get(`${id} ${one}`)
      return digest !== undefined && digest === namespaces.get(`${id} ${other}`)
    },
    users(group, kind, but) {
      const found = [...claimants].flatMap(([id, wanting]) => {
        const parsed = parseObjectId(id)
        return parsed.group === group && parsed.kind === kind ? wanting : []
      })
      return [...new Set(found)].filter((name) => name !== but).sort()
    },
    knows: (application) => names.has(application),
  }
}
