import type { AskForge, Forge } from './forge.ts'
import { createGitHubApi } from './github-api.ts'

/** Source: Gitea API v1, which Forgejo speaks too. */
export function createGitea(ask: AskForge, project: string): Forge {
  return createGitHubApi(ask, project, { descriptionLimit: 255, paged: false })
}
