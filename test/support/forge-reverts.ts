import { createHash } from 'node:crypto'
import type { ForgeKind } from '../../hub/forge/forge.ts'

/** Files by path. */
export type Tree = Readonly<Record<string, string>>

interface Commit {
  readonly sha: string
  readonly tree: Tree
  readonly parents: readonly string[]
  readonly message: string
}

export interface Pull {
  readonly title: string
  readonly head: string
  readonly base: string
  readonly body: string
  readonly url: string
  /** From a branch of this name in another repository. */
  readonly isFork?: true
}

/** A repository on a Git host, as far as undoing a commit goes. */
export interface ForgeReverts {
  readonly pulls: Pull[]
  /** Adds a commit to a branch. */
  commit(branch: string, tree: Tree): string
  /** As hosts do, when asked to, once a pull request was merged or closed. */
  removeBranch(name: string): void
  /** As a commit of a real repository, by its name. */
  take(sha: string, tree: Tree, parent: string | undefined): void
  /** What `base` is once a branch is merged into it, by a three-way merge of whole files. */
  merged(branch: string, base: string): Tree
  answer(method: string, url: URL, body: Record<string, unknown>): Answer | undefined
}

type Answer = readonly [status: number, body: unknown]

const project = 'team/fleet'
/** Most that Gitea gives out at once, whatever it is asked for, as its administrator has it. */
const giteaPage = 3

