import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { kubectlPath } from '../../deploy/setup/paths.mjs'
import { setUpKubectl } from '../../deploy/setup/kubectl.mjs'
import { countApiRequests } from '../support/api-requests.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createHands, createNamespace } from '../support/hands.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import {
  presentApplication,
  type TestObject,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'
import { applyObjects, appliedResources, listApplyObjects } from './apply-objects.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'

export const applyGoals = [
  { metric: 'objects_per_s', text: '≥ 300, or 3 × kubectl' },
  { metric: 'noop_writes', text: '0' },
  { metric: 'noop_gets', text: '0' },
  { metric: 'one_changed_calls', text: '≤ 2' },
  { metric: 'one_changed_ms', text: '≤ 150' },
]

const never = new AbortController().signal
/** How long an agent with nothing to do is watched for doing something. */
const quietMs = 3_000

/**
 * A thousand objects on a real API server: applied by the agent's own code and by kubectl, in turns
 * on the same server; then one of them changed, and then nothing.
 *
 * @throws Error when an object was not applied: the run is void
 */
export async function measureApply(
  { runs }: Pick<SizedOptions, 'runs'>,
  say: (text: string) => void,
): Promise<Figures[]> {
  await setUpKubectl()
  await using directory = await createTempDir('bench-apply')
  await using plane = await startControlPlane({ name: 'bench-apply' })
  const results: Figures[] = []
  for (let run = 0; run <= runs; run += 1) {
    // Who goes first takes turns, too.
    const kubectlFirst = run % 2 === 1
    const early = kubectlFirst ? await timeKubectl(plane, directory.path, run) : undefined
    const agent = await timeAgent(plane, run)
    const kubectl = early ?? (await timeKubectl(plane, directory.path, run))
    const figures = {
      objects_per_s: agent.objectsPerSecond,
      kubectl_objects_per_s: kubectl,
      ratio: Math.round((100 * agent.objectsPerSecond) / kubectl) / 100,
      ...agent.figures,
    }
    say(`run ${run}: ${describeFigures(figures)}`)
    if (run > 0) results.push(figures)
  }
  return results
}

async function timeAgent(
  plane: ControlPlane,
  run: number,
): Promise<{ objectsPerSecond: number; figures: Figures }> {
  await using hands = await createHands(plane.kubeconfig)
  const name = `agent-${run}`
  const namespace = createNamespace(name)
  const bring = async (objects: readonly TestObject[], generation: number) => {
    const app = presentApplication(name, [namespace, ...objects], { generation })
    const snapshot = verifiedSnapshot(app)
    const start = performance.now()
    await hands.workloads.reconcile(snapshot, never)
    const ms = performance.now() - start
    const { phase, errors } = hands.state(name)!
    if (phase !== 'Applied') throw new Error(`${phase}: ${errors[0]?.message}`)
    return ms
  }
  const first = await bring(listApplyObjects(name), 1)

  const before = hands.requests.length
  const one_changed_ms = Math.round(await bring(listApplyObjects(name, 'changed'), 2))
  const one_changed_calls = hands.requests.length - before

  const counted = await countApiRequests(plane, appliedResources)
  await bring(listApplyObjects(name, 'changed'), 3)
  const quietUntil = performance.now() + quietMs
  await until(() => performance.now() >= quietUntil, { deadlineMs: 2 * quietMs, what: 'quiet' })
  const after = await countApiRequests(plane, appliedResources)
  return {
    objectsPerSecond: Math.round((applyObjects * 1_000) / first),
    figures: {
      noop_writes: after.writes - counted.writes,
      noop_gets: after.gets - counted.gets,
      one_changed_calls,
      one_changed_ms,
    },
  }
}

/** Objects a second, from the start of its process to its end. */
async function timeKubectl(plane: ControlPlane, directory: string, run: number): Promise<number> {
  const name = `kubectl-${run}`
  const file = `${directory}/${name}.json`
  const items = [createNamespace(name), ...listApplyObjects(name)]
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const args = ['apply', '--server-side', '--kubeconfig', plane.kubeconfig, '-f', file]
  const start = performance.now()
  await promisify(execFile)(kubectlPath(), args, {
    env: { HOME: directory },
    maxBuffer: 16 * 1024 * 1024,
  })
  return Math.round((applyObjects * 1_000) / (performance.now() - start))
}
