import type { Fleet } from '../fleet/fleet.ts'
import { toSourceSpec } from '../fleet/input/repository-spec.ts'
import { createCommitStatuses } from '../forge/commit-statuses.ts'
import { listCulprits } from '../forge/culprit.ts'
import { createReverts } from '../forge/reverts.ts'
import type { Register } from '../ledger/register.ts'
import type { HubEvent } from '../status/event.ts'
import { judgeCommit, listCommitRollouts } from '../status/commit-standing.ts'
import type { Forges } from './forges.ts'
import type { Surroundings } from './surroundings.ts'

/** A commit's status is at most this old, and written at most this often. */
const everyMs = 5_000

export interface CommitStatusesParts {
  readonly forges: Forges
  readonly register: Pick<Register, 'state' | 'append'>
  /** When this hub began, in milliseconds by the clock as it is set now. */
  readonly since: () => number
  readonly fleet: () => Fleet | null
  readonly tell: (event: HubEvent) => void
}

/**
 * Keeps a status beside each commit, on the Git hosts the configuration names, and proposes to undo
 * those that were rolled back, where it may write.
 */
export function startCommitStatuses(
  { config, log, started, signal }: Surroundings,
  { forges, register, fleet, since, tell }: CommitStatusesParts,
): void {
  const { state } = register
  if (forges.shown.size === 0) return
  // Who waits to try again waits by a clock nobody sets.
  const clock = (): number => performance.now()
  const statuses = createCommitStatuses({
    forge: (repository) => forges.shown.get(repository),
    list: () => listCommitRollouts(state, (name) => repositoryOf(fleet(), name), since()),
    judge: judgeCommit,
    context:
      config.fleetName === 'groundswell'
        ? 'groundswell/rollout'
        : `groundswell/rollout (${config.fleetName})`,
    clock,
    log: (level, message, fields) => log[level](fields ?? {}, message),
  })
  started.every(everyMs, () => statuses.update(signal))
  if (forges.writable.size === 0) return
  const reverts = createReverts({
    forge: (repository) => forges.writable.get(repository),
    list: () =>
      listCulprits(
        state,
        (name) => repositoryOf(fleet(), name),
        (name) => (name === 'fleet' ? config.branch : branchOf(fleet(), name)),
      ),
    record: ({ application, rollout, repository, request: { commit } }, url) =>
      register.append('groundswell', [
        { type: 'revert.proposed', application, rollout, repository, commit, url },
      ]),
    clock,
    tell: ({ application, request: { commit } }, reason) =>
      tell({
        ...{ type: 'revert.failed', actor: 'hub', subject: `application/${application}` },
        message: `no revert of ${commit.slice(0, 12)} could be proposed: ${reason}`.slice(0, 1_000),
      }),
    log: (level, message, fields) => log[level](fields ?? {}, message),
  })
  started.every(everyMs, () => reverts.update(signal))
}

function branchOf(fleet: Fleet | null, repository: string): string | undefined {
  const declared = fleet?.repositories.get(repository)
  if (!declared) return undefined
  const { ref } = toSourceSpec(declared).spec
  return 'branch' in ref ? ref.branch : undefined
}

function repositoryOf(fleet: Fleet | null, application: string): string | undefined {
  const declared = fleet?.applications.get(application)
  return declared && (declared.spec.source.repository ?? 'fleet')
}
