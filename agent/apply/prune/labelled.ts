import type { Cluster, LabelledLook } from '../../cluster/port.ts'
import { writeSignal } from '../deps.ts'
import { marks } from '../inventory/ownership.ts'

/** What bears an application's label, of all kinds. @throws AgentError `cluster_unreachable` */
export type FindLabelled = (application: string) => Promise<LabelledLook>

/** Names in one request's address. */
const namesAtMost = 200

/**
 * A tombstone stays in the snapshot for ever, and after a start no inventory tells of any: each would have all kinds
 * listed. So one look is for all that are about to ask, each of which has its answer once.
 *
 * @param asking applications that may ask
 */
export function createLabelledLook(
  cluster: Pick<Cluster, 'labelled'>,
  asking: () => readonly string[],
) {
  let last: { readonly names: Set<string>; readonly look: Promise<LabelledLook> } | undefined
  return {
    /** Of a snapshot before, nothing is believed. */
    forget(): void {
      last = undefined
    },
    find: (async (application) => {
      if (!last?.names.has(application)) {
        const names = [...new Set([application, ...asking()])].slice(0, namesAtMost)
        const look = cluster.labelled(marks.application, names, writeSignal())
        last = { names: new Set(names), look }
      }
      const { names, look } = last
      names.delete(application)
      const { objects, unseen } = await look
      const isOurs = ({ labels }: (typeof objects)[number]['metadata']): boolean =>
        labels?.[marks.application] === application
      return { objects: objects.filter(({ metadata }) => isOurs(metadata)), unseen }
    }) satisfies FindLabelled,
  }
}
