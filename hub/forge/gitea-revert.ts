import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import { describeRefusal, expectOk } from './answer.ts'
import type { AskForge } from './forge.ts'
import { textOf } from './github-revert.ts'
import type { RevertRequest } from './revert.ts'

/** Files of a commit that are undone; a larger one is for people. */
const mostFiles = 100
/** Pull requests that are looked through, those that changed last first. */
const mostPulls = 500
const pageSize = 50

/**
 * A revert file by file, for Gitea's API knows no other: each file of the commit is given the content
 * it had before. One that a later commit changed again is nothing to be undone without looking.
 *
 * @param repository path of its API: `/repos/team/fleet`
 * @throws HubError `forge_refused`
 */
export async function proposeGiteaRevert(
  ask: AskForge,
  repository: string,
  { commit, branch, base, title, body }: RevertRequest,
  signal: AbortSignal,
): Promise<string> {
  const get = (path: string) => ask({ method: 'GET', path: `${repository}${path}` }, signal)
  const post = (path: string, sent: object) =>
    ask({ method: 'POST', path: `${repository}${path}`, body: sent }, signal)

  async function find(): Promise<string | undefined> {
    for (let page = 1, seen = 0; seen < mostPulls; page += 1) {
      const answer = await get(`/pulls?state=all&sort=recentupdate&limit=${pageSize}&page=${page}`)
      expectOk(answer, 'its pull requests cannot be read')
      const pulls = Array.isArray(answer.body) ? answer.body : []
      const found = pulls.find((pull) => isFrom(branch, pull))
      if (found) return textOf(found, 'html_url')
      // An instance may give fewer than it was asked for.
      if (pulls.length === 0) return undefined
      seen += pulls.length
    }
    return undefined
  }

  /** Digest and content of a file at a commit or branch; null where there is none. */
  async function read(path: string, ref: string) {
    const place = path.split('/').map(encodeURIComponent).join('/')
    const answer = await get(`/contents/${place}?ref=${encodeURIComponent(ref)}`)
    if (answer.status === 404) return null
    expectOk(answer, `${path} cannot be read`)
    const file = answer.body
    if (!isRecord(file) || file['type'] !== 'file') {
      throw new HubError(
        'forge_refused',
        `${path} is no file that can be written by the host's API`,
      )
    }
    const { content } = file
    return { sha: textOf(file, 'sha'), content: typeof content === 'string' ? content : undefined }
  }

  async function undo(path: string, before: string, target: string) {
    const [was, bad, now] = [
      await read(path, before),
      await read(path, commit),
      await read(path, target),
    ]
    const refuse = (why: string) => new HubError('forge_refused', `${path} ${why}; undo it by hand`)
    if (was?.sha === bad?.sha) throw refuse('changed in its mode alone')
    if (now?.sha === was?.sha) return []
    if (bad?.sha !== now?.sha) throw refuse('was changed since')
    if (!was) return [{ operation: 'delete', path, sha: now!.sha }]
    const { content } = was
    // Larger than the instance gives out: what is missing must not be taken for an empty file.
    if (content === undefined) throw refuse("is too large for the host's API")
    return now
      ? [{ operation: 'update', path, content, sha: now.sha }]
      : [{ operation: 'create', path, content }]
  }

  const known = await find()
  if (known !== undefined) return known
  let target = base
  if (target === undefined) {
    const project = await get('')
    expectOk(project, 'it cannot be read')
    target = textOf(project.body, 'default_branch')
  }
  const answer = await get(`/git/commits/${commit}`)
  expectOk(answer, `commit ${commit} cannot be read`)
  const [parent, paths] = readCommit(answer.body)
  if (!parent) throw new HubError('forge_refused', `commit ${commit} has nothing before it`)
  if (paths.length > mostFiles) {
    throw new HubError('forge_refused', `commit ${commit} has more than ${mostFiles} files`)
  }
  const files = []
  for (const path of paths) files.push(...(await undo(path, parent, target)))
  if (files.length === 0) {
    throw new HubError('forge_refused', `nothing of commit ${commit} is left in ${target}`)
  }
  const message = `${title}\n\nThis reverts commit ${commit}.`
  const made = await post('/contents', { branch: target, new_branch: branch, message, files })
  // Left by a try before this one.
  const isThere = made.status === 422 && /branch already exists/i.test(describeRefusal(made))
  if (!isThere) expectOk(made, `${commit} cannot be undone`)
  const opened = await post('/pulls', { title, head: branch, base: target, body })
  const raced = opened.status === 409 ? await find() : undefined
  if (raced !== undefined) return raced
  expectOk(opened, 'no pull request can be opened')
  return textOf(opened.body, 'html_url')
}

/**
 * Whether a pull request is from a branch of this repository: once the branch is gone, only the label
 * says its name, and a fork may have one of the same name.
 */
function isFrom(branch: string, pull: unknown): boolean {
  if (!isRecord(pull)) return false
  const { head, base } = pull
  if (!isRecord(head) || !isRecord(base)) return false
  return head['label'] === branch && head['repo_id'] === base['repo_id']
}

function readCommit(commit: unknown): [parent: string | undefined, paths: string[]] {
  if (!isRecord(commit)) return [undefined, []]
  const { parents, files } = commit
  const [first] = Array.isArray(parents) ? parents : []
  const names = (Array.isArray(files) ? files : []).flatMap((file) =>
    isRecord(file) && typeof file['filename'] === 'string' ? [file['filename']] : [],
  )
  return [isRecord(first) ? textOf(first, 'sha') : undefined, names]
}
