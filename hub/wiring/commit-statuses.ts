import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { createCommitStatuses } from '../forge/commit-statuses.ts'
import { listCulprits } from '../forge/culprit.ts'
import { createReverts } from '../forge/reverts.ts'
import type { RevertingForge } from '../forge/revert.ts'
import type { Forge } from '../forge/forge.ts'
import { openForge } from '../forge/http.ts'
import { readForges } from '../fs.ts'
import type { Register } from '../ledger/register.ts'
import type { HubEvent } from '../status/event.ts'
import { judgeCommit, listCommitRollouts } from '../status/commit-standing.ts'
import type { Surroundings } from './surroundings.ts'

/** A commit's status is at most this old, and written at most this often. */
const everyMs = 5_000

export interface CommitStatusesParts {
  readonly register: Pick<Register, 'state' | 'append'>
  readonly fleet: () => Fleet | null
  readonly tell: (event: HubEvent) => void
}

/**
 * Keeps a status beside each commit, on the Git hosts the configuration names, and proposes to undo
 * those that were rolled back, where it may write.
 */
export function startCommitStatuses(
  { config, log, started, signal, clock }: Surroundings,
  { register, fleet, tell }: CommitStatusesParts,
): void {
  const { state } = register
  const settings = readForges(config.forges)
  if (settings.size === 0) return
  const since = clock()
  const forges = new Map<string, Forge>()
  const writable = new Map<string, RevertingForge>()
  for (const [repository, { tokenFile, writeTokenFile, ...project }] of settings) {
    const open = (token: string) =>
      started.own(
        openForge(project, {
          token: () => readToken(token),
          wait: async (ms, until) => {
            await sleep(ms, undefined, { signal: until }).catch(() => undefined)
          },
          now: Date.now,
        }),
        (forge) => forge.close(),
      )
    forges.set(repository, open(tokenFile))
    if (writeTokenFile !== undefined) writable.set(repository, open(writeTokenFile))
  }
  const statuses = createCommitStatuses({
    forge: (repository) => forges.get(repository),
    list: () => listCommitRollouts(state, (name) => repositoryOf(fleet(), name), since),
    judge: judgeCommit,
    context:
      config.fleetName === 'groundswell'
        ? 'groundswell/rollout'
        : `groundswell/rollout (${config.fleetName})`,
    clock,
    log: (level, message, fields) => log[level](fields ?? {}, message),
  })
  started.every(everyMs, () => statuses.update(signal))
  if (writable.size === 0) return
  const reverts = createReverts({
    forge: (repository) => writable.get(repository),
    list: () => listCulprits(state, (name) => repositoryOf(fleet(), name)),
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

function repositoryOf(fleet: Fleet | null, application: string): string | undefined {
  const declared = fleet?.applications.get(application)
  return declared && (declared.spec.source.repository ?? 'fleet')
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new HubError('forge_refused', `its token cannot be read: ${path}`, { cause })
  }
}
