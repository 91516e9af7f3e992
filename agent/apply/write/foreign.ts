import { parseObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../../errors.ts'
import { type ApplyDeps, writeSignal } from '../deps.ts'
import { isAppliedHere, marks, type Owner } from '../inventory/ownership.ts'

/**
 * Refuses an object that is another application's, or another agent's.
 *
 * @param known whose it says it is; undefined when it is not there
 * @throws AgentError `owned_by_other`
 */
export async function refuseForeign(
  id: string,
  application: string,
  known: Owner | undefined,
  deps: ApplyDeps,
): Promise<void> {
  const { claims, inventories, inventory } = deps
  const current = known?.application ?? ''
  const holder = claims.holder(id, current)
  if (holder !== undefined && holder !== application && !claims.agree(id, holder, application)) {
    throw new AgentError('owned_by_other', `application ${holder} has this object too`)
  }
  // Another's object is taken over when the snapshot says its owner lets it go, or nobody minds it.
  if (current && current !== application && !claims.knows(current)) {
    const theirs = await inventories.load(current, writeSignal())
    if (theirs.has(id)) {
      throw new AgentError('owned_by_other', `belongs to application ${current}`)
    }
  }
  // What was applied from here is ours, whatever id the cluster's record had then; a first try proves nothing.
  if (known?.cluster && !isAppliedHere(known, deps) && !inventory.get(id)?.uid) {
    throw new AgentError(
      'owned_by_other',
      `belongs to the agent of cluster ${known.cluster}; if that one is gone for good, let go of all of this kind: ${letGo(id, current)}`,
    )
  }
}

function letGo(id: string, application: string): string {
  const { kind, group } = parseObjectId(id)
  const resource = [kind.toLowerCase(), ...(group === '' ? [] : [group])].join('.')
  return `kubectl annotate ${resource} --all-namespaces -l ${marks.application}=${application} ${marks.cluster}-`
}
