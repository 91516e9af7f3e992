import { Check } from 'typebox/value'
import { ProposedView } from '../api/proposal-view.ts'
import type { Proposal } from '../check/proposal.ts'
import type { VisitedRef } from '../source/visit.ts'
import { formatContents, parseContents } from './contents-wire.ts'
import { formatBytes, parseBytes, parseList, parseNumber, parseObject, parseText } from './parse.ts'

/* A proposal, as it travels from the renderer. */

export function formatProposal({ files, contents, ...rest }: Proposal): unknown {
  return {
    ...rest,
    files: files.map(({ path, bytes }) => ({ path, bytes: formatBytes(bytes) })),
    contents: formatContents(contents),
  }
}

/** @throws TypeError */
export function parseProposal(value: unknown): Proposal {
  const { revision, author, subject, base, behind, files, told, contents } = parseObject(value)
  if (!Check(ProposedView, told)) throw new TypeError('told is not what is told of a proposal')
  return {
    revision: parseText(revision),
    author: parseText(author),
    subject: parseText(subject),
    base: parseText(base),
    behind: behind === true,
    files: parseList(files).map((file) => {
      const { path, bytes } = parseObject(file)
      return { path: parseText(path), bytes: parseBytes(bytes) }
    }),
    told,
    contents: parseContents(contents),
  }
}

/** @throws TypeError */
export function parseVisitedRef(value: unknown): VisitedRef {
  const { branch, commit, pullRequest } = parseObject(value)
  if (branch !== undefined) return { branch: parseText(branch) }
  if (commit !== undefined) return { commit: parseText(commit) }
  return { pullRequest: parseNumber(pullRequest) }
}
