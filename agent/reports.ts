import type { AgentDeps } from './agent.ts'
import type { Session } from './link/session.ts'
import { fitReport } from './observe/fit-report.ts'
import { toApplicationReport, toAuditFault, toHold } from './observe/report.ts'
import { createPassingDrift } from './observe/passing-drift.ts'
import type { ApplicationState } from './observe/status.ts'
import type { Standing } from './standing.ts'

export interface ReportsDeps extends Pick<
  AgentDeps,
  'workloads' | 'facts' | 'version' | 'every' | 'holds' | 'trace' | 'clock'
> {
  readonly standing: Pick<Standing, 'current' | 'stale' | 'witness'>
  /** The stream to the hub, while there is one. */
  readonly session: () => Session | undefined
}

/** Reports closer together than this travel as one. */
const gapMs = 100

/** What the hub is told of the cluster: the latest of each application, never a queue. */
export function createReports({ standing, session, workloads, ...deps }: ReportsDeps) {
  const dirty = new Set<string>()
  const passing = createPassingDrift()
  let stopWaiting: (() => void) | undefined
  let sending = false
  /** A whole report is owed to this connection; it waits for one that is still on its way. */
  let wholeDue = false
  /** Of the snapshot that the hub was told last to be accepted. */
  let toldDigest = ''

  async function send(whole: boolean): Promise<void> {
    const on = session()
    wholeDue ||= whole
    if (!on || sending) return
    const complete = wholeDue
    wholeDue = false
    const states = workloads.states()
    const now = complete ? states : states.filter(({ application }) => dirty.has(application))
    // Who hears all anew is not told what has passed.
    const told = complete ? now : now.map((state) => passing.addTo(state))
    dirty.clear()
    for (const [at, { application }] of now.entries()) {
      passing.forget(application)
      // What has passed is over with the next report.
      if (told[at] !== now[at]) dirty.add(application)
    }
    if (told.length === 0 && !complete) return
    sending = true
    try {
      const applications = fitReport(told).map(toApplicationReport)
      const { kubernetesVersion, nodes } = deps.facts()
      const facts = { kubernetesVersion, nodes, agentVersion: deps.version }
      const current = standing.current()
      const sequence = BigInt(current?.snapshot.sequence ?? 0)
      const stale = standing.stale()
      const snapshotDigest = current?.digest ?? ''
      const { auditFault } = standing.witness()
      const fault = auditFault && { auditFault: toAuditFault(auditFault) }
      const holds = deps.holds?.active().map(toHold) ?? []
      const value = {
        holds,
        sequence,
        snapshotDigest,
        applications,
        complete,
        facts,
        stale,
        ...fault,
      }
      toldDigest = snapshotDigest
      const startedAt = deps.clock()
      await on.send({ case: 'report', value })
      deps.trace?.reported(told, startedAt)
    } catch {
      for (const state of told) {
        dirty.add(state.application)
        passing.note(state)
      }
    } finally {
      sending = false
    }
    stopWaiting ??= deps.every(gapMs, () => {
      stopWaiting?.()
      stopWaiting = undefined
      void send(false)
    })
  }

  return {
    /** Tells what changed since the last one, or, to a hub that knows nothing yet, everything. */
    send,
    onChange: (states: readonly ApplicationState[]): void => {
      for (const state of states) {
        dirty.add(state.application)
        passing.note(state)
      }
      if (!sending && !stopWaiting) void send(false)
    },
    /**
     * The snapshot that the hub knows to be accepted, as far as it was told here: by a report about
     * it, or by whoever noted it.
     */
    told: (): string => toldDigest,
    noteTold(digest: string): void {
      toldDigest = digest
    },
    stop(): void {
      stopWaiting?.()
    },
  }
}
