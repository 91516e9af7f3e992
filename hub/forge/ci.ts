import { isRecord } from '@groundswell/proto/record.ts'
import type { ForgeProject } from './forge.ts'

/** What a pipeline says of the change it runs for. */
export interface CiChange extends ForgeProject {
  /** Of the change itself, not of a merge made to try it. */
  readonly commit: string
  /** Number of the pull or merge request; missing when it runs for a branch. */
  readonly change?: number
  /** Where the pipeline itself is shown. */
  readonly url?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where a pipeline runs, by the variables it has: GitHub Actions, Gitea and Forgejo Actions,
 * GitLab CI. Undefined elsewhere.
 *
 * @param event text of the file that `GITHUB_EVENT_PATH` names, if any
 */
export function readCiChange(env: Environment, event: string | undefined): CiChange | undefined {
  if (env['GITLAB_CI'] === 'true') return readGitLab(env)
  if (env['GITHUB_ACTIONS'] !== 'true' && env['GITEA_ACTIONS'] !== 'true') return undefined
  const { GITHUB_API_URL: api, GITHUB_REPOSITORY: project, GITHUB_SHA: sha } = env
  if (!api || !project || !sha) return undefined
  const { GITHUB_SERVER_URL: server, GITHUB_RUN_ID: run } = env
  const kind = env['GITEA_ACTIONS'] === 'true' ? 'gitea' : 'github'
  const { number, head } = readPullRequest(event)
  return {
    ...{ kind, api, project, commit: head ?? sha },
    ...(number !== undefined && { change: number }),
    ...(server && run && { url: `${server}/${project}/actions/runs/${run}` }),
  }
}

function readGitLab(env: Environment): CiChange | undefined {
  const { CI_API_V4_URL: api, CI_PROJECT_ID: project, CI_COMMIT_SHA: sha } = env
  if (!api || !project || !sha) return undefined
  // Of a pipeline for merged results, the commit is one that nobody sees.
  const commit = env['CI_MERGE_REQUEST_SOURCE_BRANCH_SHA'] || sha
  const change = Number(env['CI_MERGE_REQUEST_IID'])
  const url = env['CI_JOB_URL']
  return {
    ...{ kind: 'gitlab', api, project, commit },
    ...(change > 0 && { change }),
    ...(url && { url }),
  }
}

function readPullRequest(event: string | undefined): { number?: number; head?: string } {
  let value: unknown
  try {
    value = JSON.parse(event ?? '')
  } catch {
    return {}
  }
  const pull = isRecord(value) ? value['pull_request'] : undefined
  if (!isRecord(pull)) return {}
  const { number, head } = pull
  const sha = isRecord(head) ? head['sha'] : undefined
  return {
    ...(typeof number === 'number' && { number }),
    ...(typeof sha === 'string' && { head: sha }),
  }
}
