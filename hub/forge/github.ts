import type { AskForge, Forge } from './forge.ts'
import { createGitHubApi } from './github-api.ts'

/** Source: GitHub REST API 2022-11-28, commit statuses and issue comments. */
export function createGitHub(ask: AskForge, project: string): Forge {
  return createGitHubApi(ask, project, { descriptionLimit: 140, paged: true })
}
