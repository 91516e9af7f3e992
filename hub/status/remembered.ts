import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ClusterStatus } from './status.ts'

/* A status as Redis gives it back. Whoever writes there may have put anything in its place: what has not the
   form of one is as good as lost, since agents say it all again. */

const Text = Type.String({ maxLength: 4_096 })
const Count = Type.Integer({ minimum: 0 })
const Instant = Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const DigestText = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })
const ContentDigest = Type.Union([Type.Null(), DigestText])
const HealthWord = Type.Enum([
  ...['Unknown', 'InProgress', 'Current', 'Failed', 'Terminating', 'NotFound'],
])
const PhaseWord = Type.Enum(['Pending', 'Applying', 'Applied', 'Failed', 'Removed'])
const Healths = Type.Array(Type.Object({ object: Text, health: HealthWord, message: Text }))
const Told = Type.Object({ code: Text, message: Text })

const Application = Type.Object({
  application: Text,
  digest: ContentDigest,
  generation: Count,
  phase: PhaseWord,
  health: HealthWord,
  objects: Count,
  readyObjects: Count,
  unhealthy: Healths,
  errors: Type.Array(Type.Object({ object: Text, file: Text, code: Text, message: Text })),
  drift: Type.Array(
    Type.Object({
      object: Text,
      missing: Type.Boolean(),
      firstSeen: Instant,
      fields: Type.Array(
        Type.Object({
          ...{ path: Text, desired: Text, live: Text, manager: Text },
          changedAt: Type.Optional(Instant),
        }),
      ),
      contestedBy: Type.Optional(Text),
    }),
  ),
  driftedObjects: Count,
  healed: Count,
  waiting: Type.Optional(Text),
  gate: Type.Optional(Type.Object({ health: HealthWord, objects: Healths })),
  updatedAt: Instant,
  held: Type.Optional(Type.Object({ digest: ContentDigest, generation: Count })),
})

const remembered = Compile(
  Type.Object({
    cluster: Text,
    connection: Type.Union([
      Type.Object({ state: Type.Literal('Connected'), since: Instant, replica: Text }),
      Type.Object({ state: Type.Literal('Disconnected'), since: Instant }),
      Type.Object({ state: Type.Literal('NeverConnected') }),
    ]),
    lastSeen: Type.Union([Type.Null(), Instant]),
    agentVersion: Text,
    kubernetesVersion: Text,
    nodes: Count,
    sequence: Count,
    refusal: Type.Union([Type.Null(), Told]),
    stale: Type.Optional(Type.Boolean()),
    freshUntil: Type.Optional(Instant),
    auditFault: Type.Optional(Type.Union([Type.Null(), Told])),
    ledgerFault: Type.Optional(Type.Union([Type.Null(), Told])),
    equivocations: Type.Optional(
      Type.Array(
        Type.Object({
          ...{ epoch: Count, sequence: Count, accepted: DigestText, refused: DigestText },
          at: Instant,
        }),
      ),
    ),
    holds: Type.Optional(
      Type.Array(
        Type.Object({
          ...{ refuse: Type.Boolean(), until: Type.Union([Type.Null(), Instant]), reason: Text },
          ...{ applications: Type.Array(Text), source: Text, fault: Text },
        }),
      ),
    ),
    applications: Type.Record(Type.String(), Application),
  }),
)

/** A freshness statement lives an hour at most. */
const longestFreshnessMs = 3_600_000

/**
 * What was saved of a cluster, as of `now`, for showing it and until its agent is heard. Nothing of it
 * counts as said over a stream that is opened later, whatever times it bears (T32); a refusal is
 * forgotten, since the agent refuses once more what it is offered once more.
 */
export function readRemembered(
  cluster: string,
  text: string,
  now: number,
): ClusterStatus | undefined {
  const value = parse(text)
  if (!remembered.Check(value) || value.cluster !== cluster) return undefined
  const status = value as ClusterStatus
  const { connection, freshUntil } = status
  return {
    ...status,
    connection:
      connection.state === 'NeverConnected'
        ? connection
        : {
            state: 'Disconnected',
            since: connection.state === 'Connected' ? now : Math.min(connection.since, now),
          },
    lastSeen: status.lastSeen === null ? null : Math.min(status.lastSeen, now),
    refusal: null,
    ...(freshUntil !== undefined && { freshUntil: Math.min(freshUntil, now + longestFreshnessMs) }),
    applications: Object.fromEntries(
      Object.values(status.applications).map((told) => [
        told.application,
        { ...told, updatedAt: Math.min(told.updatedAt, now - 1) },
      ]),
    ),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
