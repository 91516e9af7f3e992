import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CelError, parseCel } from '@groundswell/proto/cel.ts'
import { createTimeBound } from '@groundswell/proto/v8.ts'
import { HubError } from '../../hub/errors.ts'
import { createExpressions } from '../support/cel-expressions.ts'
import { createBench, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'
import { createSeed } from '../support/seed.ts'

/* The agent evaluates CEL by a JavaScript library; Kubernetes' own is in the engine. What an author tries
   in one must not come out differently in the other: the same answer, or no answer. */

const expressions = Number(process.env['EXPRESSIONS'] ?? 600)
const together = 50
const within = createTimeBound(1_000)

const samples = [
  {
    spec: {
      generation: 4,
      replicas: 3,
      paused: false,
      size: 2.5,
      name: 'web',
      tags: ['a', 'b', 'c'],
      empty: [],
    },
    state: {
      replicas: 3,
      ready: 2,
      phase: 'Running',
      observedGeneration: 4,
      conditions: [
        { type: 'Ready', status: 'True', reason: 'AllGood', observedGeneration: 4 },
        { type: 'Synced', status: 'False', reason: 'Waiting' },
      ],
    },
  },
  {
    spec: { generation: 4, replicas: 0, paused: true, size: 0.5, name: '', tags: [], empty: [] },
    state: { replicas: 0, ready: 0, phase: 'Failed', observedGeneration: 1, conditions: [] },
  },
  { spec: { generation: 4, replicas: 1, name: 'db-0', tags: ['z'], empty: [] } },
]

type Answer = 'true' | 'false' | 'error' | 'refused'

function answerHere(text: string, object: object): Answer {
  let program
  try {
    program = parseCel(text, ['object'])
  } catch (error) {
    assert.ok(error instanceof CelError, text)
    return 'refused'
  }
  try {
    return program.test({ object }, within) ? 'true' : 'false'
  } catch (error) {
    assert.ok(error instanceof CelError, text)
    return 'error'
  }
}

test(`CEL in the agent comes to what Kubernetes' comes to, or to nothing (${expressions} expressions)`, async (t) => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const seed = createSeed(process.env['SEED'] ?? '7')
  t.diagnostic(`SEED=${seed.text}`)
  const all = createExpressions(seed.random, expressions)
  /** `stricter`: Kubernetes wants equal types where the library compares what comes. */
  const counts = { same: 0, silent: 0, stricter: 0, known: 0 }
  const differ: string[] = []
  for (let from = 0; from < all.length; from += together) {
    const batch = all.slice(from, from + together)
    const whole = policyOf({ 'p.yaml': toPolicy(batch) }, {}, `whole-${from}`)
    const refused = await bench.compile(whole).then(() => new Set<number>(), findRefused)
    // What does not compile says nothing that is true or false.
    const rest = batch.map((text, at) => (refused.has(at) ? 'true' : text))
    const policy = policyOf({ 'p.yaml': toPolicy(rest) }, {}, `batch-${from}`)
    for (const sample of samples) {
      const object = {
        apiVersion: 'example.org/v1',
        kind: 'Widget',
        metadata: { name: 'w', namespace: 'n', labels: { app: 'w' } },
        ...sample,
      }
      const said = await bench.judge(JSON.stringify(object), [policy])
      const answers = new Map(said.map(({ message }) => readAnswer(message)))
      for (const [at, text] of batch.entries()) {
        const there = refused.has(at)
          ? 'refused'
          : (answers.get(`${at}`) ?? answers.get(text) ?? 'true')
        const here = answerHere(text, object)
        if (here === there) counts.same += 1
        else if (isKnown(text)) counts.known += 1
        else if (there === 'refused') counts.stricter += 1
        else if (!isAnswer(here)) counts.silent += 1
        else differ.push(`${text}: here ${here}, there ${there}`)
      }
    }
  }
  t.diagnostic(JSON.stringify(counts))
  assert.deepEqual(differ, [])
  assert.equal(counts.silent, 0)
})

/** Which expression a violation is of, by its number or its text, and what it came to. */
function readAnswer(message: string): readonly [string, Answer] {
  const number = /^no (\d+)$/.exec(message)?.[1]
  if (number !== undefined) return [number, 'false']
  const text = /^expression '(.*)' resulted in error: /s.exec(message)?.[1]
  assert.ok(text !== undefined, message)
  return [text, 'error']
}

const isAnswer = (answer: Answer): boolean => answer === 'true' || answer === 'false'

/** To the library the number of an empty text is 0; Kubernetes has none. */
const isKnown = (text: string): boolean => text.includes('int(object.spec.name)')

/** Which expressions of a policy do not compile. */
function findRefused(error: unknown): Set<number> {
  assert.ok(error instanceof HubError, String(error))
  const places = error.faults.map(({ message }) => /spec\.validations\[(\d+)\]/.exec(message)?.[1])
  assert.ok(
    places.every((place) => place !== undefined),
    JSON.stringify(error.faults),
  )
  return new Set(places.map(Number))
}

/** One that says of each expression that is not true which it is. */
function toPolicy(batch: readonly string[]): string {
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'batch' },
    spec: { policyName: 'batch', validationActions: ['Deny'] },
  }
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'batch' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          {
            ...{ apiGroups: ['example.org'], apiVersions: ['*'] },
            ...{ operations: ['*'], resources: ['*'] },
          },
        ],
      },
      validations: batch.map((expression, at) => ({ expression, message: `no ${at}` })),
    },
  }
  return `${JSON.stringify(binding)}\n---\n${JSON.stringify(policy)}\n`
}
