import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../errors.ts'
import type { SourceSpec, VersionRef } from './source.ts'

/** A ref as Git is asked for it, fully qualified, so that no name can mean two things. */
export interface QualifiedRef {
  /** On the server: `refs/heads/main`, or the commit itself. */
  readonly remote: string
  /** In the mirror. */
  readonly local: string
  /** What stands before `@sha1:` in a revision. */
  readonly label: string
  /** Words for people: `branch main`. */
  readonly words: string
}

/** Git's own rules for a ref name (git-check-ref-format), a little stricter. */
export function isRefName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    !/[\p{Cc} ~^:?*[\\]/u.test(name) &&
    !name.includes('..') &&
    !name.includes('@{') &&
    name !== '@' &&
    !name.endsWith('.') &&
    name
      .split('/')
      .every(
        (part) =>
          part !== '' && !part.startsWith('.') && !part.startsWith('-') && !part.endsWith('.lock'),
      )
  )
}

/**
 * A ref from configuration → qualified ref. A branch called like a commit stays a branch (B12).
 *
 * @throws HubError `source_refused` when the name is not a ref name
 */
export function qualifyRef(ref: Exclude<SourceSpec['ref'], VersionRef>): QualifiedRef {
  if ('commit' in ref) {
    if (!/^[0-9a-f]{40}$/.test(ref.commit)) {
      throw new HubError('source_refused', 'a commit is 40 lower-case hex digits')
    }
    const { commit } = ref
    return {
      remote: commit,
      local: `refs/mirror/commits/${commit}`,
      label: 'commit',
      words: `commit ${commit}`,
    }
  }
  const [space, word, name] =
    'branch' in ref ? ['heads', 'branch', ref.branch] : ['tags', 'tag', ref.tag]
  if (!isRefName(name)) {
    throw new HubError('source_refused', `not a ${word} name: ${JSON.stringify(name)}`)
  }
  return {
    remote: `refs/${space}/${name}`,
    // By digest: `a` and `a/b` cannot both be names in one directory, and some are too long for one.
    local: `refs/mirror/${space}/${digestOf(name).slice('sha256:'.length)}`,
    label: name,
    words: `${word} ${name}`,
  }
}

/**
 * A tag that is the newest version of a range. Its place in the mirror tells the tag, so that it
 * is known after a restart.
 */
export function qualifyVersion(range: string, tag: string): QualifiedRef {
  const { remote } = qualifyRef({ tag })
  return {
    remote,
    local: `${versionSpace(range)}${tag}`,
    label: tag,
    words: `semver ${range}: tag ${tag}`,
  }
}

/** Where a mirror keeps the tag that was the newest of a range. */
export function versionSpace(range: string): string {
  return `refs/mirror/semver/${digestOf(range).slice('sha256:'.length)}/`
}
