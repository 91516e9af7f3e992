import { areFacts, factsDigest, type ToldFacts } from '@groundswell/proto/facts.ts'
import type { Session } from './session.ts'

/**
 * Tells the hub what the cluster is and serves: when a stream begins and the hub knows otherwise, and
 * when it has changed. What cannot be told within the bounds is not told at all.
 */
export function createFactsTelling(
  read: () => { kubernetesVersion: string; apis?: ToldFacts['apis'] },
) {
  let session: Pick<Session, 'send'> | undefined
  let told = ''

  function notice(): void {
    const { kubernetesVersion, apis } = read()
    const facts = apis && { kubernetesVersion, apis }
    if (!session || !facts || !areFacts(facts)) return
    const digest = factsDigest(facts)
    if (digest === told) return
    told = digest
    session
      .send({ case: 'facts', value: { kubernetesVersion, apis: [...facts.apis] } })
      .catch(() => {})
  }

  return {
    /** @param known digest of what the hub has; empty when it has nothing */
    attach(on: Pick<Session, 'send'> | undefined, known = ''): void {
      session = on
      told = known
      notice()
    },
    notice,
  }
}
