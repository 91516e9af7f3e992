import { parseDuration } from '@groundswell/proto/duration.ts'
import type { SourceSpec } from '../../source/source.ts'
import type { Declared } from '../fleet.ts'
import type { RepositorySpec } from '../kinds/repository.ts'

/** A Repository from a loaded fleet → what is mirrored and how often, in milliseconds. */
export function toSourceSpec({ name, spec }: Declared<RepositorySpec>): {
  spec: SourceSpec
  interval: number
} {
  const { branch, tag, commit, semver } = spec.ref ?? {}
  return {
    spec: {
      name,
      url: spec.url,
      ref:
        commit !== undefined
          ? { commit }
          : tag !== undefined
            ? { tag }
            : semver !== undefined
              ? { semver }
              : { branch: branch ?? 'main' },
      timeout: parseDuration(spec.timeout ?? '60s'),
      ...(spec.credential === undefined ? {} : { credential: spec.credential }),
      ...(spec.verify && {
        verify: { signers: spec.verify.signers, object: spec.verify.object ?? 'commit' },
      }),
    },
    interval: parseDuration(spec.interval ?? '1m'),
  }
}
