import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { createCommitStatuses } from '../../../../hub/forge/commit-statuses.ts'
import { parseForges } from '../../../../hub/forge/configuration.ts'
import type { CommitStatus } from '../../../../hub/forge/forge.ts'

const { signal } = new AbortController()

function createWorld() {
  const commit = 'a'.repeat(40)
  const posted: string[] = []
  const world = {
    now: 0,
    version: 1,
    standing: { state: 'pending', description: 'wave 1/2' } as Pick<
      CommitStatus,
      'state' | 'description'
    >,
    fails: false,
    tries: 0,
    posted,
    judged: 0,
    update: () => statuses.update(signal),
  }
  const statuses = createCommitStatuses({
    forge: (repository) =>
      repository === 'fleet'
        ? {
            setStatus: async (_commit, { context, state, description }) => {
              world.tries += 1
              if (world.fails) throw new HubError('forge_unreachable', 'away')
              posted.push(`${context}: ${state}: ${description}`)
            },
          }
        : undefined,
    list: () =>
      ['fleet', 'elsewhere'].map((repository) => ({
        ...{ repository, commit, rollouts: [], version: String(world.version) },
      })),
    judge: ({ repository, commit }) => {
      world.judged += 1
      return { repository, commit, ...world.standing }
    },
    context: 'groundswell/rollout',
    clock: () => world.now,
    log: () => undefined,
  })
  return world
}

describe('statuses beside commits', () => {
  it('are written when what they say changes, and only then', async () => {
    const world = createWorld()
    await world.update()
    await world.update()
    world.version = 2
    await world.update()
    assert.deepEqual(world.posted, ['groundswell/rollout: pending: wave 1/2'])
    assert.equal(world.judged, 2)
    world.version = 3
    world.standing = { state: 'success', description: '3/3' }
    await Promise.all([world.update(), world.update()])
    assert.deepEqual(world.posted.slice(1), ['groundswell/rollout: success: 3/3'])
  })

  it('come later when the host is away, less and less often, with what is true then', async () => {
    const world = createWorld()
    world.fails = true
    for (; world.now < 600_000; world.now += 5_000) await world.update()
    // At 0, 10, 30, 70, 150 and 310 seconds.
    assert.equal(world.tries, 6)
    world.fails = false
    world.standing = { state: 'success', description: '3/3' }
    world.now += 600_000
    await world.update()
    assert.deepEqual(world.posted, ['groundswell/rollout: success: 3/3'])
  })
})

describe('where statuses are kept', () => {
  const parse = (value: unknown) => parseForges(value, 'forges.yaml')
  const tokenFile = '/run/token'

  it('is found by the address that people know', () => {
    const found = parse({
      fleet: { kind: 'github', url: 'https://github.com/team/fleet', tokenFile },
      corp: { kind: 'github', url: 'https://git.corp/team/fleet.git', tokenFile },
      lab: { kind: 'gitlab', url: 'https://gitlab.com/team/group/fleet/', tokenFile },
      tea: {
        kind: 'gitea',
        url: 'https://tea.example/team/fleet',
        api: 'https://tea.example/x/api/v1',
        tokenFile,
      },
    })
    assert.deepEqual(
      [...found.values()].map(({ api, project }) => `${api} ${project}`),
      [
        'https://api.github.com team/fleet',
        'https://git.corp/api/v3 team/fleet',
        'https://gitlab.com/api/v4 team/group/fleet',
        'https://tea.example/x/api/v1 team/fleet',
      ],
    )
  })

  it('is refused with every fault', () => {
    const bad = {
      a: { kind: 'svn', url: 'https://github.com/team/fleet', tokenFile },
      b: { kind: 'github', url: 'https://github.com/fleet', tokenFile },
      c: { kind: 'github', url: 'https://me:word@github.com/team/fleet', tokenFile },
      d: { kind: 'github', url: 'https://github.com/team/fleet', token: 'x' },
    }
    assert.throws(
      () => parse(bad),
      (error: unknown) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'config_invalid')
        assert.deepEqual(
          [...new Set(error.faults.map(({ object }) => object))],
          ['a', 'b', 'c', 'd'],
        )
        return true
      },
    )
  })
})
