import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type Case, judgedBy, type Verdict } from '../policy/judge.ts'
import { signatureCheck } from '../policy/signature/unsigned.ts'

/** Where verdicts are kept. Losing any of them costs judging once more. */
export interface VerdictStore {
  get(digest: Digest): Promise<Verdict | undefined>
  put(digest: Digest, verdict: Verdict): Promise<void>
}

/** What ended in an error may do better the next time, and an image may be signed by then. */
const unsettled = ['could not be judged', signatureCheck]

/**
 * Judges once what is the same: content, policies and version of Kubernetes.
 *
 * @param version of what judges; another one may judge otherwise
 */
export function createCachedJudge(
  judge: (one: Case, signal: AbortSignal) => Promise<Verdict>,
  store: VerdictStore,
  version: string,
): (one: Case, signal: AbortSignal) => Promise<Verdict> {
  /** Many clusters share a content, and their verdict is read once. */
  const known = new Map<Digest, Promise<Verdict>>()

  async function judgeOnce(key: Digest, one: Case, signal: AbortSignal): Promise<Verdict> {
    const kept = await store.get(key)
    if (kept) return kept
    const verdict = await judge(one, signal)
    if (!verdict.some(({ rule }) => unsettled.includes(rule))) await store.put(key, verdict)
    return verdict
  }

  return (one, signal) => {
    const { application, content, policies, kubernetesVersion } = one
    const by = judgedBy(policies, kubernetesVersion)
    const key = digestOf(JSON.stringify([version, application, content, by]))
    const verdict = known.get(key) ?? judgeOnce(key, one, signal)
    known.set(key, verdict)
    return verdict
  }
}
