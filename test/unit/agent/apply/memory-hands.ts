import { createWorkloads, type WorkloadsDeps } from '../../../../agent/apply/workloads.ts'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import type { ApplicationState } from '../../../../agent/observe/status.ts'
import { noKeys } from '../../../../agent/secrets/keys.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import { createMemoryCluster, type MemoryClusterOptions } from '../../../support/memory-cluster.ts'
import {
  type presentApplication,
  type removedApplication,
  type TestObject,
  verifiedSnapshot,
} from '../../../support/verified-snapshot.ts'

type Application = ReturnType<typeof presentApplication> | ReturnType<typeof removedApplication>

/** An agent's hands on a cluster in memory, with time in the test's hands. */
export function createMemoryHands(
  options: MemoryClusterOptions = {},
  cluster = createMemoryCluster(options),
  more: Partial<Pick<WorkloadsDeps, 'references' | 'clusterId' | 'formerIds' | 'isVouched'>> = {},
) {
  const clock = createManualClock()
  const reports: ApplicationState[] = []
  const logs: object[] = []
  const workloads = createWorkloads({
    cluster,
    clusterId: 'c1',
    keys: noKeys,
    clock,
    within: (run) => run(),
    random: () => 0.5,
    log: (message, fields) => logs.push({ message, ...fields }),
    onChange: (states) => reports.push(...states),
    ...more,
  })
  return {
    cluster,
    clock,
    reports,
    logs,
    workloads,
    bring: (...applications: readonly Application[]) =>
      workloads.reconcile(verifiedSnapshot(...applications), new AbortController().signal),
    /** As after a restart: the snapshot before is still at hand. */
    resume: (before: Application, ...applications: readonly Application[]) =>
      workloads.reconcile(verifiedSnapshot(...applications), new AbortController().signal, [
        verifiedSnapshot(before),
      ]),
    state: (name: string) => workloads.states().find(({ application }) => application === name),
    /** What was written or deleted, in order, the agent's own objects left out. */
    writes: () =>
      cluster.calls.filter(
        (call) => /^(apply|delete|disown) /.test(call) && !call.includes('groundswell-'),
      ),
    /** What controllers make of a Job. */
    end(id: string, type: 'Complete' | 'Failed') {
      const status = {
        conditions: [{ type, status: 'True', reason: 'Test', message: 'of course' }],
      }
      cluster.edit(id, 'controller', (object) => ({ ...object, status }))
    },
    [Symbol.asyncDispose]: () => workloads.close(),
  }
}

/** Controllers that never get anything ready by themselves. */
export function leaveAlone(object: LiveObject): LiveObject {
  return object
}

export function createJob(name: string, annotations: Record<string, string> = {}): TestObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'shop', annotations },
    spec: { template: { spec: { containers: [{ name: 'main', image: `${name}:1` }] } } },
  }
}
