import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import { describeRefusal, expectOk } from './answer.ts'
import type { AskForge, ForgeAnswer } from './forge.ts'
import { textOf } from './github-revert.ts'
import type { RevertRequest } from './revert.ts'

/**
 * A revert as GitLab makes it by itself, on a branch of its own, and a merge request for it.
 *
 * @param repository path of its API: `/projects/team%2Ffleet`
 * @throws HubError `forge_refused`
 */
export async function proposeGitLabRevert(
  ask: AskForge,
  repository: string,
  { commit, branch, base, title, body }: RevertRequest,
  signal: AbortSignal,
): Promise<string> {
  const requests = `${repository}/merge_requests`
  async function find(): Promise<string | undefined> {
    const path = `${requests}?state=all&source_branch=${encodeURIComponent(branch)}`
    const answer = await ask({ method: 'GET', path }, signal)
    expectOk(answer, 'its merge requests cannot be read')
    const found = (Array.isArray(answer.body) ? answer.body : []).find(
      // Of a fork, it is somebody else's.
      (one) => isRecord(one) && one['source_project_id'] === one['target_project_id'],
    )
    return found === undefined ? undefined : textOf(found, 'web_url')
  }
  const post = (path: string, sent: object) => ask({ method: 'POST', path, body: sent }, signal)

  const known = await find()
  if (known !== undefined) return known
  let target = base
  if (target === undefined) {
    const project = await ask({ method: 'GET', path: repository }, signal)
    expectOk(project, 'it cannot be read')
    target = textOf(project.body, 'default_branch')
  }
  const made = await post(`${repository}/repository/branches`, { branch, ref: target })
  if (!says(made, /already exists/i)) expectOk(made, `the branch ${branch} cannot be made`)
  const reverted = await post(`${repository}/repository/commits/${commit}/revert`, { branch })
  if (codeOf(reverted) === 'conflict') {
    throw new HubError(
      'forge_refused',
      `commit ${commit} cannot be undone by itself: later commits changed the same`,
    )
  }
  // Nothing is left to undo after a try before this one.
  if (codeOf(reverted) !== 'empty') expectOk(reverted, `${commit} cannot be undone`)
  const opened = await post(requests, {
    ...{ source_branch: branch, target_branch: target, title, description: body },
    remove_source_branch: true,
  })
  const raced = opened.status === 409 ? await find() : undefined
  if (raced !== undefined) return raced
  expectOk(opened, 'no merge request can be opened')
  return textOf(opened.body, 'web_url')
}

function says(answer: ForgeAnswer, words: RegExp): boolean {
  return answer.status === 400 && words.test(describeRefusal(answer))
}

function codeOf({ status, body }: ForgeAnswer): unknown {
  return status === 400 && isRecord(body) ? body['error_code'] : undefined
}
