import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { deliver } from './deliver.ts'
import { readCpuMicros } from './machine.ts'
import {
  filesInApplication,
  monorepoApplications,
  monorepoFiles,
  settingsFile,
  settingsText,
} from './monorepo-files.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'
import { type World, startWorld } from './world.ts'

export const monorepoGoals = [
  { metric: 'renders', text: '1' },
  { metric: 'push_to_verified_ms', text: '≤ 500' },
  { metric: 'hub_cpu_ms', text: '≤ 250' },
  { metric: 'untouched_renders', text: '0' },
  { metric: 'untouched_messages', text: '0' },
]

const firstDeadlineMs = 900_000
/** Whatever a commit that touches nothing would set off has begun by then. */
const aftermathMs = 1_500

/**
 * What one commit costs in a repository of 1,000 applications and 100,000 files: one that changes a
 * file of one application, and one that changes none of any.
 *
 * Time 0 is just before `git push` starts; `push_to_verified_ms` is when the hub wrote down that the agent
 * had verified and applied the digest; `hub_cpu_ms` is the hub's own process until a moment after
 * that. The Git processes it starts, Redis and the render workers are not in it.
 *
 * @throws Error when the agent did not verify and apply exactly the digest: the run is void
 */
export async function measureMonorepo(
  options: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using world = await startWorld(options, say)
  say(`${monorepoApplications * filesInApplication} files are committed`)
  await world.importFiles(monorepoFiles(options.clusters))
  await world.push()
  await settle(world, say)
  const runs: Figures[] = []
  for (let run = 0; run <= options.runs; run++) {
    const index = (run * 37) % monorepoApplications
    const changed = { [settingsFile(index)]: settingsText(index, `run${run}`) }
    const { last_ms, planned_ms, webhook_ms, renders, signatures, hub_cpu_us_per_agent } =
      await deliver(world, changed, 1)
    const figures = {
      push_to_verified_ms: last_ms!,
      planned_ms: planned_ms!,
      webhook_ms: webhook_ms!,
      renders: renders!,
      signatures: signatures!,
      hub_cpu_ms: hub_cpu_us_per_agent! / 1_000,
      ...(await touchNothing(world, run)),
    }
    say(`${run === 0 ? 'warm-up' : `run ${run}`}: ${describeFigures(figures)}`)
    if (run > 0) runs.push(figures)
  }
  return runs
}

/** Until every application runs where it should. */
async function settle(world: World, say: (text: string) => void): Promise<void> {
  let told = 0
  await until(
    async () => {
      const { items } = await world.hub.api.get<{
        items: { counts: { applications: number; updated: number } }[]
      }>('clusters?limit=500')
      const updated = items.reduce((sum, { counts }) => sum + counts.updated, 0)
      if (updated >= told + 100) say(`${updated} applications are delivered`)
      told = Math.max(told, updated - (updated % 100))
      return updated === monorepoApplications
    },
    { deadlineMs: firstDeadlineMs, intervalMs: 1_000, what: 'the first delivery of everything' },
  )
  await until(() => world.isSettled(), { deadlineMs: 60_000, what: 'the agents to say so' })
  await pause(aftermathMs * 2)
}

/** A commit beside all applications and the fleet's configuration. */
async function touchNothing(world: World, run: number): Promise<Figures> {
  const commit = await world.commit({ 'docs/notes.md': `run ${run}\n` })
  const pid = world.hub.process().pid
  const read = async () => ({
    // A message to an agent about what it should run is signed, each of them.
    ...(await world.countWork()),
    ledger: world.readLedger(0).end,
  })
  const before = await read()
  const cpu = readCpuMicros(pid)
  await world.push()
  await until(
    async () => (await world.hub.api.get<{ revision: string }>('fleet')).revision.endsWith(commit),
    { deadlineMs: 30_000, what: 'the hub to see the commit' },
  )
  await pause(aftermathMs)
  const used = readCpuMicros(pid) - cpu
  const rollouts = world
    .readLedger(before.ledger)
    .entries.filter(({ decision }) => decision.type.startsWith('rollout.'))
  if (rollouts.length > 0) throw new Error('void: a commit that touches nothing made a rollout')
  const after = await read()
  return {
    untouched_renders: after.renders - before.renders,
    untouched_messages: after.signatures - before.signatures,
    untouched_cpu_ms: Math.round(used / 1_000),
  }
}
