import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { runGit } from '../support/git-repository.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { until } from '../support/until.ts'

/* F41: whatever becomes of a repository, what clusters run stays: nothing is deleted by an error. */

const settings = 'apps/web/settings.yaml'
const web = applicationFiles('web', 'one')
const declared = { 'fleet/web.yaml': web['fleet/web.yaml']! }

describe('F41: a repository that is', () => {
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let text = 'one'
  const agents = new Map<string, MemoryAgent>()
  const texts = () =>
    [...agents.values()].map(
      ({ cluster }) =>
        (cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } } | undefined)?.data
          ?.text,
    )
  const deletions = () =>
    [...agents.values()]
      .flatMap(({ cluster }) => cluster.calls)
      .filter((call) => call.startsWith('delete'))
  const bare = () => join(world.git.root, 'fleet.git')

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    await world.repository.commit({ ...clusterFiles, ...strategyFile('0s'), ...web })
    hub = await world.start({ interval: '200ms' })
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) {
      agents.set(name, stack.use(await startMemoryAgent(hub, name)))
    }
    await untilAllHave(text, texts)
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })
  after(() => stack?.disposeAsync())

  /**
   * What it says while it is broken; meanwhile, and until it is mended, nothing moves. What is mended in
   * Git goes with the next text: a commit between the two may be seen, and ask for something else again.
   */
  async function keeps(
    words: RegExp | null,
    mend: () => Promise<unknown>,
    files: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const before = (await newestRollout(hub.api, 'web'))!
    const polls = world.git.requests
    await until(
      async () => {
        const said = JSON.stringify(await hub.api.get('fleet'))
        return words ? words.test(said) : world.git.requests > polls + 4
      },
      { deadlineMs: 20_000, what: `the hub to say ${words} or to have looked again` },
    ).catch(async (error: unknown) => {
      throw new Error(JSON.stringify(await hub.api.get('fleet')), { cause: error })
    })
    assert.deepEqual(texts(), [text, text, text])
    assert.equal((await newestRollout(hub.api, 'web'))?.id, before.id, 'no rollout began')
    await mend()
    text = `${text}+`
    const changed = { ...files, [settings]: configMap('settings', text) }
    const commit = await world.repository.commit(changed)
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit, deadlineMs: 60_000 })
    await untilAllHave(text, texts)
    assert.deepEqual(deletions(), [])
  }

  const nothing = async (): Promise<void> => {}
  const change = (files: Readonly<Record<string, string | null>>) => world.repository.commit(files)

  it('rendered to nothing', async () => {
    // Without a namespace of its own, which would be an object, too.
    const bare = declared['fleet/web.yaml'].replace('  createNamespace: true\n', '')
    await change({ [settings]: '# nothing\n', 'fleet/web.yaml': bare })
    await keeps(/no objects/, nothing, declared)
  })

  it('not to be rendered', async () => {
    await change({ [settings]: 'apiVersion: v1\nkind: [\n' })
    await keeps(/settings\.yaml/, nothing)
  })

  it('without the directory', async () => {
    await change({ 'apps/web': null })
    await keeps(/apps\/web/, nothing)
  })

  it('without the fleet', async () => {
    const files = { ...clusterFiles, ...strategyFile('0s'), ...declared }
    await change(Object.fromEntries(Object.keys(files).map((file) => [file, null])))
    await keeps(/fleet/, () => change(files))
  })

  it('without any file', async () => {
    const tree = await world.repository.git('rev-parse', 'HEAD^{tree}')
    const parent = await world.repository.readHead()
    const empty = await runGit(bare(), ['hash-object', '-t', 'tree', '-w', '/dev/null'])
    const set = async (content: string, message: string) => {
      const head = await world.repository.readHead()
      const args = ['commit-tree', content, '-p', head, '-m', message]
      await runGit(bare(), ['update-ref', 'refs/heads/main', await runGit(bare(), args)])
    }
    assert.ok(parent)
    await set(empty, 'Empty')
    await keeps(/fleet/, () => set(tree, 'Back'))
  })

  it('without its branch', async () => {
    const head = await world.repository.readHead()
    await runGit(bare(), ['update-ref', '-d', 'refs/heads/main'])
    await keeps(/main/, () => runGit(bare(), ['update-ref', 'refs/heads/main', head]))
  })

  it('written anew from before, by force', async () => {
    const tree = await world.repository.git('rev-parse', 'HEAD^{tree}')
    const root = await runGit(bare(), ['commit-tree', tree, '-m', 'A history without past'])
    await runGit(bare(), ['update-ref', 'refs/heads/main', root])
    await keeps(null, nothing)
  })

  it('not there', async () => {
    await rename(bare(), `${bare()}.away`)
    await keeps(/there is no such repository/, () => rename(`${bare()}.away`, bare()))
  })

  for (const [status, words] of [
    [401, /the server refused the credential/],
    [403, /the server refused the credential/],
    [503, /"failure":.*503/],
  ] as const) {
    it(`answered with ${status}`, async () => {
      world.git.fail(status)
      await keeps(words, async () => world.git.resume())
    })
  }

  it('and nothing of all that is in the ledger as more than it was', async () => {
    await hub.stop()
    await assertLedgerHolds(hub.data)
  })
})
