import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { createSeed } from '../support/seed.ts'
import { until } from '../support/until.ts'

const seeds = Number(process.env['SEEDS'] ?? 20)
const rounds = 3
const soon = { deadlineMs: 60_000, intervalMs: 100 } as const

/** What a commit makes of an application's files: something newer, or a fault that must keep the last good one. */
const faults = {
  nothing: (name: string) => ({ [`apps/${name}/settings.yaml`]: '# nothing\n' }),
  unreadable: (name: string) => ({ [`apps/${name}/settings.yaml`]: 'apiVersion: v1\nkind: [\n' }),
  gone: (name: string) => ({ [`apps/${name}/settings.yaml`]: null }),
} as const

it(`F41: of ${seeds} applications whose sources break and mend at random none loses what it runs`, async (t) => {
  const seed = createSeed(process.env['SEED'] ?? '41000')
  t.diagnostic(`SEED=${seed.text}`)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(seed.random() * from.length)]!
  const names = Array.from({ length: seeds }, (_, n) => `app-${n}`)
  const wanted = new Map(names.map((name) => [name, 'first']))
  await using world = await createSurroundings()
  // Without namespaces of their own, which would be objects, too.
  const given = Object.entries(
    Object.assign({}, ...names.map((name) => applicationFiles(name, 'first'))) as Record<
      string,
      string
    >,
  ).map(([file, text]) => [file, text.replace('  createNamespace: true\n', '')] as const)
  await world.repository.commit({
    ...clusterFiles,
    ...strategyFile('0s'),
    ...Object.fromEntries(given),
  })
  const hub = await world.start({ interval: '200ms' })
  await untilReady(hub)
  await using agent = await startMemoryAgent(hub, 'a')
  const namespace = {
    group: '',
    version: 'v1',
    kind: 'Namespace',
    plural: 'namespaces',
    namespaced: false,
  }
  for (const name of names) {
    const id = { group: '', kind: 'Namespace', namespace: '', name }
    const json = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    const options = { fieldManager: 'somebody', force: false }
    await agent.cluster.apply(namespace, id, json, options, new AbortController().signal)
  }
  const textOf = (name: string) =>
    (agent.cluster.read(`/ConfigMap/${name}/settings`) as { data?: { text?: string } } | undefined)
      ?.data?.text
  const untilRight = (what: string) =>
    until(() => names.every((name) => textOf(name) === wanted.get(name)), { ...soon, what })
  await untilRight('all of the first commit')

  const bare = join(world.git.root, 'fleet.git')
  let broken = 0
  for (let round = 0; round < rounds; round += 1) {
    const files: Record<string, string | null> = {}
    const isBroken = new Set<string>()
    for (const name of names) {
      if (seed.random() < 0.6) {
        Object.assign(files, pick(Object.values(faults))(name))
        isBroken.add(name)
        broken += 1
      } else {
        wanted.set(name, `round ${round} ${name}`)
        files[`apps/${name}/settings.yaml`] = configMap('settings', wanted.get(name)!)
      }
    }
    // The repository itself may be away just as the commit comes.
    const away = pick(['no', 'gone', 'refused'] as const)
    await world.repository.commit(files)
    if (away === 'gone') await rename(bare, `${bare}.away`)
    if (away === 'refused') world.git.fail(503)
    const polls = world.git.requests
    await until(() => world.git.requests > polls + 2, { ...soon, what: 'the hub to look again' })
    if (away === 'gone') await rename(`${bare}.away`, bare)
    if (away === 'refused') world.git.resume()
    await untilRight(`round ${round} of what is whole, and before of what is broken`)
    const said = async () => JSON.stringify(await hub.api.get('fleet'))
    await until(
      async () => {
        const text = await said()
        return [...isBroken].every((name) => text.includes(name))
      },
      { ...soon, what: 'each that is broken to be named' },
    )
  }
  const mended = Object.fromEntries(
    names.map((name) => [`apps/${name}/settings.yaml`, configMap('settings', 'last')]),
  )
  for (const name of names) wanted.set(name, 'last')
  await world.repository.commit(mended)
  await untilRight('all of the last commit')
  assert.ok(broken >= seeds, `${broken} faults`)
  assert.deepEqual(
    agent.cluster.calls.filter((call) => call.startsWith('delete')),
    [],
  )
})
