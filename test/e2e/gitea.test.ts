import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { AgentError } from '../../agent/errors.ts'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { noGitea, startGitea } from '../support/gitea.ts'
import { createGiteaProject } from '../support/gitea-project.ts'
import { startHub } from '../support/hub-process.ts'
import { untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import { runSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* One change through all of it, with a real Gitea: proposed, checked, merged, told of by a webhook, rolled
   out, rolled back, proposed to be undone, and undone by people. */

const settings = 'apps/web/settings.yaml'

it(
  'takes a pull request of a real Gitea to clusters, and proposes its revert',
  { skip: noGitea },
  async () => {
    await using stack = new AsyncDisposableStack()
    const { path: directory } = stack.use(await createTempDir('gitea-e2e'))
    const gitea = stack.use(await startGitea())
    const team = await gitea.createAccount('team', [
      'write:repository',
      'write:issue',
      'write:user',
    ])
    const bot = await gitea.createAccount('bot', ['write:repository', 'write:issue'])
    const project = stack.use(
      await createGiteaProject(gitea, team, 'fleet', {
        ...{ ...clusterFiles, ...applicationFiles('web', 'one') },
        ...strategyFile('3s', '  onFailure: rollback\n  revert: pullRequest\n'),
      }),
    )
    const place = `/repos/${project.name}`
    await gitea.call('PUT', `${place}/collaborators/bot`, { permission: 'write' })
    const file = async (name: string, content: string) => {
      await writeFile(`${directory}/${name}`, content)
      return `${directory}/${name}`
    }
    const tokenFile = await file('token', bot.token)
    const usernameFile = await file('user', bot.name)
    const secret = 'the-secret-of-the-webhook'
    const hub = await startHub({
      ...{ directory, fleetUrl: gitea.cloneUrl(project.name), path: 'fleet', interval: '1h' },
      args: [
        ...['--webhook-secret-file', await file('webhook', secret), '--credentials'],
        await file(
          'credentials.yaml',
          JSON.stringify({ fleet: { kind: 'basic', usernameFile, passwordFile: tokenFile } }),
        ),
        '--forges',
        await file(
          'forges.yaml',
          JSON.stringify({
            fleet: {
              ...{ kind: 'gitea', url: `${gitea.url}/${project.name}` },
              ...{ tokenFile, writeTokenFile: tokenFile },
            },
          }),
        ),
      ],
    })
    stack.defer(() => hub.stop())
    await untilReady(hub)
    await gitea.call('POST', `${place}/hooks`, {
      ...{ type: 'gitea', events: ['push'], active: true },
      config: { url: `${hub.url}/api/v1/webhooks/fleet`, content_type: 'json', secret },
    })
    const canary = createMemoryCluster({
      uid: randomUUID(),
      admit(_, body) {
        const { text } = (body['data'] ?? {}) as { text?: string }
        if (text === 'bad') throw new AgentError('apply_forbidden', 'nobody says that here')
      },
    })
    const agent = stack.use(await startMemoryAgent(hub, 'a', { cluster: canary }))
    stack.use(await startMemoryAgent(hub, 'b'))
    await waitForRollout(hub.api, 'web', 'Succeeded')

    const statusesOf = async (commit: string) => {
      type Status = Record<'context' | 'status' | 'description', string>
      const found: Status[] = []
      for (let page = 1; ; page += 1) {
        const path = `${place}/statuses/${commit}?sort=oldest&page=${page}`
        const more = await gitea.call<Status[]>('GET', path)
        if (more.length === 0) break
        found.push(...more)
      }
      return found.map((one) => `${one.context}: ${one.status}: ${one.description}`)
    }
    const untilShown = (commit: string, words: RegExp) =>
      until(
        async () => {
          const shown = await statusesOf(commit)
          return shown.some((one) => words.test(one)) || Promise.reject(new Error(shown.join('; ')))
        },
        { deadlineMs: 45_000, intervalMs: 250, what: `${words} beside ${commit}` },
      )
    const merge = (number: number) =>
      until(
        async () => {
          const { status } = await gitea.ask('POST', `${place}/pulls/${number}/merge`, {
            ...{ Do: 'squash', delete_branch_after_merge: true },
          })
          return status === 200 || Promise.reject(new Error(`answered ${status}`))
        },
        { deadlineMs: 20_000, intervalMs: 250, what: `#${number} to be merged` },
      )
    /** Merges what somebody proposes on a branch; gives its number and the commit of main. */
    async function propose(branch: string, text: string) {
      const head = await project.commit({ [settings]: configMap('settings', text) }, branch)
      await project.push()
      return { head, number: await project.propose(branch) }
    }
    async function mergeAndRead(number: number): Promise<string> {
      await merge(number)
      await project.pull()
      return project.git('rev-parse', 'main')
    }

    // Looked at by a pipeline, on the clusters themselves, before it is merged.
    const good = await propose('better', 'two')
    const event = { pull_request: { number: good.number, head: { sha: good.head } } }
    const env = {
      ...{ GITEA_ACTIONS: 'true', GITHUB_ACTIONS: 'true', GITHUB_API_URL: gitea.api },
      ...{ GITHUB_REPOSITORY: project.name, GITHUB_SHA: good.head },
      ...{ GITHUB_EVENT_PATH: await file('event.json', JSON.stringify(event)) },
      SWELL_FORGE_TOKEN: bot.token,
    }
    const clone = await project.git('rev-parse', '--show-toplevel')
    const checked = await runSwell(
      { ...hub, env },
      ...['check', '--live', '--post', '--base', 'main', '-C', clone, '--path', 'fleet'],
      ...['--cluster', 'a', '--engine', enginePath(), '--no-cache'],
    )
    assert.equal(checked.code, 0, checked.said)
    assert.match(
      (await statusesOf(good.head)).join(),
      /^groundswell\/check \(fleet\): success: passed/,
    )
    const comments = await gitea.call<{ body: string }[]>(
      'GET',
      `${place}/issues/${good.number}/comments`,
    )
    assert.match(comments.map(({ body }) => body).join('\n'), /-  text: one\n\+  text: two/)
    const merged = await mergeAndRead(good.number)
    await untilShown(merged, /^groundswell\/rollout: pending: wave [12]\/2, /)
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit: merged })
    await untilShown(merged, /^groundswell\/rollout: success: 2\/2 clusters at this commit$/)

    // Merged without being looked at; the canary does not take it.
    const bad = await mergeAndRead((await propose('worse', 'bad')).number)
    await waitForRollout(hub.api, 'web', 'RolledBack', { commit: bad })
    await untilShown(bad, /^groundswell\/rollout: failure: /)
    interface Pull {
      readonly number: number
      readonly title: string
      readonly html_url: string
      readonly head: { readonly label: string }
    }
    const proposed = await until(
      async () => {
        const [newest] = await gitea.call<Pull[]>('GET', `${place}/pulls?state=open`)
        return newest ?? Promise.reject(new Error('there is none'))
      },
      { deadlineMs: 30_000, what: 'the revert to be proposed' },
    )
    const branch = `groundswell/revert-${bad.slice(0, 12)}`
    assert.equal(proposed.head.label, branch)
    assert.equal(proposed.title, `Revert ${bad.slice(0, 12)}: web was rolled back`)
    assert.match((await project.read(branch))[`100644 ${settings}`]!, /text: "two"/)
    const why = await runSwell(hub, 'rollout', 'why', 'web')
    assert.ok(why.out.includes(`its revert is proposed: ${proposed.html_url}`), why.out)
    assert.deepEqual(agent.cluster.read('/ConfigMap/web/settings')?.['data'], { text: 'two' })

    // Merged by people, it asks for what runs: nothing is held, and nothing moves.
    const undone = await mergeAndRead(proposed.number)
    await until(
      async () => {
        const { revision } = await hub.api.get<{ revision: string }>('sources/fleet')
        const { items } = await hub.api.get<{ items: unknown[] }>('holds')
        const said = `at ${revision} with ${items.length} holds`
        return (revision.endsWith(undone) && items.length === 0) || Promise.reject(new Error(said))
      },
      { deadlineMs: 30_000, what: 'the hub to be there, with nothing held' },
    )
    const newest = await newestRollout(hub.api, 'web')
    assert.ok(newest?.revision.endsWith(bad), `no rollout after ${newest?.id}`)
    const open = await gitea.call<Pull[]>('GET', `${place}/pulls?state=open`)
    assert.deepEqual(open, [], 'it was proposed once')
  },
)
