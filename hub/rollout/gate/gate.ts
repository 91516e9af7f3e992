import { isPerson } from '../../access/principal.ts'
import { missingRoles } from './approvals.ts'
import { type ApprovalGate, type GateSide, gatesOf, type PlannedGate } from './planned-gate.ts'
import type { Approval, RolloutPlan, RolloutRun } from '../rollout.ts'

/** A gate that still lacks people. */
export interface HoldingGate {
  readonly wave: number
  readonly gate: GateSide
  /** Roles that may approve, one for each approval still missing. */
  readonly roles: readonly string[]
  /** All that it asks for, given or not. */
  readonly slots: readonly string[]
  /** Whether the author of the change may not approve here. */
  readonly notAuthor: boolean
}

/**
 * What approvals a side of a wave still lacks; null when it lacks none. Two gates on one side, or
 * one that counts to two, need approvals by two different people, in whatever order they come.
 */
export function findGate(
  plan: RolloutPlan,
  approvals: readonly Approval[],
  wave: number,
  gate: GateSide,
): HoldingGate | null {
  const asked = gatesOf(plan, wave, gate).filter(isApproval)
  const given = approvals.filter((approval) => approval.wave === wave && approval.gate === gate)
  const slots = asked.flatMap(({ role, count = 1 }) => Array<string>(count).fill(role))
  const roles = missingRoles(slots, given)
  if (roles.length === 0) return null
  const notAuthor = asked.some((one) => one.notAuthor === true)
  return { wave, gate, roles, slots, notAuthor }
}

/** Where the rollout stands before a gate or behind one; null while clusters move, or go back. */
export function currentSide(
  plan: RolloutPlan,
  run: Pick<
    RolloutRun,
    'phase' | 'startedAt' | 'finishedAt' | 'waveStartedAt' | 'wave' | 'clusters'
  >,
): GateSide | null {
  if (run.startedAt === null || run.finishedAt !== null || run.phase === 'RollingBack') return null
  if (run.waveStartedAt === null) return 'before'
  const settled = plan.waves
    .slice(0, run.wave + 1)
    .every((wave) => wave.clusters.every((name) => run.clusters[name]?.state === 'Done'))
  return settled ? 'after' : null
}

/** The gate an approval would open now; null while clusters move or when nothing holds. */
export function currentGate(plan: RolloutPlan, run: RolloutRun): HoldingGate | null {
  const side = currentSide(plan, run)
  return side && findGate(plan, run.approvals, run.wave, side)
}

/**
 * Whether somebody made the change that is rolled out, or a part of it: by the whole name Git has, the name alone
 * or the address alone, whatever their case; or started it by hand. Who logged in and is known by no address can
 * be told from nobody whom Git knows by one; where nobody could say who made it, nobody can be told from them.
 *
 * @param names what they are called, beginning with their `actor`
 */
export function judgeAuthor(
  plan: Pick<RolloutPlan, 'author' | 'authors' | 'trigger'>,
  { startedBy = [] }: Pick<RolloutRun, 'startedBy'>,
  names: readonly string[],
): 'author' | 'other' | 'unknown' | 'untold' {
  const mine = new Set(names.map(toPlainName))
  const isMine = (text: string) => mine.has(toPlainName(text))
  const { kind, actor, madeBy } = plan.trigger
  const starters = kind === 'api' ? [...startedBy, actor, madeBy ?? ''] : startedBy
  if (starters.some((one) => one !== '' && isMine(one))) return 'author'
  if (plan.authors === null) return 'untold'
  const authors = [plan.author ?? '', ...(plan.authors ?? [])].map((author) => {
    const [, name = '', address = ''] = /^([^<]*)<([^>]*)>/.exec(author) ?? []
    return { called: [author, name, address].filter((text) => text.trim() !== ''), address }
  })
  if (authors.some(({ called }) => called.some(isMine))) return 'author'
  const isNameless = isPerson(names[0] ?? '') && ![...mine].some((one) => one.includes('@'))
  return isNameless && authors.some(({ address }) => address.trim() !== '') ? 'unknown' : 'other'
}

/** As Git and an identity provider write the same name alike. */
function toPlainName(text: string): string {
  return text
    .replace(/^oidc:/, '')
    .trim()
    .toLowerCase()
}

function isApproval(gate: PlannedGate): gate is ApprovalGate {
  return gate.kind === 'approval'
}
