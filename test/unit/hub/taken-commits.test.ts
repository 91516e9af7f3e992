import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../hub/errors.ts'
import { createTakenCommits, type ReadRepository } from '../../../hub/taken-commits.ts'

const idOf = (digit: string): string => digit.repeat(40)
const at = (repository: string, digit: string): ReadRepository => ({
  repository,
  revision: `main@sha1:${idOf(digit)}`,
})

/** Each commit is made on that of the digit before. */
function createWorld() {
  const asked: string[] = []
  const git: { decided: ReadRepository[]; refused: string | null } = { decided: [], refused: null }
  return Object.assign(git, {
    asked,
    find: createTakenCommits({
      renderer: {
        async contains(repository, revision, commit) {
          asked.push(`${repository} ${revision.at(-1)} ${commit[0]}`)
          return repository === 'fleet' && commit <= revision.slice(-40)
        },
      },
      decided: () => git.decided,
      refused: () => git.refused,
    }),
  })
}

describe('a commit', () => {
  test('is taken into account once it, or one made on it, was decided on', async () => {
    const world = createWorld()
    assert.deepEqual(await world.find('shop', idOf('2')), { state: 'notYet' })
    world.decided = [at('fleet', '1')]
    assert.deepEqual(await world.find('shop', idOf('2')), { state: 'notYet' })
    for (const digit of ['2', '3']) {
      world.decided = [at('fleet', digit)]
      const taken = { state: 'taken', ...at('fleet', digit) }
      assert.deepEqual(await world.find('shop', idOf('2')), taken)
    }
  })

  test('may be of any repository that an application is said in', async () => {
    const world = createWorld()
    world.decided = [at('fleet', '1'), at('shop', '9')]
    const taken = { state: 'taken', ...at('shop', '9') }
    assert.deepEqual(await world.find('shop', idOf('9')), taken)
  })

  test('is refused where the fleet repository is since then', async () => {
    const world = createWorld()
    world.decided = [at('fleet', '1')]
    world.refused = at('fleet', '3').revision
    const refused = { state: 'refused', ...at('fleet', '3') }
    assert.deepEqual(await world.find('shop', idOf('2')), refused)
    assert.equal((await world.find('shop', idOf('1'))).state, 'taken')
    assert.equal((await world.find('shop', idOf('4'))).state, 'notYet')
  })

  test('is looked for once in each state of a repository, however often somebody asks', async () => {
    const world = createWorld()
    world.decided = [at('fleet', '1')]
    for (let asked = 0; asked < 5; asked += 1) await world.find('shop', idOf('2'))
    world.decided = [at('fleet', '2')]
    await world.find('shop', idOf('2'))
    assert.deepEqual(world.asked, ['fleet 1 2'])
  })

  test('is asked about again where nobody could tell', async () => {
    let away = true
    const find = createTakenCommits({
      renderer: {
        async contains() {
          if (away) throw new HubError('renderer_unavailable', 'it restarts')
          return true
        },
      },
      decided: () => [at('fleet', '2')],
      refused: () => null,
    })
    await assert.rejects(find('shop', idOf('1')), { code: 'renderer_unavailable' })
    away = false
    assert.equal((await find('shop', idOf('1'))).state, 'taken')
  })

  test('of which many ask has Git asked once, and different ones a few at a time', async () => {
    const answers: (() => void)[] = []
    const find = createTakenCommits({
      renderer: {
        contains: () => new Promise((resolve) => answers.push(() => resolve(false))),
      },
      decided: () => [at('fleet', 'f')],
      refused: () => null,
    })
    const commits = Array.from({ length: 204 }, (_, one) => one.toString(16).padStart(40, '0'))
    const asked = [...commits, ...commits].map((commit) => find('shop', commit))
    await new Promise(setImmediate)
    assert.equal(answers.length, 4)
    await assert.rejects(find('shop', idOf('e')), { code: 'busy' })
    for (let answered = 0; answered < commits.length; answered += 1) {
      answers[answered]!()
      await new Promise(setImmediate)
    }
    for (const { state } of await Promise.all(asked)) assert.equal(state, 'notYet')
    assert.equal(answers.length, commits.length)
  })
})
