import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import { describeRefusal, expectOk } from './answer.ts'
import type { AskForge } from './forge.ts'
import type { RevertRequest } from './revert.ts'

/**
 * A revert as GitHub's API for Git data can make it: a commit whose parent is the bad one and whose
 * tree is that of before. Merged, it is what `git revert` is, by GitHub's own three-way merge.
 *
 * @param repository path of its API: `/repos/team/fleet`
 * @throws HubError `forge_refused`
 */
export async function proposeGitHubRevert(
  ask: AskForge,
  repository: string,
  { commit, branch, base, title, body }: RevertRequest,
  signal: AbortSignal,
): Promise<string> {
  const owner = decodeURIComponent(repository.split('/')[2] ?? '')
  const get = async (path: string, what: string) => {
    const answer = await ask({ method: 'GET', path: `${repository}${path}` }, signal)
    expectOk(answer, what)
    return answer.body
  }
  async function find(): Promise<string | undefined> {
    const head = encodeURIComponent(`${owner}:${branch}`)
    const pulls = await get(`/pulls?state=all&head=${head}`, 'its pull requests cannot be read')
    const [first] = Array.isArray(pulls) ? pulls : []
    return isRecord(first) ? textOf(first, 'html_url') : undefined
  }

  const known = await find()
  if (known !== undefined) return known
  const target = base ?? textOf(await get('', 'it cannot be read'), 'default_branch')
  const bad = await get(`/git/commits/${commit}`, `commit ${commit} cannot be read`)
  const parents = isRecord(bad) && Array.isArray(bad['parents']) ? bad['parents'] : []
  // Of a merge, what it was merged into.
  const [parent] = parents
  if (!parent) throw new HubError('forge_refused', `commit ${commit} has nothing before it`)
  const before = textOf(parent, 'sha')
  const good = await get(`/git/commits/${before}`, `commit ${before} cannot be read`)
  const tree = isRecord(good) ? textOf(good['tree'], 'sha') : ''
  const made = await ask(
    {
      method: 'POST',
      path: `${repository}/git/commits`,
      body: { message: `${title}\n\nThis reverts commit ${commit}.`, tree, parents: [commit] },
    },
    signal,
  )
  expectOk(made, 'no commit can be made')
  const ref = await ask(
    {
      method: 'POST',
      path: `${repository}/git/refs`,
      body: { ref: `refs/heads/${branch}`, sha: textOf(made.body, 'sha') },
    },
    signal,
  )
  // Left by a try before this one: it undoes the same commit.
  const isThere = ref.status === 422 && /already exists/i.test(describeRefusal(ref))
  if (!isThere) expectOk(ref, `the branch ${branch} cannot be made`)
  const opened = await ask(
    {
      method: 'POST',
      path: `${repository}/pulls`,
      body: { title, head: branch, base: target, body, maintainer_can_modify: true },
    },
    signal,
  )
  const raced = opened.status === 422 ? await find() : undefined
  if (raced !== undefined) return raced
  expectOk(opened, 'no pull request can be opened')
  return textOf(opened.body, 'html_url')
}

/** @throws HubError `forge_refused` when the host answers in another shape */
export function textOf(value: unknown, name: string): string {
  const found = isRecord(value) ? value[name] : undefined
  if (typeof found === 'string' && found !== '') return found
  throw new HubError('forge_refused', `the host answered without ${name}`)
}
