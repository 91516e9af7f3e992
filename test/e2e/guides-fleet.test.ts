import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { forgeToken, startForgeServer } from '../support/forge-server.ts'
import { type GuideWorld, startGuideWorld } from '../support/guide-world.ts'
import { runGit } from '../support/git-repository.ts'
import { appsFiles, otherTools } from '../support/other-tools.ts'
import { until } from '../support/until.ts'

/* The guides on layout, tenants, policies, pull requests and other tools: their files laid into the example, their commands
   run against a hub with three clusters. */

const guide = (name: string): string => `deploy/docs/guides/${name}.md`
const application = 'fleet/applications/storefront.yaml'
const release = 'apps/storefront/kustomization.yaml'
const pages = ['layout', 'multi-tenancy', 'policy', 'pull-request', 'migrate'].map(guide)

describe('the guides that say what may run', () => {
  let world: GuideWorld
  const run: GuideWorld['printed']['run'] = (...given) => world.printed.run(...given)

  before(async () => {
    world = await startGuideWorld(pages)
  })
  after(() => world?.[Symbol.asyncDispose]())

  test('a layout: a team comes with a repository, limits and an application', async () => {
    const page = guide('layout')
    await world.git.createRepository('billing')
    await world.write(world.printed.files(page))
    for (const line of ['swell check', 'git add', 'git commit', 'git push']) await run(page, line)
    await world.read()
    await waitForRollout(world.hub.api, 'invoices', 'Succeeded')
    assert.match((await run(page, 'swell get applications')).out, /^invoices +/m)
    const placed = world.agents.get('paris')!.cluster.read('apps/Deployment/invoices/invoices')
    assert.match(JSON.stringify(placed), /topologySpreadConstraints/)
  })

  test('tenants: who somebody is, and a token that may do no more than its group', async () => {
    const page = guide('multi-tenancy')
    await world.write(world.printed.files(page))
    await run(page, 'swell check')
    await world.push('Limit the shop')
    assert.match((await run(page, 'swell whoami')).out, /admin/)
    const { out } = await run(page, 'swell token create')
    const token = out.trim().split(/\s+/).at(-1)!
    const may = async (path: string, application: string): Promise<number> => {
      const answer = await fetch(`${world.hub.url}/api/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ application }),
      })
      await answer.arrayBuffer()
      return answer.status
    }
    assert.equal(await may('rollouts:plan', 'storefront'), 200)
    assert.equal(await may('rollouts:plan', 'greeter'), 404, 'what it may not see')
  })

  test('a policy: told before the merge and after it', async () => {
    const page = guide('policy')
    await world.write(world.printed.files(page))
    const checked = await run(page, 'swell check')
    assert.match(checked.out, /warning.*say whose it is: the label team/)
    for (const line of ['git add', 'git commit', 'git push']) await run(page, line)
    await world.read()
    await until(async () => /say whose it is/.test((await run(page, 'swell fleet')).out), {
      ...{ deadlineMs: 20_000, intervalMs: 300, what: 'the hub to have judged it' },
    })
  })

  test('pull requests: checked, compared, posted, and asked of the clusters', async () => {
    const page = guide('pull-request')
    await using forge = await startForgeServer('github')
    await world.inClone('switch', '--quiet', '--create', 'change')
    const text = await readFile(join(world.clone, release), 'utf8')
    await world.write({ [release]: text.replace(/newTag: .*/, 'newTag: 6.7.1') })
    const head = await world.commit('Release 6.7.1')
    await run(page, 'swell check --fetch')
    assert.match((await run(page, 'swell diff', { code: 1 })).out, /6\.7\.1/)
    const event = join(world.directory, 'event.json')
    await writeFile(event, JSON.stringify({ pull_request: { number: 7, head: { sha: head } } }))
    await run(page, 'swell check --fetch --base', {
      env: {
        ...{ CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_EVENT_PATH: event },
        ...{ GITHUB_REPOSITORY: 'team/fleet', GITHUB_API_URL: forge.api, GITHUB_SHA: head },
        ...{ GITHUB_SERVER_URL: 'https://github.example', GITHUB_RUN_ID: '1' },
        ...{ GITHUB_EVENT_NAME: 'pull_request', SWELL_FORGE_TOKEN: forgeToken },
      },
    })
    assert.deepEqual(
      forge.statuses.map(({ commit, state }) => [commit, state]),
      [[head, 'success']],
    )
    assert.match(forge.comments.get(7)![0]!.body, /6\.7\.1/)
    const sarif = JSON.parse(await readFile(join(world.clone, 'check.sarif'), 'utf8')) as object
    assert.ok('runs' in sarif)
    await run(page, 'swell check --fetch --live')
    assert.ok(world.agents.get('paris')!.cluster.calls.some((call) => call.startsWith('dry-run')))
    await rm(join(world.clone, 'check.sarif'))
    await world.inClone('switch', '--quiet', 'main')
  })

  test('other tools: what they have becomes a fleet, and the first rollout adopts what is there', async () => {
    const page = guide('migrate')
    const apps = await world.git.createRepository('apps')
    await apps.commit(appsFiles)
    for (const [tool, { directory, files }] of Object.entries(otherTools)) {
      const cwd = join(world.directory, `from-${tool}`)
      for (const [file, text] of Object.entries(files)) {
        const place = join(cwd, directory, file)
        await mkdir(dirname(place), { recursive: true })
        await writeFile(place, text.replaceAll('https://git.example', world.origin))
      }
      await runGit(cwd, ['init', '--quiet'])
      await run(page, `swell migrate ${tool} `, { cwd })
      await run(page, 'swell check', { cwd })
      const { out } = await run(page, 'swell render', { cwd })
      assert.match(out, /ConfigMap \S+\/settings/, tool)
    }

    // Something to begin: what was rolled back waits for a word.
    const spec = await readFile(join(world.clone, application), 'utf8')
    const text = await readFile(join(world.clone, release), 'utf8')
    await world.write({
      [application]: spec.replace('drift: correct', 'drift: report'),
      [release]: text.replace(/newTag: .*/, 'newTag: 6.7.2'),
    })
    const commit = await world.push('Release 6.7.2, and only report drift')
    const { id } = await waitForRollout(world.hub.api, 'storefront', 'Succeeded', { commit })
    await world.hub.api.post(`rollouts/${id}/rollback`, { reason: 'not yet' })
    await waitForRollout(world.hub.api, 'storefront', 'RolledBack')
    const planned = await run(page, 'swell rollout plan')
    assert.match(planned.out, /6\.7\.2/)
    await run(page, 'swell rollout start')
    const { cluster } = world.agents.get('paris')!
    cluster.edit('apps/Deployment/storefront/storefront', 'autoscaler', (object) => ({
      ...object,
      spec: { ...(object['spec'] as object), replicas: 7 },
    }))
    const drifted = () => world.hub.api.get<{ items: object[] }>('drift')
    await until(async () => (await drifted()).items.length > 0, {
      ...{ deadlineMs: 20_000, what: 'the drift to be told' },
    })
    assert.match(
      (await run(page, 'swell drift ignore')).out,
      /jsonPointers: ?\[?.*\/spec\/replicas/s,
    )
  })

  test('every command of these guides was run', () => {
    assert.deepEqual(world.printed.untried(), [])
  })
})
