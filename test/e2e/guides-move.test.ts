import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { type GuideWorld, startGuideWorld } from '../support/guide-world.ts'
import { until } from '../support/until.ts'

/* The guides on groups, canaries, freezes and roll-backs: their files laid into the example, their commands run against a
   hub with three clusters. Only soaks are shorter and the freeze is now. */

const guide = (name: string): string => `deploy/docs/guides/${name}.md`
const pages = ['group', 'canary', 'freeze', 'rollback'].map(guide)
const release = 'apps/storefront/kustomization.yaml'

describe('the guides that move something', () => {
  let world: GuideWorld
  const run: GuideWorld['printed']['run'] = (...given) => world.printed.run(...given)

  before(async () => {
    world = await startGuideWorld(pages, {
      placeholders: { 'soak: 10m': 'soak: 0s', "'0 18 20 12 *'": "'* * * * *'" },
    })
  })
  after(() => world?.[Symbol.asyncDispose]())

  async function releaseTag(tag: string): Promise<string> {
    const text = await readFile(join(world.clone, release), 'utf8')
    await world.write({ [release]: text.replace(/newTag: .*/, `newTag: ${tag}`) })
    return world.push(`Release ${tag}`)
  }
  const imageOn = (cluster: string): unknown =>
    /podinfo:[\w.]+/.exec(
      JSON.stringify(
        world.agents.get(cluster)!.cluster.read('apps/Deployment/storefront/storefront') ?? '',
      ),
    )?.[0]
  const untilWhy = (words: RegExp) =>
    until(
      async () => {
        const { out } = await run(guide('freeze'), 'swell rollout why')
        if (!words.test(out)) throw new Error(out)
        return true
      },
      { deadlineMs: 20_000, intervalMs: 300, what: `why to say ${words}` },
    )

  test('a group: the difference says whom it leaves, and it is there once it is merged', async () => {
    const page = guide('group')
    await world.write(world.printed.files(page))
    for (const line of ['git switch --create', 'git add', 'git commit']) await run(page, line)
    const { out } = await run(page, 'swell diff', { code: 1 })
    assert.match(out, /oregon/)
    for (const line of ['git switch main', 'git merge', 'git push']) await run(page, line)
    await world.read()
    assert.match((await run(page, 'swell get groups')).out, /^europe +/m)
  })

  test('a canary: a plan, a reason to wait, an approval, an end', async () => {
    const page = guide('canary')
    await world.write(world.printed.files(page))
    await releaseTag('6.7.1')
    await until(
      async () =>
        /waits for approval/.test(
          JSON.stringify(await world.hub.api.get('rollouts?application=storefront&limit=1')),
        ),
      { deadlineMs: 30_000, what: 'production to wait for an approval' },
    )
    const { out: plan } = await run(page, 'swell rollout plan')
    assert.match(plan, /production +\S+ +(paris|oregon)/)
    assert.match((await run(page, 'swell rollout why')).out, /approval/)
    assert.match(String(imageOn('lab')), /6\.7\.1/)
    assert.match(String(imageOn('paris')), /6\.7\.0/)
    await run(page, 'swell rollout approve')
    await run(page, 'swell rollout watch')
    for (const name of ['paris', 'oregon']) assert.match(String(imageOn(name)), /6\.7\.1/)
  })

  test('a freeze: nothing moves, and `why` says until when', async () => {
    const page = guide('freeze')
    await world.write(world.printed.files(page))
    await world.push('Nobody is here')
    await releaseTag('6.7.2')
    await untilWhy(/freeze of ClusterGroup everything.*nobody is here/)
    await run(page, 'swell rollout pause')
    await run(page, 'swell rollout resume')
    assert.match(String(imageOn('lab')), /6\.7\.1/)
    await world.write({ 'fleet/freeze.yaml': null })
    await world.push('We are back')
    await untilWhy(/approval/)
    await world.printed.run(guide('canary'), 'swell rollout approve')
    await waitForRollout(world.hub.api, 'storefront', 'Succeeded')
  })

  test('back: by hand, held, tried again, and undone in Git', async () => {
    const page = guide('rollback')
    await world.write(world.printed.files(page))
    await world.push('Roll back by itself')
    const commit = await releaseTag('6.7.3')
    await waitForRollout(world.hub.api, 'storefront', 'Succeeded', { commit })
    await run(page, 'swell rollout rollback')
    await waitForRollout(world.hub.api, 'storefront', 'RolledBack')
    for (const name of ['lab', 'paris']) assert.match(String(imageOn(name)), /6\.7\.2/)
    assert.match((await run(page, 'swell hold list')).out, /^storefront +/m)

    await run(page, 'swell rollout start')
    assert.match(String(imageOn('oregon')), /6\.7\.3/)
    await run(page, 'git revert')
    await run(page, 'git push')
    await until(() => /6\.7\.2/.test(String(imageOn('oregon'))), {
      ...{ deadlineMs: 30_000, what: 'what was reverted to be gone' },
    })
  })

  test('every command of these guides was run', () => {
    assert.deepEqual(world.printed.untried(), [])
  })
})
