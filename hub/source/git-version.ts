import { HubError } from '../errors.ts'

/** From 2.37 on Git can be told which addresses to connect to; an older one takes no notice and asks DNS again. */
const oldest = [2, 37] as const

/**
 * @param printed what `git --version` says; empty where there is none
 * @throws HubError `config_invalid` for a Git that is too old: what was found, what is needed, and what to do
 */
export function requireGitVersion(printed: string): void {
  const [found, major, minor] = /(\d+)\.(\d+)(?:\.\d+)*/.exec(printed) ?? []
  const [needed, atLeast] = [oldest.join('.'), oldest[0] * 1_000 + oldest[1]]
  if (Number(major) * 1_000 + Number(minor) >= atLeast) return
  const words =
    found === undefined ? 'there is no `git` on PATH' : `the \`git\` on PATH is ${found}`
  throw new HubError(
    'config_invalid',
    `${words}; ${needed} or newer is needed. Install one (https://git-scm.com/downloads), have its directory first on PATH, and start the hub again`,
  )
}
