import { createPolicyEngine } from '../policy/engine.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { createJudge } from '../policy/judge.ts'
import { createPolicyLoader } from '../policy/load.ts'
import { findSecrets } from '../policy/secretlint.ts'
import type { EngineWorkers } from '../render/workers.ts'

/** Judges in the engine's own processes. */
export function createGate(workers: EngineWorkers): PolicyGate {
  const engine = createPolicyEngine(workers)
  return { load: createPolicyLoader(engine), judge: createJudge({ engine, findSecrets }) }
}
