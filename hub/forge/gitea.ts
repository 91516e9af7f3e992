import type { AskForge } from './forge.ts'
import { proposeGiteaRevert } from './gitea-revert.ts'
import { createGitHubApi } from './github-api.ts'
import type { RevertingForge } from './revert.ts'

/** Source: Gitea API v1, which Forgejo speaks too. */
export function createGitea(ask: AskForge, project: string): RevertingForge {
  const dialect = {
    ...{ descriptionLimit: 255, paged: false, failsForUnknown: true },
    proposeRevert: proposeGiteaRevert,
  }
  return createGitHubApi(ask, project, dialect)
}
