import { type Static, Type } from 'typebox'

/* Fields that several kinds share. */

/** An unknown field is an error. */
export const closed = { additionalProperties: false } as const

export const Name = Type.String({
  // The one name of this shape that every JavaScript object already has.
  pattern: '^(?!constructor$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
  description: 'RFC 1123 label: lower-case letters, digits and dashes, at most 63',
})
/** A Name once `${cluster.name}` and `${cluster.labels.KEY}` have been filled in. */
export const TemplatedName = Type.String({
  pattern: '^([-a-z0-9]|\\$\\{cluster\\.[A-Za-z0-9._/-]*\\})+$',
  description: 'an RFC 1123 label, which may hold ${cluster.name} or ${cluster.labels.KEY}',
})
export const serviceAccountPattern =
  '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$'
export const ServiceAccountName = Type.String({
  pattern: serviceAccountPattern,
  description: 'namespace/name',
})
export const DurationText = Type.String({
  // Bounded, so that the sum can be counted exactly in milliseconds.
  pattern: '^([0-9]{1,8}(ms|s|m|h)){1,8}$',
  description: 'such as 30s, 5m or 1h30m',
})
export const DigestText = Type.String({
  pattern: '^sha256:[0-9a-f]{64}$',
  description: 'sha256: and 64 hex digits',
})
export const CountOrPercent = Type.Union([
  Type.Integer({ minimum: 0 }),
  Type.String({ pattern: '^(100|[1-9]?[0-9])%$' }),
])
export const Labels = Type.Record(Type.String(), Type.String())

export const Values = Type.Record(Type.String(), Type.Unknown())

/** Kubernetes' LabelSelector, verbatim. */
export const LabelSelector = Type.Object(
  {
    matchLabels: Type.Optional(Labels),
    matchExpressions: Type.Optional(
      Type.Array(
        Type.Object(
          {
            key: Type.String({ minLength: 1 }),
            operator: Type.Union([
              Type.Literal('In'),
              Type.Literal('NotIn'),
              Type.Literal('Exists'),
              Type.Literal('DoesNotExist'),
            ]),
            values: Type.Optional(Type.Array(Type.String())),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
)

export type LabelSelector = Static<typeof LabelSelector>
