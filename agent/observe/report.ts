import { create } from '@bufbuild/protobuf'
import {
  type ApplicationReport,
  ApplicationReportSchema,
  Health as WireHealth,
  Phase as WirePhase,
} from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import type { Hold } from '../hold/hold.ts'
import type { AuditFault, AuditHead } from '../trust/state.ts'
import type { ApplicationState, Health, ObjectHealth, Phase } from './status.ts'

const phases: Readonly<Record<Phase, WirePhase>> = {
  Pending: WirePhase.PENDING,
  Applying: WirePhase.APPLYING,
  Applied: WirePhase.APPLIED,
  Failed: WirePhase.FAILED,
  Removed: WirePhase.REMOVED,
}

const healths: Readonly<Record<Health, WireHealth>> = {
  Unknown: WireHealth.UNKNOWN,
  InProgress: WireHealth.IN_PROGRESS,
  Current: WireHealth.CURRENT,
  Failed: WireHealth.FAILED,
  Terminating: WireHealth.TERMINATING,
  NotFound: WireHealth.NOT_FOUND,
}

/** What the agent knows of an application → its part of a report. */
export function toApplicationReport(state: ApplicationState): ApplicationReport {
  return create(ApplicationReportSchema, {
    application: state.application,
    manifestDigest: state.manifestDigest ?? '',
    generation: BigInt(state.generation),
    phase: phases[state.phase],
    health: healths[state.health],
    objects: state.objects,
    readyObjects: state.readyObjects,
    unhealthy: state.unhealthy.map(toObjectHealth),
    gateHealth: state.gate ? healths[state.gate.health] : WireHealth.UNSPECIFIED,
    gated: (state.gate?.objects ?? []).map(toObjectHealth),
    errors: state.errors.map((error) => ({ ...error })),
    drift: state.drift.map(({ object, missing, firstSeen, fields, contestedBy }) => ({
      object,
      missing,
      firstSeen: BigInt(firstSeen),
      fields: fields.map((field) => ({ ...field, changedAt: BigInt(field.changedAt ?? 0) })),
      contestedBy: contestedBy ?? '',
    })),
    driftedObjects: state.driftedObjects,
    healed: BigInt(state.healed),
    waiting: state.waiting ?? '',
    ...(state.held && {
      held: {
        manifestDigest: state.held.digest ?? '',
        generation: BigInt(state.held.generation),
      },
    }),
  })
}

export function toHold({ refuse, until, reason, applications, source, fault }: Hold) {
  const names = [...applications]
  return {
    ...{ refuse, until: BigInt(until ?? 0), reason, applications: names, source },
    fault: fault ?? '',
  }
}

function toObjectHealth({ object, health, message }: ObjectHealth) {
  return { object, health: healths[health], message }
}

export function toAuditHead({ index, digest }: AuditHead): { index: bigint; digest: string } {
  return { index: BigInt(index), digest }
}

export function toAuditFault({ code, seen, told }: AuditFault) {
  return { code, seen: toAuditHead(seen), ...(told && { told: toAuditHead(told) }) }
}
