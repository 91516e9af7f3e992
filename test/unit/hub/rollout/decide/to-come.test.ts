import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Application, Declared, Git } from '../several-git.ts'
import { createSeveralHub } from '../several-world.ts'

const all = { ...{ version: 0, overrides: {}, excluded: [] }, dependsOn: [] }
const plain: Declared = { ...all, strategy: { waves: [{ name: 'all', selector: {} }] } }
const rest = ['c1', 'c2', 'c3', 'c4', 'c5']
const waves = [
  { name: 'canary', clusters: ['c0'] },
  { name: 'rest', clusters: rest, before: [{ approval: {} }] },
]

/** `db` has left Git, and its canary; its removal waits for people. */
async function begin() {
  const git: Git = {
    ...{ second: [], suspended: [], windows: [] },
    declared: { db: { ...all, strategy: { waves } }, shop: plain, web: plain },
    owners: ['db', 'db', 'shop', 'web'],
  }
  const hub = await createSeveralHub(git)
  const pass = async () => {
    await hub.perform({ kind: 'goOn', ms: 5_000 })
    await hub.settle()
  }
  /** Somebody approves whatever waits. */
  async function goOn(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      await pass()
      const act = { kind: 'act', application: 'db', action: 'approve' } as const
      await hub.perform({ ...act, cluster: 'c0', actor: 'alice' })
    }
  }
  const commit = async (queue: Partial<Record<'queue', Declared>>, owner: Application) => {
    const declared = { shop: plain, web: plain, ...queue }
    hub.commits.push({ ...git, declared, owners: [owner, owner, 'shop', 'web'] })
    await hub.settle()
  }
  const has = () =>
    [...hub.hub.state.assignedTo.get('db')!.values()].flatMap(({ cluster, digest }) =>
      digest === null ? [] : [cluster],
    )
  await goOn()
  await commit({}, 'db')
  await pass()
  assert.deepEqual(has().sort(), rest.slice(0, 4))
  return { hub, goOn, commit, has }
}

describe('a removal that is under way', () => {
  // It deleted what Git had given to that one meanwhile.
  test('goes on nowhere where its objects may be those of one that cannot be rendered', async () => {
    const { hub, goOn, commit, has } = await begin()
    await commit({ queue: { ...plain, broken: true } }, 'queue')
    await goOn()
    assert.deepEqual(has().sort(), rest.slice(0, 4))
    const [fault] = hub.faults
    assert.match(fault!.message, /^it is not removed on c1, c2, c3, c4 yet: queue is to come/)
    await commit({ queue: plain }, 'queue')
    await goOn()
    assert.deepEqual(has(), [])
    const last = [...hub.hub.state.plans.values()].findLast((plan) => plan.application === 'db')
    assert.equal(last?.targets['c1']?.deletionPolicy, 'Orphan', 'it is let go')
  })

  test('goes on by the word of a person who has it removed all the same', async () => {
    const { hub, goOn, commit, has } = await begin()
    await commit({ queue: { ...plain, broken: true } }, 'queue')
    await hub.perform({ kind: 'launch', application: 'db' })
    await hub.settle()
    await goOn()
    assert.deepEqual(has(), [])
  })
})
