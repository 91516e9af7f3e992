import { type Fault, formatFault, HubError } from '../errors.ts'
import type { EngineViolation, ImageQuestion } from '../render/answer.ts'
import type { RenderedObject } from '../render/engine.ts'
import type { EngineWorkers, LentWorker } from '../render/workers.ts'
import { type Policy, schemaPolicy } from './policy.ts'

/** What Kubernetes', OPA's and our own rules make of objects, in the render engine's processes. */
export interface PolicyEngine {
  /**
   * Reads and compiles a policy; gives what people should know of it that is no fault.
   *
   * @throws HubError `fleet_invalid` with every fault, `policy_failed`, `engine_unavailable`
   */
  compile(policy: Policy, signal: AbortSignal): Promise<readonly string[]>
  /**
   * Judges one render by one policy, so that one that never ends costs one process and can be named.
   *
   * @throws HubError `policy_failed` when the rules end in an error or take too long,
   *   `engine_unavailable`
   */
  judge(
    policy: Policy,
    objects: readonly RenderedObject[],
    /** `1.35` or `1.35.4`; empty when it is not known. */
    kubernetesVersion: string,
    answers: readonly ImageAnswer[],
    signal: AbortSignal,
  ): Promise<EngineVerdict>
}

/** What one policy says of one render, or what it has to know first. */
export interface EngineVerdict {
  readonly violations: readonly EngineViolation[]
  readonly notes: readonly string[]
  /** When there are any, nothing else counts. */
  readonly questions: readonly ImageQuestion[]
}

/** To an `ImageQuestion` of this id. */
export interface ImageAnswer {
  readonly id: string
  readonly kind: 'trusted' | 'refused' | 'unasked'
  readonly reason: string
  /** Statements of in-toto, each as JSON. */
  readonly statements: readonly string[]
}

export function createPolicyEngine(workers: EngineWorkers): PolicyEngine {
  async function give(worker: LentWorker, policy: Policy, signal: AbortSignal) {
    const answer = await worker.ask(encodePolicy(policy), signal)
    switch (answer.kind) {
      case 'done':
        worker.given.add(policy.program)
        return answer.result.warnings
      case 'failed':
        throw refuse(policy, answer.faults)
      case 'needTree':
      case 'needPolicy':
        throw new HubError('internal', 'the engine asks for what it was just given')
      default:
        return answer satisfies never
    }
  }

  return {
    compile: (policy, signal) =>
      workers
        .lend(policy.program, signal, (worker) => give(worker, policy, signal))
        .catch((error: unknown) => Promise.reject(blame(policy, error))),
    judge: (policy, objects, kubernetesVersion, answers, signal) =>
      workers
        .lend(policy.program, signal, async (worker) => {
          const sent = objects.map(({ json, file }) => ({ json, file }))
          const judge = { kubernetesVersion, objects: sent, answers }
          const question = { op: 'judge', id: policy.program, judge }
          let answer = await worker.ask(question, signal)
          if (answer.kind === 'needPolicy') {
            await give(worker, policy, signal)
            answer = await worker.ask(question, signal)
          }
          switch (answer.kind) {
            case 'done':
              return {
                violations: answer.violations,
                notes: answer.result.warnings,
                questions: answer.questions,
              }
            case 'failed':
              throw new HubError('policy_failed', answer.faults.map(formatFault).join('; '))
            case 'needTree':
            case 'needPolicy':
              throw new HubError('internal', 'the engine forgot a policy at once')
            default:
              return answer satisfies never
          }
        })
        .catch((error: unknown) => Promise.reject(blame(policy, error))),
  }
}

function encodePolicy(policy: Policy): object {
  const { name, program, files, spec } = policy
  return {
    op: 'policy',
    id: program,
    policy: {
      name,
      files: files.map(({ path, bytes }) => ({
        path,
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
      })),
      images: spec.images ?? null,
      schema: policy === schemaPolicy,
      partial: policy.partial === true,
      trusts: spec.images?.kyverno?.trustedRoot !== undefined,
    },
  }
}

function refuse(policy: Policy, faults: readonly Fault[]): HubError {
  const object = `Policy ${policy.name}`
  const placed = faults.map((fault) => ({
    ...(fault.file ? {} : { file: policy.file, line: policy.line }),
    ...fault,
    object,
  }))
  const more = placed.length > 1 ? ` (and ${placed.length - 1} more)` : ''
  return new HubError('fleet_invalid', `${formatFault(placed[0]!)}${more}`, { faults: placed })
}

/** A worker that died of a policy did so of judging, not of rendering. */
function blame(policy: Policy, error: unknown): unknown {
  if (!(error instanceof HubError)) return error
  const { code } = error
  if (code !== 'render_timeout' && code !== 'render_failed') return error
  const words = error.message.replace('the render ', 'judging ')
  return new HubError('policy_failed', `policy ${policy.name}: ${words}`, {
    cause: error,
    faults: [
      { file: policy.file, line: policy.line, object: `Policy ${policy.name}`, message: words },
    ],
  })
}
