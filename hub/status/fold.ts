import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import {
  type ApplicationReport,
  Health as WireHealth,
  Phase as WirePhase,
  type Report,
} from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import type { Hello, Verdict } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { isName } from '@groundswell/proto/statement-shape.ts'
import type { Equivocation } from '../bundle/equivocation.ts'
import { boundApplications } from './bound.ts'
import type { AgentHold, ApplicationStatus, ClusterStatus, Health, Phase, Told } from './status.ts'

/* What agents say → what is known of a cluster. Pure; times are the hub's, in milliseconds. */

const listed = 50
const equivocationsKept = 3
const holdsKept = 4
const heldNames = 200
const longestText = 2_048
/** RFC 3339 has four digits for the year. */
const latestInstant = Date.UTC(9999, 11, 31)

export function unknownCluster(cluster: string): ClusterStatus {
  return {
    cluster,
    connection: { state: 'NeverConnected' },
    lastSeen: null,
    agentVersion: '',
    kubernetesVersion: '',
    nodes: 0,
    sequence: 0,
    refusal: null,
    applications: {},
  }
}

export function foldHello(status: ClusterStatus, hello: Hello, now: number): ClusterStatus {
  return {
    ...status,
    lastSeen: now,
    agentVersion: clip(hello.agentVersion),
    kubernetesVersion: clip(hello.facts?.kubernetesVersion ?? status.kubernetesVersion),
    nodes: hello.facts?.nodes ?? status.nodes,
    ...foldSequence(status, Number(hello.sequence)),
  }
}

/** A stream was opened: what was told before is older than it, also where the clock was set back since. */
export function foldStream(status: ClusterStatus, replica: string, now: number): ClusterStatus {
  const connection = { state: 'Connected', since: now, replica } as const
  const all = Object.entries(status.applications)
  if (all.every(([, { updatedAt }]) => updatedAt < now)) return { ...status, connection }
  const older = all.map(([name, told]) => {
    return [name, { ...told, updatedAt: Math.min(told.updatedAt, now - 1) }] as const
  })
  return { ...status, connection, applications: Object.fromEntries(older) }
}

/** Where the agent says it is. Has it moved on, it accepted what it may have refused before. */
function foldSequence(
  { sequence: before, refusal }: ClusterStatus,
  sequence: number,
): Pick<ClusterStatus, 'sequence' | 'refusal'> {
  return { sequence, refusal: sequence === before ? refusal : null }
}

export function foldVerdict(status: ClusterStatus, verdict: Verdict, now: number): ClusterStatus {
  if (verdict.accepted) {
    return { ...status, lastSeen: now, sequence: Number(verdict.sequence), refusal: null }
  }
  const refusal = { code: clip(verdict.code), message: clip(verdict.message) }
  return { ...status, lastSeen: now, sequence: Number(verdict.sequence), refusal }
}

/** A complete report replaces all that was known of applications; another only what it names. */
export function foldReport(status: ClusterStatus, report: Report, now: number): ClusterStatus {
  // No application has another kind of name.
  const named = report.applications.filter(({ application }) => isName(application))
  // Said in this stream, and so not before it, whatever the clock says by now.
  const { connection } = status
  const at = connection.state === 'Connected' ? Math.max(now, connection.since) : now
  const states = named.map((application) => toApplicationStatus(application, at))
  const told = Object.fromEntries(states.map((state) => [state.application, state]))
  return {
    ...status,
    lastSeen: now,
    stale: report.stale,
    auditFault: toAuditFault(report.auditFault),
    holds: report.holds.slice(0, holdsKept).map(toHold),
    ...foldSequence(status, Number(report.sequence) || status.sequence),
    agentVersion: clip(report.facts?.agentVersion || status.agentVersion),
    kubernetesVersion: clip(report.facts?.kubernetesVersion || status.kubernetesVersion),
    nodes: report.facts?.nodes ?? status.nodes,
    applications: boundApplications(
      report.complete ? told : { ...status.applications, ...told },
      states,
    ),
  }
}

function toAuditFault(fault: Report['auditFault']): Told | null {
  if (!fault) return null
  const { seen, told } = fault
  const now = told ? `line ${told.index}, ${clip(told.digest)}` : 'empty'
  const message = `the ledger ended with line ${seen?.index ?? 0}, ${clip(seen?.digest ?? '')}, and is told to end with ${now}`
  return { code: clip(fault.code), message }
}

