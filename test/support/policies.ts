import assert from 'node:assert/strict'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../hub/errors.ts'
import type { PolicySpec } from '../../hub/fleet/kinds/policy.ts'
import { createPolicyEngine } from '../../hub/policy/engine.ts'
import { type Case, createJudge } from '../../hub/policy/judge.ts'
import { plainPlace, type Policy } from '../../hub/policy/policy.ts'
import type { Signatures } from '../../hub/policy/signature/rule.ts'
import { findSecrets } from '../../hub/policy/secretlint.ts'
import type { RenderedObject, RenderEngine } from '../../hub/render/engine.ts'
import type { EngineWorkers } from '../../hub/render/workers.ts'
import { renderText } from './render-engine.ts'

const never = new AbortController().signal
const unasked: Signatures = { check: async () => ({ kind: 'unasked' }) }

/** A Policy with its files, as if it had been read from the fleet repository. */
export function policyOf(
  files: Readonly<Record<string, string>>,
  spec: PolicySpec = {},
  name = 'baseline',
): Policy {
  const digest = digestOf(JSON.stringify([name, files, spec]))
  return {
    ...{ name, labels: {}, annotations: {}, file: 'policies.yaml', line: 1 },
    spec: Object.keys(files).length > 0 ? { files: ['policies'], ...spec } : spec,
    ...{ signatures: [], signaturePlace: plainPlace },
    files: Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
    ...{ program: digest, digest },
  }
}

/** Manifests as the engine renders them. */
export async function objectsOf(
  engine: RenderEngine,
  manifests: string,
): Promise<readonly RenderedObject[]> {
  return (await renderText(engine, { 'app.yaml': manifests })).objects
}

/** The whole judgement over a real engine: `action policy: rule: message`, in no order. */
export function createBench(
  engine: RenderEngine & EngineWorkers,
  signatures: Signatures = unasked,
) {
  const policyEngine = createPolicyEngine(engine)
  const judge = createJudge({ engine: policyEngine, findSecrets, signatures })
  return {
    compile: (policy: Policy) => policyEngine.compile(policy, never),
    async judge(manifests: string, policies: readonly Policy[], more: Partial<Case> = {}) {
      const objects = await objectsOf(engine, manifests)
      const content = digestOf(JSON.stringify(objects))
      const one = { application: 'shop', content, objects, policies, kubernetesVersion: '' }
      return judge({ ...one, ...more }, never)
    },
    /** What is said, without whom it is said of. */
    async say(manifests: string, ...policies: Policy[]): Promise<string[]> {
      const verdict = await this.judge(manifests, policies)
      return verdict.map(({ action, rule, message }) => `${action}: ${rule}: ${message}`)
    },
  }
}

/** The faults that refuse a policy, as `file:line message`. */
export async function faultsOf(
  bench: ReturnType<typeof createBench>,
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  try {
    await bench.compile(policyOf(files))
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'fleet_invalid', String(error))
    return error.faults.map(({ file, line, message }) => `${file}:${line} ${message}`)
  }
  return assert.fail('it compiles')
}
