import type { AskForge } from './forge.ts'
import { createGitHubApi } from './github-api.ts'
import { proposeGitHubRevert } from './github-revert.ts'
import { changesPerPage } from './open-change.ts'
import type { RevertingForge } from './revert.ts'

/** Source: GitHub REST API 2022-11-28, commit statuses, issue comments, Git data and pulls. */
export function createGitHub(ask: AskForge, project: string): RevertingForge {
  const dialect = {
    ...{ descriptionLimit: 140, paged: true, failsForUnknown: false },
    openPulls: {
      query: `state=open&sort=updated&direction=desc&per_page=${changesPerPage}`,
      fullPage: changesPerPage,
    },
    proposeRevert: proposeGitHubRevert,
  }
  return createGitHubApi(ask, project, dialect)
}
