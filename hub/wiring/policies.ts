import { createTimeBound } from '@groundswell/proto/v8.ts'
import { createPolicyEngine } from '../policy/engine.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { createJudge } from '../policy/judge.ts'
import { createPolicyLoader } from '../policy/load.ts'
import { createSignatures, type SignatureSource } from '../policy/signature/signatures.ts'
import type { EngineWorkers } from '../render/workers.ts'

/** For one condition on what is attested of an image; milliseconds. */
const conditionTime = 200

/**
 * Judges in the engine's own processes.
 *
 * @param registry where signatures of images are asked for; undefined where there is no network
 */
export function createGate(
  workers: EngineWorkers,
  registry: SignatureSource | undefined,
  now: () => number,
): PolicyGate {
  const engine = createPolicyEngine(workers)
  const judge = createJudge({
    engine,
    // Its rules take a while to load, and are not needed where every verdict is kept.
    findSecrets: async (objects) => {
      const { findSecrets } = await import('../policy/secretlint.ts')
      return findSecrets(objects)
    },
    signatures: createSignatures({
      registry,
      loadVerifier: () => import('../policy/signature/sigstore.ts'),
      now,
      within: createTimeBound(conditionTime),
    }),
  })
  return { load: createPolicyLoader(engine), judge }
}
