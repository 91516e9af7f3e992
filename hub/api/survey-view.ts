import { type Static, Type } from 'typebox'
import type { Frozen } from './views.ts'

/* What is said of the fleet as a whole: counters, holds, gates, drift, revisions, the ledger. */

const Count = Type.Integer({ minimum: 0 })
const Time = Type.String({ description: 'RFC 3339, UTC' })
const StateSums = Type.Object({
  ...{ updated: Count, pending: Count, failed: Count, unreachable: Count, drifted: Count },
})

export const SummaryView = Type.Object(
  {
    clusters: Type.Object({
      total: Count,
      ...{ connected: Count, disconnected: Count, neverConnected: Count, stale: Count },
      ...{ waitForApproval: Count, locked: Count, revoked: Count },
    }),
    deployments: StateSums,
    applications: Count,
    groups: Count,
    rollouts: Type.Object({ active: Count, paused: Count, waiting: Count }),
    holds: Count,
  },
  {
    $id: 'SummaryView',
    description: 'The fleet in counters; deployments are applications on clusters.',
  },
)

export const HeldView = Type.Object(
  {
    application: Type.String(),
    revision: Type.String(),
    contentDigest: Type.String(),
    rollout: Type.String(),
    at: Time,
    reason: Type.String(),
  },
  { $id: 'HeldView', description: 'A revision that is not rolled out again by itself.' },
)

export const OpenGateView = Type.Object(
  {
    rollout: Type.String(),
    application: Type.String(),
    wave: Count,
    waveName: Type.String(),
    gate: Type.Unsafe<'before' | 'after'>({ type: 'string', enum: ['before', 'after'] }),
    roles: Type.Array(Type.String(), { description: 'one for each approval still missing' }),
  },
  { $id: 'OpenGateView', description: 'A gate that waits for approval.' },
)

export const DriftRow = Type.Object(
  {
    cluster: Type.String(),
    application: Type.String(),
    driftedObjects: Count,
    objects: Type.Array(Type.String(), { description: 'bounded; driftedObjects counts all' }),
  },
  { $id: 'DriftRow', description: 'An application that is not on a cluster as it should be.' },
)

export const RevisionView = Type.Object(
  {
    revision: Type.String(),
    contentDigest: Type.String(),
    rollout: Type.String(),
    phase: Type.String({ description: "the rollout's" }),
    createdAt: Time,
    clusters: Type.Integer({ minimum: 0, description: 'that are assigned it now' }),
  },
  { $id: 'RevisionView', description: 'What an application was, or is, rolled out at.' },
)

export const CommitView = Type.Object(
  {
    commit: Type.String(),
    state: Type.Union([Type.Literal('taken'), Type.Literal('refused'), Type.Literal('notYet')], {
      description:
        'taken: part of what clusters are to run; refused: the fleet repository has a fault since then; notYet: not read, or not decided on yet',
    }),
    repository: Type.Union([Type.String(), Type.Null()]),
    revision: Type.Union([Type.String(), Type.Null()], {
      description: 'of the repository: this commit, or one made on it',
    }),
  },
  { $id: 'CommitView', description: 'Whether the hub takes a commit into account.' },
)

export const AuditEntry = Type.Object(
  {
    index: Type.Integer({ minimum: 1 }),
    at: Time,
    actor: Type.String(),
    type: Type.String(),
    subject: Type.String(),
    message: Type.String(),
    previous: Type.String({ description: 'digest of the line before' }),
    digest: Type.String({ description: 'of this line, which the next one names' }),
  },
  { $id: 'AuditEntry', description: 'A line of the ledger, in words.' },
)

export const WindowView = Type.Object(
  {
    ownerKind: Type.Unsafe<'Project' | 'ClusterGroup' | 'Cluster'>({
      ...{ type: 'string', enum: ['Project', 'ClusterGroup', 'Cluster'] },
      description: 'what declares it',
    }),
    owner: Type.String({ description: 'its name' }),
    kind: Type.Unsafe<'allow' | 'deny'>({ type: 'string', enum: ['allow', 'deny'] }),
    open: Type.Boolean({ description: 'now' }),
    until: Type.Union([Type.String(), Type.Null()], {
      description: 'RFC 3339, UTC: when that changes; null when it never does, or not for long',
    }),
    schedule: Type.String(),
    duration: Type.String(),
    timeZone: Type.String(),
    applications: Type.Array(Type.String(), { description: 'globs; none is all' }),
    clusters: Type.Array(Type.String(), { description: 'names; none is any name' }),
    clusterGroup: Type.Union([Type.String(), Type.Null()]),
    clusterSelector: Type.Union([Type.String(), Type.Null()], {
      description: 'as kubectl writes it; all that is given has to hold, and nothing given is all',
    }),
    reason: Type.String(),
  },
  { $id: 'WindowView', description: 'When rollouts may or may not move.' },
)

export const PolicyView = Type.Object(
  {
    name: Type.String(),
    description: Type.String({ description: 'or empty' }),
    action: Type.Unsafe<'deny' | 'warn' | 'audit'>({
      type: 'string',
      enum: ['deny', 'warn', 'audit'],
      description: 'what comes of a violation, at most',
    }),
    judges: Type.Array(Type.String(), { description: 'files, or rules of its own, in words' }),
    applies: Type.Array(Type.String(), { description: 'in words; none is to everything' }),
    exceptions: Type.Array(Type.String(), { description: 'in words, each with its reason' }),
  },
  { $id: 'PolicyView', description: 'A policy of the newest commit.' },
)

export type SummaryView = Frozen<Static<typeof SummaryView>>
export type HeldView = Frozen<Static<typeof HeldView>>
export type OpenGateView = Frozen<Static<typeof OpenGateView>>
export type DriftRow = Frozen<Static<typeof DriftRow>>
export type RevisionView = Frozen<Static<typeof RevisionView>>
export type CommitView = Frozen<Static<typeof CommitView>>
export type AuditEntry = Frozen<Static<typeof AuditEntry>>
export type WindowView = Frozen<Static<typeof WindowView>>
export type PolicyView = Frozen<Static<typeof PolicyView>>
