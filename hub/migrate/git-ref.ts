/** What a Repository follows. */
export type GitRef =
  | { readonly branch: string }
  | { readonly tag: string }
  | { readonly commit: string }
  | { readonly semver: string }

/**
 * A revision as other tools write it in one text → what it most likely is. They ask the server; a
 * version is taken for a tag, any other name for a branch.
 */
export function toGitRef(revision: string | undefined): GitRef {
  if (revision === undefined || revision === '' || revision === 'HEAD') return { branch: 'main' }
  if (/^[0-9a-f]{40}$/.test(revision)) return { commit: revision }
  const tag = /^refs\/tags\/(.+)$/.exec(revision)?.[1]
  if (tag !== undefined) return { tag }
  const branch = /^refs\/heads\/(.+)$/.exec(revision)?.[1]
  if (branch !== undefined) return { branch }
  if (/^[\^~<>=*]|^v?\d+(\.\d+)?\.[x*]$|\s-\s|\|\|/.test(revision)) return { semver: revision }
  return /^v?\d+\.\d+(\.\d+)?([-+].*)?$/.test(revision) ? { tag: revision } : { branch: revision }
}
