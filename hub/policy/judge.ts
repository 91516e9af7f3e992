import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../errors.ts'
import type { RenderedObject } from '../render/engine.ts'
import type { EngineVerdict, ImageAnswer, PolicyEngine } from './engine.ts'
import { type Policy, schemaPolicy } from './policy.ts'
import { answerQuestion } from './signature/answer.ts'
import type { Signatures } from './signature/rule.ts'
import { findUnsigned, signatureCheck } from './signature/unsigned.ts'
import { findRemovedApis } from './removed-apis.ts'
import { capAction, findException, strongestAction, type Violation } from './violation.ts'

/** One render, and what it is judged by. */
export interface Case {
  readonly application: string
  /** Of the manifest: same digest, same objects. */
  readonly content: Digest
  readonly objects: readonly RenderedObject[]
  readonly policies: readonly Policy[]
  /** `1.35` or `1.35.4`; empty when it is not known. */
  readonly kubernetesVersion: string
}

/** All that policies say, by policy; what is only to be known is an `audit` of no object. */
export type Verdict = readonly Violation[]

export interface JudgeDeps {
  readonly engine: PolicyEngine
  /** Secrets in plain text. */
  readonly findSecrets: (objects: readonly RenderedObject[]) => Promise<readonly Found[]>
  readonly signatures: Signatures
}

/** What a check of our own found; its policy says what comes of it. */
export interface Found extends Pick<Violation, 'rule' | 'object' | 'file' | 'message'> {
  /** The most that comes of it; `deny` when left out. */
  readonly action?: Violation['action']
}

/** Verdicts remembered; the oldest are forgotten first. */
const rememberedVerdicts = 20_000
/** How often a policy may have something to ask of images; one answer may lead to the next. */
const mostRounds = 8
/** Questions that are with registries at a time. */
const atOnce = 8
/** Characters of all that is attested of a render's images: it goes to the engine at once. */
const mostAttested = 64 * 1024 * 1024

/** Names all that decides a verdict but the objects: part of a bundle's key, so that it is remembered with it. */
export function judgedBy(policies: readonly Policy[], kubernetesVersion: string): string {
  return JSON.stringify([1, policies.map(({ digest }) => digest), kubernetesVersion])
}

/**
 * Judges renders by policies. The same content under the same policies is judged once, whatever
 * the number of clusters it is for.
 */
export function createJudge({ engine, findSecrets, signatures }: JudgeDeps) {
  const verdicts = new Map<string, Promise<Verdict>>()

  /** The engine reaches no registry: it says what it has to know, and is asked again. */
  async function askEngine(
    { objects, kubernetesVersion }: Case,
    policy: Policy,
    signal: AbortSignal,
  ): Promise<EngineVerdict> {
    const answers: ImageAnswer[] = []
    for (let round = 0; round < mostRounds; round += 1) {
      const verdict = await engine.judge(policy, objects, kubernetesVersion, answers, signal)
      const { questions } = verdict
      if (questions.length === 0) return verdict
      for (let at = 0; at < questions.length; at += atOnce) {
        const asked = questions
          .slice(at, at + atOnce)
          .map((each) => answerQuestion(each, policy.signaturePlace, signatures, signal))
        answers.push(...(await Promise.all(asked)))
        const attested = answers.flatMap(({ statements }) => statements.map((text) => text.length))
        if (attested.reduce((sum, size) => sum + size, 0) > mostAttested) {
          throw new HubError('policy_failed', 'what is attested of its images is over 64 MiB')
        }
      }
    }
    throw new HubError('policy_failed', 'it has ever more to ask about images')
  }

  async function judgeOne(one: Case, policy: Policy, signal: AbortSignal): Promise<Verdict> {
    const { application, objects } = one
    const { name, spec } = policy
    const most = spec.action ?? 'deny'
    if (!spec.files && !spec.images) return []
    const unsigned = await findUnsigned(objects, policy.signatures, signatures, signal)
    try {
      const { violations, notes } = await askEngine(one, policy, signal)
      return [
        ...unsigned.map(({ action = 'deny', ...found }) =>
          settle({ policy: name, ...found, action }, application, [policy], most),
        ),
        ...violations.map((found) =>
          settle({ policy: name, ...found }, application, [policy], most),
        ),
        ...notes.map((message) => tell(name, 'note', 'audit', message)),
      ]
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'policy_failed') throw error
      return [tell(name, 'could not be judged', most, error.message)]
    }
  }

  async function judgeSchema(
    objects: readonly RenderedObject[],
    kubernetesVersion: string,
    signal: AbortSignal,
  ): Promise<readonly Found[]> {
    try {
      return (await engine.judge(schemaPolicy, objects, kubernetesVersion, [], signal)).violations
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'policy_failed') throw error
      return [{ rule: 'could not be judged', object: null, file: '', message: error.message }]
    }
  }

  async function judgeAll(one: Case, signal: AbortSignal): Promise<Verdict> {
    const { application, objects, policies, kubernetesVersion } = one
    const verdicts = await Promise.all(policies.map((policy) => judgeOne(one, policy, signal)))
    const schema = await judgeSchema(objects, kubernetesVersion, signal)
    const own = [
      ...governed('schema', policies, schema, application),
      ...governed('secrets', policies, await findSecrets(objects), application),
      ...governed(
        'removedApis',
        policies,
        findRemovedApis(objects, kubernetesVersion),
        application,
      ),
    ]
    return [...verdicts.flat(), ...own]
  }

  return async function judge(one: Case, signal: AbortSignal): Promise<Verdict> {
    const key = digestOf(
      JSON.stringify([one.application, one.content, judgedBy(one.policies, one.kubernetesVersion)]),
    )
    const known = verdicts.get(key)
    if (known) return known
    const verdict = judgeAll(one, signal)
    verdicts.set(key, verdict)
    // A verdict that was not reached is asked for again; so is one that a signature may change.
    verdict.then(
      (found) => found.some(({ rule }) => rule === signatureCheck) && verdicts.delete(key),
      () => verdicts.delete(key),
    )
    for (const oldest of verdicts.keys()) {
      if (verdicts.size <= rememberedVerdicts) break
      verdicts.delete(oldest)
    }
    return verdict
  }
}

export type Judge = ReturnType<typeof createJudge>

function tell(
  policy: string,
  rule: string,
  action: Violation['action'],
  message: string,
): Violation {
  return { policy, rule, action, object: null, file: '', message }
}

/** A check of our own, under the policies that govern it; with none it denies. */
function governed(
  check: 'secrets' | 'removedApis' | 'schema',
  policies: readonly Policy[],
  found: readonly Found[],
  application: string,
): Violation[] {
  const governing = policies.filter(({ spec }) => spec[check] !== undefined)
  const most = strongestAction(governing.map(({ spec }) => spec.action ?? 'deny')) ?? 'deny'
  const policy = governing[0]?.name ?? 'default'
  return found.map(({ action = 'deny', ...each }) =>
    settle({ policy, ...each, action }, application, governing, most),
  )
}

/** What comes of a violation: never more than its policy says, and only a note where one is excepted. */
function settle(
  violation: Violation,
  application: string,
  policies: readonly Policy[],
  most: Violation['action'],
): Violation {
  const exceptions = policies.flatMap(({ spec }) => spec.exceptions ?? [])
  const exception = violation.object && findException(exceptions, application, violation.object)
  if (!exception) return { ...violation, action: capAction(violation.action, most) }
  const { message } = violation
  return { ...violation, action: 'audit', message: `${message} (excepted: ${exception.reason})` }
}
