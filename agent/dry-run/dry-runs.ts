import { type MessageInitShape } from '@bufbuild/protobuf'
import {
  type DryRun,
  type DryRunAnswerSchema,
  DryRunOutcome as Wire,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError, toAgentError } from '../errors.ts'
import { type Proposal, parseProposal } from './proposed.ts'
import { fitTried } from './fit-tried.ts'
import { type DryRunOutcome, type TryDeps, tryObjects } from './try.ts'

export type DryRunAnswer = MessageInitShape<typeof DryRunAnswerSchema>

export interface DryRunsDeps extends TryDeps {
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  /** A signal that fires after `ms`. */
  readonly timeout: (ms: number) => AbortSignal
}

/** Questions that wait while one is answered; more are turned away. */
const waitingAtMost = 3
/** Objects that are tried in one minute: dry runs must not wear an API server out. */
const objectsAMinute = 2_000

const outcomes: Readonly<Record<DryRunOutcome, Wire>> = {
  created: Wire.CREATED,
  changed: Wire.CHANGED,
  unchanged: Wire.UNCHANGED,
  refused: Wire.REFUSED,
  notTried: Wire.NOT_TRIED,
}

/** Answers a hub's questions what the API server would say, one after another, within bounds. */
export function createDryRuns(deps: DryRunsDeps) {
  let waiting = 0
  let turn: Promise<unknown> = Promise.resolve()
  let left: number = objectsAMinute
  let refilledAt = deps.monotonic()

  function charge({ objects }: Proposal): void {
    const now = deps.monotonic()
    left = Math.min(objectsAMinute, left + ((now - refilledAt) / 60_000) * objectsAMinute)
    refilledAt = now
    if (objects.length > left) {
      throw new AgentError('dry_run_refused', 'too many dry runs; ask again in a minute')
    }
    left -= objects.length
  }

  async function answer(asked: DryRun, signal: AbortSignal): Promise<DryRunAnswer> {
    const proposal = parseProposal(asked)
    charge(proposal)
    const either = AbortSignal.any([signal, deps.timeout(proposal.patience)])
    const tried = await tryObjects(proposal, deps, either)
    const results = fitTried(tried).map(({ outcome, warnings, fields, ...rest }) => ({
      ...rest,
      outcome: outcomes[outcome],
      warnings: [...warnings],
      fields: fields.map(({ path, desired, live }) => ({ path, desired, live })),
    }))
    return { id: asked.id, results }
  }

  return {
    /** Never throws: whatever went wrong is the answer. */
    async take(asked: DryRun, signal: AbortSignal): Promise<DryRunAnswer> {
      const { id } = asked
      if (waiting > waitingAtMost) {
        return { id, code: 'dry_run_refused', message: 'busy with other dry runs' }
      }
      waiting += 1
      const mine = turn.then(() => answer(asked, signal))
      turn = mine.catch(() => {})
      try {
        return await mine
      } catch (error) {
        const { code, message } = toAgentError(error)
        return { id, code, message }
      } finally {
        waiting -= 1
      }
    },
  }
}

export type DryRuns = ReturnType<typeof createDryRuns>
