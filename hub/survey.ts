import type { Principal } from './access/principal.ts'
import type { Survey } from './api/hub.ts'
import type { DriftRow, OpenGateView, RevisionView } from './api/survey-view.ts'
import { HubError } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { assignedTo, plansOf } from './ledger/by-application.ts'
import { headOf } from './ledger/chain.ts'
import type { Register } from './ledger/register.ts'
import { currentGate } from './rollout/gate/gate.ts'
import { type Known, listClusterNames } from './status/cluster-view.ts'
import { describeEntry } from './status/event.ts'
import type { Summaries } from './status/summary.ts'
import { viewPolicy } from './status/policy-view.ts'
import { viewWindows } from './status/window-view.ts'

export interface SurveyDeps {
  readonly known: () => Known
  /** Throws `not_ready` before Git was read. */
  readonly needFleet: () => Fleet
  readonly register: Pick<Register, 'state' | 'append' | 'head' | 'read'>
  readonly summaries: Pick<Summaries, 'read'>
  /** Looks again at what Git asks for. */
  readonly redecide: () => Promise<void>
  readonly clock: () => number
}

/** What the records say over the whole fleet. */
export function createSurvey(deps: SurveyDeps): Survey {
  const { known, needFleet, register, summaries, redecide } = deps
  const { state } = register

  function* drift(after: readonly [cluster: string, application: string] | null) {
    const [from = '', last = ''] = after ?? []
    for (const cluster of listClusterNames(known())) {
      if (cluster < from) continue
      const { applications } = known().status(cluster)
      for (const application of Object.keys(applications).sort()) {
        if (cluster === from && application <= last) continue
        const { driftedObjects, drift } = applications[application]!
        if (driftedObjects === 0) continue
        const objects = drift.map(({ object }) => object)
        yield { cluster, application, driftedObjects, objects } satisfies DriftRow
      }
    }
  }

  return {
    summary: () => summaries.read(),
    holds: () =>
      [...state.holds.values()]
        .map(({ application, revision, contentDigest, rollout, at, reason }) => ({
          ...{ application, revision, contentDigest, rollout, reason },
          at: new Date(at).toISOString(),
        }))
        .toSorted((a, b) => (a.application < b.application ? -1 : 1)),
    async releaseHold(application: string, by: Principal, reason: string) {
      if (!state.holds.has(application)) {
        throw new HubError('not_found', `nothing of ${application} is held`)
      }
      await register.append(by.actor, [{ type: 'hold.released', application, reason }])
      await redecide()
    },
    gates: () =>
      [...state.runs.values()].flatMap((run): OpenGateView[] => {
        const plan = state.plans.get(run.id)
        const found = plan && currentGate(plan, run)
        if (!plan || !found) return []
        const { wave, gate, roles } = found
        const waveName = plan.waves[wave]?.name ?? ''
        const { application } = plan
        return [{ rollout: run.id, application, wave, waveName, gate, roles }]
      }),
    drift,
    revisions(application) {
      const running = new Map<string, number>()
      for (const { digest, revision } of assignedTo(state, application).values()) {
        if (digest !== null) running.set(revision, (running.get(revision) ?? 0) + 1)
      }
      return plansOf(state, application)
        .toReversed()
        .map((plan): RevisionView => ({
          revision: plan.revision,
          contentDigest: plan.contentDigest,
          rollout: plan.id,
          phase: state.runs.get(plan.id)!.phase,
          createdAt: new Date(plan.createdAt).toISOString(),
          clusters: running.get(plan.revision) ?? 0,
        }))
    },
    windows: (from) => viewWindows(needFleet(), from, deps.clock()),
    policies: () =>
      [...needFleet().policies.values()]
        .map(viewPolicy)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    async *audit(after) {
      const from = after ?? Math.max(0, register.head - auditTail)
      for await (const entry of register.read(from)) {
        const { index, at, actor, previous } = entry
        const { type, subject, message } = describeEntry(entry)
        const { digest } = headOf(entry)
        const time = new Date(at).toISOString()
        yield { index, at: time, actor, type, subject, message, previous, digest }
      }
    },
  }
}

/** Entries that are shown to who does not say from where. */
const auditTail = 100