/** The endpoints of each kind that a revert needs, as its API documents them. */
export function createForgeReverts(kind: ForgeKind): ForgeReverts {
  const commits = new Map<string, Commit>()
  const branches = new Map<string, string>()
  const trees = new Map<string, Tree>()
  const pulls: Pull[] = []
  const hash = (text: string) => createHash('sha1').update(text).digest('hex')
  const treeId = (tree: Tree) => {
    const id = hash(`tree ${JSON.stringify(tree)}`)
    trees.set(id, tree)
    return id
  }
  const blobId = (text: string) => hash(`blob ${text}`)

  function add(tree: Tree, parents: readonly string[], message: string): string {
    const sha = hash(JSON.stringify([tree, parents, message, commits.size]))
    commits.set(sha, { sha, tree, parents, message })
    return sha
  }
  const resolve = (ref: string) => commits.get(branches.get(ref) ?? ref)

  function revertOn(head: Commit, bad: Commit): Tree | undefined {
    const before = commits.get(bad.parents[0] ?? '')?.tree ?? {}
    const tree: Record<string, string> = { ...head.tree }
    for (const path of new Set([...Object.keys(before), ...Object.keys(bad.tree)])) {
      // The same on both sides, or undone already.
      if (before[path] === bad.tree[path] || head.tree[path] === before[path]) continue
      if (head.tree[path] !== bad.tree[path]) return undefined
      if (before[path] === undefined) delete tree[path]
      else tree[path] = before[path]
    }
    return tree
  }

  function open(head: string, base: string, title: string, body: string): Answer {
    if (!branches.has(head) || !branches.has(base)) return [422, { message: 'no such branch' }]
    if (pulls.some((pull) => pull.head === head && !pull.isFork)) {
      return [kind === 'github' ? 422 : 409, { message: 'A pull request already exists' }]
    }
    const url = `https://forge.example/${project}/pull/${pulls.length + 1}`
    pulls.push({ title, head, base, body, url })
    return [201, view(pulls.at(-1)!, pulls.length - 1)]
  }
  /** Gitea's `ref` is the branch as long as there is one; the label stays. */
  const view = ({ head, url, isFork }: Pull, at = 0) => ({
    ...{ html_url: url, web_url: url, target_project_id: 1, source_project_id: isFork ? 2 : 1 },
    head: {
      ...{ label: head, ref: branches.has(head) ? head : `refs/pull/${at + 1}/head` },
      repo_id: isFork ? 2 : 1,
    },
    base: { repo_id: 1 },
  })
  const text = (value: unknown) => (typeof value === 'string' ? value : '')

  function answerGitHub(method: string, path: string, url: URL, body: Record<string, unknown>) {
    const [, sha] = /^\/git\/commits\/([0-9a-f]{40})$/.exec(path) ?? []
    if (method === 'GET' && path === '/pulls') {
      const head = url.searchParams.get('head')?.split(':')[1]
      return [200, pulls.filter((pull) => pull.head === head).map(view)] as const
    }
    if (method === 'GET' && path === '') return [200, { default_branch: 'main' }] as const
    if (method === 'GET' && sha !== undefined) {
      const found = commits.get(sha)
      if (!found) return [404, { message: 'Not Found' }] as const
      const parents = found.parents.map((parent) => ({ sha: parent }))
      return [200, { sha, parents, tree: { sha: treeId(found.tree) } }] as const
    }
    if (method === 'POST' && path === '/git/commits') {
      const tree = trees.get(text(body['tree']))
      const parents = body['parents'] as string[]
      if (!tree || !parents.every((one) => commits.has(one)))
        return [422, { message: 'no' }] as const
      return [201, { sha: add(tree, parents, text(body['message'])) }] as const
    }
    if (method === 'POST' && path === '/git/refs') {
      const name = text(body['ref']).replace('refs/heads/', '')
      if (branches.has(name)) return [422, { message: 'Reference already exists' }] as const
      branches.set(name, text(body['sha']))
      return [201, {}] as const
    }
    if (method === 'POST' && path === '/pulls') {
      return open(text(body['head']), text(body['base']), text(body['title']), text(body['body']))
    }
    return undefined
  }

  function answerGitLab(method: string, path: string, url: URL, body: Record<string, unknown>) {
    const [, sha] = /^\/repository\/commits\/([0-9a-f]{40})\/revert$/.exec(path) ?? []
    if (method === 'GET' && path === '/merge_requests') {
      const head = url.searchParams.get('source_branch')
      return [200, pulls.filter((pull) => pull.head === head).map(view)] as const
    }
    if (method === 'GET' && path === '') return [200, { default_branch: 'main' }] as const
    if (method === 'POST' && path === '/repository/branches') {
      const name = text(body['branch'])
      if (branches.has(name)) return [400, { message: 'Branch already exists' }] as const
      branches.set(name, branches.get(text(body['ref']))!)
      return [201, {}] as const
    }
    if (method === 'POST' && sha !== undefined) {
      const name = text(body['branch'])
      const [head, bad] = [resolve(name), commits.get(sha)]
      if (!head || !bad) return [404, { message: '404 Commit Not Found' }] as const
      const tree = revertOn(head, bad)
      if (!tree) return [400, { message: 'could not revert', error_code: 'conflict' }] as const
      if (JSON.stringify(tree) === JSON.stringify(head.tree)) {
        return [400, { message: 'nothing is left', error_code: 'empty' }] as const
      }
      branches.set(name, add(tree, [head.sha], 'Revert'))
      return [201, {}] as const
    }
    if (method === 'POST' && path === '/merge_requests') {
      const [head, base] = [text(body['source_branch']), text(body['target_branch'])]
      return open(head, base, text(body['title']), text(body['description']))
    }
    return undefined
  }

  function answerGitea(method: string, path: string, url: URL, body: Record<string, unknown>) {
    const [, sha] = /^\/git\/commits\/([0-9a-f]{40})$/.exec(path) ?? []
    const [, file] = /^\/contents\/(.+)$/.exec(path) ?? []
    if (method === 'GET' && path === '/pulls') {
      const from = giteaPage * (Number(url.searchParams.get('page')) - 1)
      return [200, pulls.map(view).slice(from, from + giteaPage)] as const
    }
    if (method === 'GET' && path === '') return [200, { default_branch: 'main' }] as const
    if (method === 'GET' && sha !== undefined) {
      const found = commits.get(sha)
      if (!found) return [404, { message: 'Not Found' }] as const
      const before = commits.get(found.parents[0] ?? '')?.tree ?? {}
      const names = new Set([...Object.keys(before), ...Object.keys(found.tree)])
      const changed = [...names].filter((name) => before[name] !== found.tree[name])
      const parents = found.parents.map((parent) => ({ sha: parent }))
      return [200, { sha, parents, files: changed.map((filename) => ({ filename })) }] as const
    }
    if (method === 'GET' && file !== undefined) {
      const name = decodeURIComponent(file)
      const found = resolve(url.searchParams.get('ref') ?? '')?.tree[name]
      if (found === undefined) return [404, { message: 'Not Found' }] as const
      const content = Buffer.from(found).toString('base64')
      return [200, { type: 'file', sha: blobId(found), content }] as const
    }
    if (method === 'POST' && path === '/contents') {
      const name = text(body['new_branch'])
      if (branches.has(name)) {
        return [422, { message: `branch already exists [name: ${name}]` }] as const
      }
      const head = resolve(text(body['branch']))!
      const tree: Record<string, string> = { ...head.tree }
      for (const change of body['files'] as Record<string, string>[]) {
        const path = change['path']!
        if (change['operation'] !== 'create' && change['sha'] !== blobId(tree[path] ?? '')) {
          return [422, { message: 'sha does not match' }] as const
        }
        if (change['operation'] === 'delete') delete tree[path]
        else tree[path] = Buffer.from(change['content']!, 'base64').toString()
      }
      branches.set(name, add(tree, [head.sha], text(body['message'])))
      return [201, {}] as const
    }
    if (method === 'POST' && path === '/pulls') {
      return open(text(body['head']), text(body['base']), text(body['title']), text(body['body']))
    }
    return undefined
  }

  const bases = {
    github: [`/repos/${project}`, answerGitHub],
    gitlab: [`/api/v4/projects/${encodeURIComponent(project)}`, answerGitLab],
    gitea: [`/api/v1/repos/${project}`, answerGitea],
  } as const
  return {
    pulls,
    commit(branch, tree) {
      const parent = branches.get(branch)
      const sha = add(tree, parent === undefined ? [] : [parent], 'a commit')
      branches.set(branch, sha)
      return sha
    },
    removeBranch(name) {
      branches.delete(name)
    },
    take(sha, tree, parent) {
      commits.set(sha, { sha, tree, parents: parent === undefined ? [] : [parent], message: '' })
      branches.set('main', sha)
    },
    merged(branch, base) {
      const [theirs, ours] = [resolve(branch)!, resolve(base)!]
      const common = commits.get(theirs.parents[0] ?? '')?.tree ?? {}
      const tree: Record<string, string> = { ...ours.tree }
      for (const path of new Set([...Object.keys(common), ...Object.keys(theirs.tree)])) {
        if (common[path] === theirs.tree[path]) continue
        if (theirs.tree[path] === undefined) delete tree[path]
        else tree[path] = theirs.tree[path]
      }
      return tree
    },
    answer(method, url, body) {
      const [base, of] = bases[kind]
      if (!url.pathname.startsWith(base)) return undefined
      return of(method, url.pathname.slice(base.length), url, body)
    },
  }
}
