import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { PolicySpec } from '../../../../hub/fleet/kinds/policy.ts'
import { type Case, createJudge, type Found } from '../../../../hub/policy/judge.ts'
import type { PolicyEngine } from '../../../../hub/policy/engine.ts'
import { schemaPolicy } from '../../../../hub/policy/policy.ts'
import type { EngineViolation, ImageQuestion } from '../../../../hub/render/answer.ts'
import { policyOf } from '../../../support/policies.ts'

const never = new AbortController().signal
const id = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const object = { id, apiVersion: 'apps/v1', json: '{}', file: 'apps/web.yaml' }
const found = { action: 'deny' as const, rule: 'r', object: id, file: object.file, message: 'no' }

function world(
  options: {
    schema?: EngineViolation[]
    secrets?: readonly Found[]
    fail?: HubError
    notes?: string[]
  } = {},
) {
  const asked: string[] = []
  const engine: PolicyEngine = {
    compile: async () => [],
    async judge(policy) {
      if (policy === schemaPolicy)
        return { violations: options.schema ?? [], notes: [], questions: [] }
      asked.push(policy.name)
      if (options.fail) throw options.fail
      return { violations: [found], notes: options.notes ?? [], questions: [] }
    },
  }
  const judge = createJudge({
    engine,
    findSecrets: async () => options.secrets ?? [],
    signatures: { check: async () => ({ kind: 'unasked' }) },
  })
  const say = async (specs: readonly PolicySpec[], more: Partial<Case> = {}) => {
    const policies = specs.map((spec, at) => policyOf({ 'p.rego': '' }, spec, `p${at}`))
    const content = digestOf('content')
    const base = { application: 'shop', content, objects: [object], kubernetesVersion: '' }
    const verdict = await judge({ ...base, policies, ...more }, never)
    return verdict.map(({ policy, action, message }) => `${policy} ${action} ${message}`)
  }
  return { asked, say }
}

describe('createJudge', () => {
  test('judges the same content under the same policies once', async () => {
    const { asked, say } = world()
    await Promise.all([say([{}]), say([{}])])
    assert.deepEqual(asked, ['p0'])
    await say([{ action: 'warn' }])
    await say([{}], { kubernetesVersion: '1.35' })
    await say([{}], { content: digestOf('other') })
    assert.equal(asked.length, 4)
  })

  test('caps an action, and excepts what a policy excepts, saying why', async () => {
    const { say } = world()
    assert.deepEqual(await say([{ action: 'warn' }, {}]), ['p0 warn no', 'p1 deny no'])
    const reason = 'till spring'
    for (const fits of [
      { kind: 'Deploy*' },
      { namespace: 'shop', name: 'w*' },
      { application: 'shop' },
    ]) {
      const said = await say([{ exceptions: [{ ...fits, reason }] }])
      assert.deepEqual(said, ['p0 audit no (excepted: till spring)'])
    }
    const other = await say([{ exceptions: [{ kind: 'Deployment', name: 'other', reason }] }])
    assert.deepEqual(other, ['p0 deny no'])
  })

  test('a policy that could not be judged denies as far as its policy may', async () => {
    const fail = new HubError('policy_failed', 'too long')
    assert.deepEqual(await world({ fail }).say([{}]), ['p0 deny too long'])
    assert.deepEqual(await world({ fail }).say([{ action: 'audit' }]), ['p0 audit too long'])
  })

  test('an engine that is away is no verdict: it is asked again', async () => {
    const { asked, say } = world({ fail: new HubError('engine_unavailable', 'away') })
    await assert.rejects(say([{}]), /away/)
    await assert.rejects(say([{}]), /away/)
    assert.equal(asked.length, 2)
  })

  test('secrets are denied unless a policy says otherwise, and the strictest of those counts', async () => {
    const secret = { rule: 'plaintext secret', object: id, file: '', message: 'data.x' }
    const { say } = world({ secrets: [secret] })
    assert.deepEqual(await say([]), ['default deny data.x'])
    const said = async (...specs: PolicySpec[]) =>
      (await say(specs)).filter((line) => line.endsWith('data.x'))
    assert.deepEqual(await said({ secrets: {}, action: 'warn' }), ['p0 warn data.x'])
    assert.deepEqual(await said({ secrets: {}, action: 'audit' }, { secrets: {} }), [
      'p0 deny data.x',
    ])
    assert.deepEqual(await said({ action: 'audit' }), ['default deny data.x'])
  })

  test('what a schema does not know is denied, or as far as a policy says', async () => {
    const { say } = world({ schema: [{ ...found, message: 'no such field' }] })
    assert.deepEqual(await say([]), ['default deny no such field'])
    const said = (await say([{ schema: {}, action: 'warn' }])).filter((line) => /field/.test(line))
    assert.deepEqual(said, ['p0 warn no such field'])
  })

  test('what is only to be known is a note of no object', async () => {
    const said = await world({ notes: ['unknown labels'] }).say([{}])
    assert.deepEqual(said, ['p0 deny no', 'p0 audit unknown labels'])
  })
})

describe('questions about images', () => {
  const image = `registry.example/shop@${digestOf('an image')}`
  const question = (id: string): ImageQuestion => ({
    ...{ id, image, key: undefined, identities: [] },
    ...{ trustedRoot: undefined, predicateType: 'https://x' },
  })

  /** An engine that asks `rounds` times, and signatures that answer with a statement of some size. */
  function asking(rounds: number, size: number) {
    const state = { rounds: 0, checks: 0, answered: [] as string[] }
    const engine: PolicyEngine = {
      compile: async () => [],
      async judge(policy, _objects, _version, answers) {
        const nothing = { violations: [], notes: [], questions: [] }
        if (policy === schemaPolicy) return nothing
        state.answered = answers.map((answer) => `${answer.id} ${answer.kind}`)
        if (state.rounds === rounds) return { ...nothing, violations: [found] }
        state.rounds += 1
        // What it says beside a question does not count.
        const asked = [question(`q${state.rounds}`)]
        return { violations: [{ ...found, message: 'too early' }], notes: [], questions: asked }
      },
    }
    const judge = createJudge({
      engine,
      findSecrets: async () => [],
      signatures: {
        async check() {
          state.checks += 1
          return { kind: 'trusted', statements: [Buffer.alloc(size, 'x')] }
        },
      },
    })
    const one = { application: 'shop', content: digestOf('c'), objects: [object] }
    const policies = [policyOf({ 'p.rego': '' })]
    const say = async () =>
      (await judge({ ...one, policies, kubernetesVersion: '' }, never)).map(
        ({ rule, message }) => `${rule}: ${message}`,
      )
    return { state, say }
  }

  test('are answered, and the engine is asked again with all answers', async () => {
    const { state, say } = asking(2, 10)
    assert.deepEqual(await say(), ['r: no'])
    assert.deepEqual(state.answered, ['q1 trusted', 'q2 trusted'])
    assert.equal(state.checks, 2)
  })

  test('that never end, or whose answers are too large, are no verdict: they deny', async () => {
    assert.deepEqual(await asking(100, 10).say(), [
      'could not be judged: it has ever more to ask about images',
    ])
    assert.deepEqual(await asking(7, 12 * 1024 * 1024).say(), [
      'could not be judged: what is attested of its images is over 64 MiB',
    ])
  })
})