/** What an agent was told of the ledger, held against the ledger of this hub (T38). */
export function foldWitness(
  status: ClusterStatus,
  witnessed: Hello['witnessed'],
  digestAt: (index: number) => Digest | undefined,
): ClusterStatus {
  const index = Number(witnessed?.index ?? 0n)
  const digest = digestAt(index)
  if (!witnessed || digest === undefined || digest === witnessed.digest) {
    return status.ledgerFault?.code === 'audit_forked' ? { ...status, ledgerFault: null } : status
  }
  const message = `line ${index} of the ledger is ${digest}, and was ${clip(witnessed.digest)} when the agent was told of it`
  return { ...status, ledgerFault: { code: 'audit_forked', message } }
}

/** The cluster has had more than this hub's ledger knows of; null when nothing is kept from it any more. */
export function foldBehind(status: ClusterStatus, message: string | null): ClusterStatus {
  if (message !== null) return { ...status, ledgerFault: { code: 'ledger_behind', message } }
  return status.ledgerFault?.code === 'ledger_behind' ? { ...status, ledgerFault: null } : status
}

/** The newest few, each once. */
export function foldEquivocation(
  status: ClusterStatus,
  found: Equivocation,
  now: number,
): ClusterStatus {
  const known = status.equivocations ?? []
  const same = known.some(
    ({ accepted, refused }) => accepted === found.accepted && refused === found.refused,
  )
  if (same) return status
  return { ...status, equivocations: [...known, { ...found, at: now }].slice(-equivocationsKept) }
}

function toApplicationStatus(report: ApplicationReport, now: number): ApplicationStatus {
  return {
    application: report.application,
    digest: isDigest(report.manifestDigest) ? report.manifestDigest : null,
    generation: Number(report.generation),
    phase: toPhase(report.phase),
    health: toHealth(report.health),
    objects: report.objects,
    readyObjects: report.readyObjects,
    unhealthy: toObjectHealths(report.unhealthy),
    errors: report.errors.slice(0, listed).map((error) => ({
      object: clip(error.object),
      file: clip(error.file),
      code: clip(error.code),
      message: clip(error.message),
    })),
    drift: report.drift.slice(0, listed).map((drift) => ({
      object: clip(drift.object),
      missing: drift.missing,
      firstSeen: toInstant(drift.firstSeen),
      fields: drift.fields.slice(0, listed).map((field) => ({
        path: clip(field.path),
        desired: clip(field.desired),
        live: clip(field.live),
        manager: clip(field.manager),
        ...(field.changedAt > 0n && { changedAt: toInstant(field.changedAt) }),
      })),
      ...(drift.contestedBy !== '' && { contestedBy: clip(drift.contestedBy) }),
    })),
    driftedObjects: report.driftedObjects,
    healed: Number(report.healed),
    ...(report.waiting !== '' && { waiting: clip(report.waiting) }),
    ...(report.gateHealth !== WireHealth.UNSPECIFIED && {
      gate: { health: toHealth(report.gateHealth), objects: toObjectHealths(report.gated) },
    }),
    updatedAt: now,
    ...(report.held && {
      held: {
        digest: isDigest(report.held.manifestDigest) ? report.held.manifestDigest : null,
        generation: Number(report.held.generation),
      },
    }),
  }
}

function toHold(hold: Report['holds'][number]): AgentHold {
  const until = toInstant(hold.until)
  return {
    refuse: hold.refuse,
    until: until === 0 ? null : until,
    reason: clip(hold.reason),
    applications: hold.applications.slice(0, heldNames).map(clip),
    source: clip(hold.source),
    fault: clip(hold.fault),
  }
}

function toObjectHealths(objects: ApplicationReport['unhealthy']): ApplicationStatus['unhealthy'] {
  return objects.slice(0, listed).map((object) => ({
    object: clip(object.object),
    health: toHealth(object.health),
    message: clip(object.message),
  }))
}

function toPhase(phase: WirePhase): Phase {
  switch (phase) {
    case WirePhase.APPLYING:
      return 'Applying'
    case WirePhase.APPLIED:
      return 'Applied'
    case WirePhase.FAILED:
      return 'Failed'
    case WirePhase.REMOVED:
      return 'Removed'
    case WirePhase.PENDING:
    case WirePhase.UNSPECIFIED:
    default:
      return 'Pending'
  }
}

function toHealth(health: WireHealth): Health {
  switch (health) {
    case WireHealth.IN_PROGRESS:
      return 'InProgress'
    case WireHealth.CURRENT:
      return 'Current'
    case WireHealth.FAILED:
      return 'Failed'
    case WireHealth.TERMINATING:
      return 'Terminating'
    case WireHealth.NOT_FOUND:
      return 'NotFound'
    case WireHealth.UNKNOWN:
    case WireHealth.UNSPECIFIED:
    default:
      return 'Unknown'
  }
}

/** An agent's clock may be anything; what it says must stay a time that can be written. */
function toInstant(milliseconds: bigint): number {
  return Math.min(Math.max(Number(milliseconds), 0), latestInstant)
}

function clip(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`
}
