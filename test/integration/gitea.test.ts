import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { openForge } from '../../hub/forge/http.ts'
import {
  type GiteaAccount,
  giteaBlobLimit,
  noGitea,
  startGitea,
  type TestGitea,
} from '../support/gitea.ts'
import { createGiteaProject, type GiteaProject } from '../support/gitea-project.ts'
import { until } from '../support/until.ts'

/* What we ask of Gitea's API, asked of a real one: statuses, the one comment, reverts, and what our
   user is told when it refuses. Each test of a revert has a directory of its own. */

const { signal } = new AbortController()
const status = { context: 'groundswell/check', state: 'success', description: 'fine' } as const
const marker = '<!-- groundswell/check -->'

interface Pull {
  readonly number: number
  readonly html_url: string
  readonly state: string
  readonly title: string
  readonly body: string
  readonly head: { readonly label: string; readonly repo_id: number }
  readonly base: { readonly ref: string; readonly repo_id: number }
}

describe('a real Gitea', { skip: noGitea }, () => {
  const stack = new AsyncDisposableStack()
  let gitea: TestGitea
  let team: GiteaAccount
  let bot: GiteaAccount
  let fleet: GiteaProject
  let head: string

  before(async () => {
    gitea = stack.use(await startGitea())
    team = await gitea.createAccount('team', ['write:repository', 'write:issue', 'write:user'])
    bot = await gitea.createAccount('bot', ['write:repository', 'write:issue'])
    fleet = await createProject('fleet', 'write')
    head = await fleet.git('rev-parse', 'HEAD')
  })
  after(() => stack.disposeAsync())

  async function createProject(name: string, permission: 'none' | 'read' | 'write') {
    const isPrivate = permission === 'none'
    const files = { 'a.yaml': 'a: 1\n' }
    const made = stack.use(await createGiteaProject(gitea, team, name, files, { isPrivate }))
    if (!isPrivate) {
      await gitea.call('PUT', `/repos/${made.name}/collaborators/bot`, { permission })
    }
    return made
  }
  function open(project = fleet.name, as: { readonly token: string } = bot) {
    const forge = openForge(
      { kind: 'gitea', api: gitea.api, project },
      { token: async () => as.token, wait: async () => {}, now: Date.now },
    )
    stack.defer(() => forge.close())
    return forge
  }
  const refuses = (work: Promise<unknown>, words: RegExp) =>
    assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof HubError, String(error))
      assert.equal(error.code, 'forge_refused', error.message)
      assert.match(error.message, words)
      assert.ok(!error.message.includes(bot.token))
      return true
    })
  const get = <T>(path: string) => gitea.call<T>('GET', `/repos/${fleet.name}${path}`)
  const merge = (number: number, more: object = {}) =>
    until(
      async () => {
        // Until it has looked whether the two fit, it answers 405.
        const path = `/repos/${fleet.name}/pulls/${number}/merge`
        const { status, body } = await gitea.ask('POST', path, { Do: 'merge', ...more }, team)
        return status === 200 || Promise.reject(new Error(`${status} ${JSON.stringify(body)}`))
      },
      { deadlineMs: 20_000, intervalMs: 100, what: 'it to be merged' },
    )

  describe('statuses', () => {
    it('are shown, the last of a context in place of those before, as long as we have them', async () => {
      const forge = open()
      const shown = async () => {
        type Status = Record<'context' | 'status' | 'description' | 'target_url', string>
        const shown: string[][] = []
        for (let page = 1; ; page += 1) {
          const path = `/commits/${head}/status?page=${page}`
          const { statuses } = await get<{ statuses: Status[] | null }>(path)
          if (!statuses?.length) return shown
          for (const one of statuses) {
            shown.push([one.context, one.status, one.description, one.target_url])
          }
        }
      }
      for (const state of ['pending', 'failure', 'error', 'success'] as const) {
        const description = `${state}: ${'ü'.repeat(300)}`
        await forge.setStatus(head, { ...status, state, description }, signal)
        const cut = `${description.slice(0, 254)}…`
        assert.deepEqual(await shown(), [[status.context, state, cut, '']])
      }
      const url = 'https://hub.example/rollouts/1'
      await forge.setStatus(head, { ...status, context: 'groundswell/rollout', url }, signal)
      const both = await shown()
      assert.equal(both.length, 2)
      assert.deepEqual(
        both.find(([context]) => context === 'groundswell/rollout'),
        ['groundswell/rollout', 'success', 'fine', url],
      )
    })

    it('of a commit that it does not have are refused in words, though it answers 500', async () => {
      await refuses(
        open().setStatus('a1b2c3d4e5'.repeat(4), status, signal),
        /no status for a1b2.*, which cannot be read: 404.*; no such repository, commit/,
      )
    })
  })

  describe('the comment on a pull request', () => {
    async function createChange(branch: string) {
      const commit = await fleet.commit({ [`${branch}.yaml`]: 'a: 2\n' }, branch)
      await fleet.push()
      const number = await fleet.propose(branch, team)
      const place = `/issues/${number}/comments`
      return {
        ...{ commit, number, forge: open() },
        add: (body: string) =>
          gitea.call<{ id: number }>('POST', `/repos/${fleet.name}${place}`, { body }, team),
        comments: async () =>
          (await get<{ body: string; user: { login: string } }[]>(place)).map(
            ({ body, user }) => `${user.login}: ${body}`,
          ),
      }
    }

    it('is written once and then anew, however many others there are', async () => {
      const { number, add, comments, forge } = await createChange('comments')
      for (const word of ['a', 'b', 'c', 'd']) await add(word)
      await forge.putComment(number, marker, 'first', signal)
      await add('e')
      await forge.putComment(number, marker, 'second', signal)
      const found = await comments()
      assert.equal(found.length, 6)
      assert.deepEqual(
        found.filter((one) => one.startsWith('bot')),
        [`bot: ${marker}\nsecond`],
      )
    })

    it('is not the one that somebody else wrote with its mark, though Gitea lets us change it', async () => {
      const { commit, number, add, comments, forge } = await createChange('foreign')
      const body = `${marker}\n### ✅ all is well`
      const { id } = await add(body)
      const place = `/repos/${fleet.name}/issues/comments/${id}`
      assert.equal((await gitea.ask('PATCH', place, { body }, bot)).status, 200)
      await forge.setStatus(commit, status, signal)
      for (const text of ['first', 'second']) {
        await forge.putComment(number, marker, text, signal)
      }
      assert.deepEqual(await comments(), [`team: ${body}`, `bot: ${marker}\nsecond`])
    })
  })

  describe('what is open', () => {
    it('is told page by page, a draft as one, and nothing that is closed', async () => {
      const project = await createProject('open', 'write')
      const branches = ['one', 'two', 'three', 'four', 'five']
      for (const branch of branches) await project.commit({ [branch]: 'a: 2\n' }, branch)
      await project.push()
      const numbers: number[] = []
      for (const branch of branches) numbers.push(await project.propose(branch, team))
      const edit = (number: number, change: object) =>
        gitea.call('PATCH', `/repos/${project.name}/pulls/${number}`, change, team)
      await edit(numbers[0]!, { state: 'closed' })
      await edit(numbers[1]!, { title: 'WIP: two' })
      const { changes } = await open(project.name).listOpenChanges(signal)
      const told = changes.toSorted((a, b) => a.number - b.number)
      assert.deepEqual(
        told.map(({ number, branch, draft }) => [number, branch, draft]),
        branches.slice(1).map((branch, at) => [numbers[at + 1], branch, at === 0]),
      )
      const [{ author, base, fork, updatedAt, url }] = told as [(typeof told)[number]]
      assert.deepEqual([author, base, fork], ['team', 'main', false])
      assert.ok(Math.abs(Date.now() - updatedAt) < 600_000)
      assert.equal(url, `${gitea.url}/${project.name}/pulls/${numbers[1]}`)
    })
  })

  describe('a revert', () => {
    const request = (commit: string) => ({
      ...{ commit, branch: `groundswell/revert-${commit.slice(0, 12)}`, base: 'main' },
      ...{ title: `Revert ${commit}`, body: 'it was rolled back' },
    })
    const pullsOf = async (branch: string) => {
      const pulls: Pull[] = []
      for (let page = 1; ; page += 1) {
        const more = await get<Pull[]>(`/pulls?state=all&page=${page}`)
        if (more.length === 0) return pulls.filter(({ head }) => head.label === branch)
        pulls.push(...more)
      }
    }

    it('undoes the commit alone, is opened once, and is found when it was merged and its branch is gone', async () => {
      await fleet.pull()
      await fleet.commit({
        ...{ 'one/web.yaml': 'text: one\n', 'one/an old one.yaml': 'kept: ü\n' },
        ...{ 'one/b.yaml': 'b: 1\n', 'one/run.sh': 'true\n' },
      })
      await fleet.makeExecutable('one/run.sh')
      const bad = await fleet.commit({
        ...{ 'one/web.yaml': 'text: bad\n', 'one/an old one.yaml': null },
        ...{ 'one/neu & ü.yaml': 'x: 1\n', 'one/run.sh': 'false\n' },
      })
      await fleet.commit({ 'one/b.yaml': 'b: 2\n' })
      await fleet.commit({ 'other.yaml': 'later: true\n' }, 'other')
      await fleet.push()
      const forge = open()
      const asked = request(bad)
      const url = await forge.proposeRevert(asked, signal)
      const [pull, ...more] = await pullsOf(asked.branch)
      assert.deepEqual(more, [])
      const { title, body, state, base } = pull!
      assert.deepEqual([pull!.html_url, title, body], [url, asked.title, asked.body])
      assert.deepEqual([state, base.ref], ['open', 'main'])
      const expected = {
        ...{ '100644 one/web.yaml': 'text: one', '100644 one/an old one.yaml': 'kept: ü' },
        ...{ '100644 one/b.yaml': 'b: 2', '100755 one/run.sh': 'true' },
      }
      assert.deepEqual(await fleet.read(asked.branch, 'one'), expected)
      assert.equal(await forge.proposeRevert(asked, signal), url)

      await merge(pull!.number, { delete_branch_after_merge: true })
      assert.deepEqual(await fleet.read('main', 'one'), expected)
      // One a page, so that ours is on another.
      await fleet.propose('other', team)
      assert.equal(await forge.proposeRevert(asked, signal), url)
      assert.equal((await pullsOf(asked.branch)).length, 1)
    })

    it('undoes a merge of a pull request, too', async () => {
      await fleet.pull()
      await fleet.commit({ 'two/web.yaml': 'text: one\n' })
      await fleet.commit({ 'two/web.yaml': 'text: bad\n', 'two/new.yaml': 'n: 1\n' }, 'change')
      await fleet.commit({ 'two/b.yaml': 'b: 2\n' })
      await fleet.push()
      await merge(await fleet.propose('change', team))
      await fleet.pull()
      const asked = request(await fleet.git('rev-parse', 'main'))
      await open().proposeRevert(asked, signal)
      assert.deepEqual(await fleet.read(asked.branch, 'two'), {
        ...{ '100644 two/web.yaml': 'text: one', '100644 two/b.yaml': 'b: 2' },
      })
    })

    it('goes on where a try before it made the branch alone, though a fork has one of that name', async () => {
      await fleet.pull()
      await fleet.commit({ 'three/b.yaml': 'b: 1\n' })
      const asked = request(await fleet.commit({ 'three/b.yaml': 'bad: 1\n' }))
      await fleet.push()
      const other = await gitea.createAccount('other', ['write:repository', 'write:user'])
      await gitea.call('POST', `/repos/${fleet.name}/forks`, {}, other)
      await gitea.call(
        'POST',
        '/repos/other/fleet/contents/evil.yaml',
        {
          ...{ branch: 'main', new_branch: asked.branch, message: 'Evil' },
          content: Buffer.from('evil: true\n').toString('base64'),
        },
        other,
      )
      await fleet.propose(`other:${asked.branch}`, other)
      const forge = open()
      await forge.proposeRevert(asked, signal)
      const ours = async () =>
        (await pullsOf(asked.branch)).filter(({ head, base }) => head.repo_id === base.repo_id)
      const [pull] = await ours()
      await gitea.call('DELETE', `/repos/${fleet.name}/issues/${pull!.number}`)
      assert.deepEqual(await ours(), [])
      const url = await forge.proposeRevert(asked, signal)
      assert.deepEqual(
        (await ours()).map(({ html_url, title }) => [html_url, title]),
        [[url, asked.title]],
      )
    })

    it('is left to people where the API cannot make it, with the reason', async () => {
      await fleet.pull()
      const big = `text: ${'x'.repeat(giteaBlobLimit)}\n`
      await fleet.commit({ 'four/run.sh': 'true\n', 'four/big.yaml': big, 'four/b.yaml': 'b: 1\n' })
      const mode = await fleet.makeExecutable('four/run.sh')
      const cut = await fleet.commit({ 'four/big.yaml': 'text: small\n' })
      const bad = await fleet.commit({ 'four/b.yaml': 'bad: 1\n' })
      const later = await fleet.commit({ 'four/b.yaml': 'bad: 2\n' })
      await fleet.commit({ 'four/b.yaml': 'bad: 1\n', 'four/c.yaml': 'c: 1\n' })
      const undone = await fleet.commit({ 'four/c.yaml': 'c: 2\n' })
      await fleet.commit({ 'four/c.yaml': 'c: 3\n' })
      await fleet.push()
      const cases: [string, RegExp][] = [
        [mode, /run\.sh changed in its mode alone; undo it by hand/],
        [cut, /big\.yaml is too large for the host's API; undo it by hand/],
        [undone, /c\.yaml was changed since; undo it by hand/],
        [later, /nothing of commit .* is left in main/],
      ]
      for (const [commit, words] of cases) {
        await refuses(open().proposeRevert(request(commit), signal), words)
        assert.deepEqual(await pullsOf(request(commit).branch), [])
      }
      // Changed since, and then changed back: what it did is what is there.
      assert.match(await open().proposeRevert(request(bad), signal), /\/pulls\/\d+$/)
    })

    it('goes past a protected main, and not into a branch that is protected from it', async () => {
      await fleet.pull()
      await fleet.commit({ 'five/b.yaml': 'b: 1\n' })
      const asked = request(await fleet.commit({ 'five/b.yaml': 'bad: 1\n' }))
      const next = request(await fleet.commit({ 'five/c.yaml': 'c: 1\n' }))
      await fleet.push()
      const rules = `/repos/${fleet.name}/branch_protections`
      await gitea.call('POST', rules, { rule_name: 'main' })
      await open().proposeRevert(asked, signal)
      assert.equal((await pullsOf(asked.branch)).length, 1)
      await gitea.call('POST', rules, { rule_name: 'groundswell/**' })
      await refuses(open().proposeRevert(next, signal), /403 \(.*\); the token may not do this/)
      for (const name of ['main', 'groundswell%2F**']) {
        await gitea.call('DELETE', `${rules}/${name}`)
      }
    })
  })

  describe('what our user is told', () => {
    const unseen = /404.*; no such repository, commit or change, or the token may not see it/
    const asked = { branch: 'groundswell/x', base: undefined, title: 't', body: '' }

    it('of a token that is wrong', async () => {
      await refuses(
        open(fleet.name, { token: 'f'.repeat(40) }).setStatus(head, status, signal),
        /401 \(.+\); the token is not valid, or has run out/,
      )
    })

    it('of a token whose scopes do not reach', async () => {
      const reader = await gitea.createToken('bot', ['read:repository'])
      await refuses(
        open(fleet.name, reader).setStatus(head, status, signal),
        /403 \(.*write:repository.*\); the token may not do this/,
      )
      const writer = open(fleet.name, await gitea.createToken('bot', ['write:repository']))
      await writer.setStatus(head, status, signal)
      await refuses(
        writer.putComment(1, marker, 'b', signal),
        /403 \(.*issue.*\); the token may not do this/,
      )
    })

    it('of an account that may read, and not write; then the repository is renamed, archived and gone', async () => {
      const project = await createProject('moving', 'read')
      const commit = await project.git('rev-parse', 'HEAD')
      await project.commit({ 'b.yaml': 'b: 1\n' }, 'change')
      await project.push()
      const number = await project.propose('change', team)
      const forge = open(project.name)
      const forbidden = /403.*; the token may not do this/
      await refuses(forge.setStatus(commit, status, signal), forbidden)
      await refuses(forge.proposeRevert({ ...asked, commit }, signal), /nothing before it/)
      const change = await project.git('rev-parse', 'change')
      await refuses(
        forge.proposeRevert({ ...asked, commit: change, base: 'change' }, signal),
        forbidden,
      )

      await gitea.call('PATCH', `/repos/${project.name}`, { name: 'moved' })
      await refuses(
        forge.setStatus(commit, status, signal),
        /30\d.*; the repository, or the API, is at another address now; give that one/,
      )
      const moved = open('team/moved', team)
      await gitea.call('PATCH', '/repos/team/moved', { archived: true })
      const archived = /423.*; the repository is archived/
      await refuses(moved.putComment(number, marker, 'b', signal), archived)
      await refuses(
        moved.proposeRevert({ ...asked, commit: change, base: 'change' }, signal),
        archived,
      )
      await gitea.call('DELETE', '/repos/team/moved')
      await refuses(moved.setStatus(commit, status, signal), unseen)
    })

    it('of a repository that it may not see', async () => {
      const hidden = await createProject('hidden', 'none')
      const commit = await hidden.git('rev-parse', 'HEAD')
      await refuses(open(hidden.name).setStatus(commit, status, signal), unseen)
    })
  })
})
