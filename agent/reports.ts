import type { AgentDeps } from './agent.ts'
import type { Session } from './link/session.ts'
import { toApplicationReport, toAuditFault, toHold } from './observe/report.ts'
import type { ApplicationState } from './observe/status.ts'
import type { Standing } from './standing.ts'

export interface ReportsDeps extends Pick<
  AgentDeps,
  'workloads' | 'facts' | 'version' | 'every' | 'holds'
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
    const told = complete ? states : states.filter(({ application }) => dirty.has(application))
    dirty.clear()
    if (told.length === 0 && !complete) return
    sending = true
    try {
      const applications = told.map(toApplicationReport)
      const facts = { ...deps.facts(), agentVersion: deps.version }
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
      await on.send({ case: 'report', value })
    } catch {
      for (const { application } of told) dirty.add(application)
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
      for (const { application } of states) dirty.add(application)
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
