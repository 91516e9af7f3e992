import { type Static, Type } from 'typebox'
import { parseDuration } from '@groundswell/proto/duration.ts'
import { HubError } from '../../errors.ts'
import { parseAddress } from '../../source/address.ts'
import { isRefName } from '../../source/ref.ts'
import { isVersionRange } from '../../source/version-range.ts'
import { closed, DurationText } from './fields.ts'
import type { Report } from './names.ts'

export const RepositorySpec = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    ref: Type.Optional(
      Type.Object(
        {
          branch: Type.Optional(Type.String({ minLength: 1 })),
          tag: Type.Optional(Type.String({ minLength: 1 })),
          commit: Type.Optional(Type.String({ pattern: '^[0-9a-f]{40}$' })),
          /** The newest tag that is a version of this range. */
          semver: Type.Optional(Type.String({ minLength: 1 })),
        },
        closed,
      ),
    ),
    interval: Type.Optional(DurationText),
    timeout: Type.Optional(DurationText),
    /** Name of a credential the hub's own configuration defines; never the credential itself. */
    credential: Type.Optional(Type.String({ minLength: 1 })),
    /** Signatures without which nothing of it is taken. */
    verify: Type.Optional(
      Type.Object(
        {
          /** Name of signers the hub's own configuration defines; keys are never in Git. */
          signers: Type.String({ minLength: 1 }),
          /** `commit` (the one that is followed) or the annotated `tag`. */
          object: Type.Optional(Type.Union([Type.Literal('commit'), Type.Literal('tag')])),
        },
        closed,
      ),
    ),
    suspend: Type.Optional(Type.Boolean()),
  },
  closed,
)

export type RepositorySpec = Static<typeof RepositorySpec>

/** What a schema cannot say of a Repository. */
export function checkRepository(spec: RepositorySpec, report: Report): void {
  try {
    parseAddress(spec.url)
  } catch (error) {
    report(['spec', 'url'], error instanceof HubError ? error.message : String(error))
  }
  const ref = spec.ref ?? { branch: 'main' }
  const given = Object.keys(ref)
  if (given.length !== 1) {
    report(['spec', 'ref'], 'give exactly one of branch, tag, commit and semver')
  }
  for (const [kind, name] of Object.entries(ref)) {
    if (kind === 'semver') {
      if (!isVersionRange(name)) {
        const words = `"${name}" is not a range of versions such as ^1.2 or >=1.0 <3`
        report(['spec', 'ref', kind], words)
      }
    } else if (kind !== 'commit' && !isRefName(name)) {
      report(['spec', 'ref', kind], `"${name}" is not a ${kind} name`)
    }
  }
  if (spec.verify?.object === 'tag' && !('tag' in ref) && !('semver' in ref)) {
    report(['spec', 'verify', 'object'], 'tags are verified where `ref` is a tag or semver')
  }
  if (spec.interval !== undefined && parseDuration(spec.interval) < 1_000) {
    report(['spec', 'interval'], 'shorter than 1s')
  }
  if (spec.timeout !== undefined && parseDuration(spec.timeout) < 1_000) {
    report(['spec', 'timeout'], 'shorter than 1s')
  }
}
