import type { AskForge } from './forge.ts'
import { proposeGiteaRevert } from './gitea-revert.ts'
import { createGitHubApi } from './github-api.ts'
import { changesPerPage } from './open-change.ts'
import type { RevertingForge } from './revert.ts'

/** Source: Gitea API v1, which Forgejo speaks too. */
export function createGitea(ask: AskForge, project: string): RevertingForge {
  const dialect = {
    ...{ descriptionLimit: 255, paged: false, failsForUnknown: true },
    // An instance may give fewer than it was asked for.
    openPulls: {
      query: `state=open&sort=recentupdate&limit=${changesPerPage}`,
      fullPage: 1,
    },
    proposeRevert: proposeGiteaRevert,
  }
  return createGitHubApi(ask, project, dialect)
}
