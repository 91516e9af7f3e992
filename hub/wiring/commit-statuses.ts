import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { createCommitStatuses } from '../forge/commit-statuses.ts'
import type { Forge } from '../forge/forge.ts'
import { openForge } from '../forge/http.ts'
import { readForges } from '../fs.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { judgeCommit, listCommitRollouts } from '../status/commit-standing.ts'
import type { Surroundings } from './surroundings.ts'

/** A commit's status is at most this old, and written at most this often. */
const everyMs = 5_000

/** Keeps a status beside each commit, on the Git hosts the configuration names. */
export function startCommitStatuses(
  { config, log, started, signal, clock }: Surroundings,
  state: LedgerState,
  fleet: () => Fleet | null,
): void {
  const settings = readForges(config.forges)
  if (settings.size === 0) return
  const since = clock()
  const forges = new Map<string, Forge>()
  for (const [repository, { tokenFile, ...project }] of settings) {
    const forge = openForge(project, {
      token: () => readToken(tokenFile),
      wait: async (ms, until) => {
        await sleep(ms, undefined, { signal: until }).catch(() => undefined)
      },
      now: Date.now,
    })
    forges.set(
      repository,
      started.own(forge, (open) => open.close()),
    )
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
