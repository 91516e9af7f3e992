import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { forgeKinds } from '../../hub/forge/forge.ts'
import { openForge } from '../../hub/forge/http.ts'
import { createFleetCheckout, type FleetCheckout } from '../support/fleet-checkout.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import {
  type ForgeServer,
  forgeProject,
  forgeToken,
  startForgeServer,
} from '../support/forge-server.ts'
import { createTempDir } from '../support/temp-dir.ts'

const commit = 'a1b2c3d4e5'.repeat(4)
const { signal } = new AbortController()
const status = { context: 'groundswell/check', state: 'success', description: 'fine' } as const

function open(kind: (typeof forgeKinds)[number], { api }: ForgeServer, token = forgeToken) {
  const waited: number[] = []
  const forge = openForge(
    { kind, api, project: forgeProject },
    {
      token: async () => token,
      wait: async (milliseconds) => void waited.push(milliseconds),
      now: () => 0,
    },
  )
  return { forge, waited, [Symbol.asyncDispose]: () => forge.close() }
}

for (const kind of forgeKinds) {
  describe(kind, () => {
    it('shows a status, cut to what fits, in place of the one before', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      await opened.forge.setStatus(commit, { ...status, state: 'pending' }, signal)
      await opened.forge.setStatus(commit, { ...status, description: 'x'.repeat(500) }, signal)
      await opened.forge.setStatus(commit, { ...status, state: 'failure' }, signal)
      assert.equal(server.statuses.length, 3)
      assert.deepEqual(
        new Set(server.statuses.map(({ context }) => context)),
        new Set([status.context]),
      )
      assert.match(server.statuses[1]!.description, /^x+…$/)
    })

    it('writes one comment, and the same one again, wherever it stands', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      const others = Array.from({ length: 150 }, (_, id) => ({ id, body: `word ${id}` }))
      server.comments.set(7, others)
      await opened.forge.putComment(7, '<!-- ours -->', 'first', signal)
      await opened.forge.putComment(7, '<!-- ours -->', 'second', signal)
      const comments = server.comments.get(7)!
      assert.equal(comments.length, 151)
      assert.equal(comments.at(-1)!.body, '<!-- ours -->\nsecond')
    })

    it('leaves a comment with its mark that somebody else wrote', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      server.comments.set(7, [{ id: 1, body: '<!-- ours --> gotcha', isForeign: true }])
      // By its answer, the pipeline knows whose token it has.
      await opened.forge.setStatus(commit, status, signal)
      await opened.forge.putComment(7, '<!-- ours -->', 'first', signal)
      assert.deepEqual(
        server.comments.get(7)!.map(({ body }) => body),
        ['<!-- ours --> gotcha', '<!-- ours -->\nfirst'],
      )
    })

    it('writes one comment when the answer to it is lost', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      server.loseAnswer('POST', /\/(comments|notes)$/)
      await opened.forge.putComment(7, '<!-- ours -->', 'first', signal)
      assert.deepEqual(
        server.comments.get(7)!.map(({ body }) => body),
        ['<!-- ours -->\nfirst'],
      )
    })

    it('asks again later when told so, as long as told, but not for ever', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      server.hiccups.push({ status: 429, headers: { 'retry-after': '3' } }, { status: 502 })
      await opened.forge.setStatus(commit, status, signal)
      assert.deepEqual(opened.waited, [3_000, 1_000])
      assert.equal(server.statuses.length, 1)
      server.hiccups.push(...Array.from({ length: 9 }, () => ({ status: 503 })))
      await assert.rejects(opened.forge.setStatus(commit, status, signal), (error: unknown) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'forge_unreachable')
        return true
      })
      assert.equal(server.hiccups.length, 5)
    })

    it('tells what is open, those that changed last first, however many pages it takes', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
      for (let number = 1; number <= 120; number += 1) {
        const pull = { number, title: `Change ${number}`, author: 'ada', branch: `b-${number}` }
        server.open.push({ ...pull, base: 'main', updatedAt: at((number * 7) % 121) })
      }
      const { changes, more } = await opened.forge.listOpenChanges(signal)
      assert.equal(more, false)
      assert.deepEqual(
        changes.map(({ updatedAt }) => updatedAt),
        Array.from({ length: 120 }, (_, one) => Date.parse(at(120 - one))),
      )
      assert.equal(new Set(changes.map(({ number }) => number)).size, 120)
      const last = { number: 17, title: 'Change 17', author: 'ada', branch: 'b-17', base: 'main' }
      assert.deepEqual(changes[1], {
        ...{ ...last, draft: false, fork: false, updatedAt: Date.parse(at(119)) },
        url: 'https://forge.example/team/fleet/pull/17',
      })
    })

    it('tells of a fork, a draft and an account that is gone, and words no longer than they are shown', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      server.open.push({
        ...{ number: 3, title: `${'x'.repeat(298)}😀😀`, branch: 'main', base: 'release' },
        ...{ updatedAt: '2026-01-01T02:00:00+02:00', isDraft: true, isFork: true },
      })
      const { changes } = await opened.forge.listOpenChanges(signal)
      const [{ title, ...rest }] = changes as [(typeof changes)[number]]
      assert.deepEqual(rest, {
        ...{ number: 3, author: '', branch: 'main', base: 'release', draft: true, fork: true },
        ...{ updatedAt: Date.UTC(2026, 0, 1), url: 'https://forge.example/team/fleet/pull/3' },
      })
      assert.equal(title.length, 300)
      assert.ok(title.isWellFormed())
    })

    it('tells no more open changes than anybody reads, and that there are more', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      for (let number = 1; number <= 230; number += 1) {
        const updatedAt = new Date(number * 1_000).toISOString()
        server.open.push({ number, title: 'x', branch: 'b', base: 'main', updatedAt })
      }
      const { changes, more } = await opened.forge.listOpenChanges(signal)
      assert.deepEqual([changes.length, more], [200, true])
      assert.deepEqual([changes[0]!.number, changes.at(-1)!.number], [230, 31])
    })

    it('leads nobody to an address that is no page', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server)
      server.open.push({
        ...{ number: 1, title: 'x', branch: 'b', base: 'main', url: 'javascript:alert(1)' },
        updatedAt: '2026-01-01T00:00:00Z',
      })
      await assert.rejects(
        opened.forge.listOpenChanges(signal),
        /answered with what is no pull or merge request/,
      )
    })

    it('says what to do when it is refused, without its token', async () => {
      await using server = await startForgeServer(kind)
      await using opened = open(kind, server, 'wrong-token')
      await assert.rejects(opened.forge.setStatus(commit, status, signal), (error: unknown) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'forge_refused')
        assert.match(error.message, /401 \(Bad credentials\); the token is not valid/)
        assert.doesNotMatch(JSON.stringify(error), /wrong-token/)
        return true
      })
      assert.deepEqual(server.requests, [])
    })
  })
}

describe('swell check --post', () => {
  let checkout: FleetCheckout
  let head: string
  before(async () => {
    const root = (await createTempDir('forge')).path
    const files = { ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('shop', 'hello') }
    checkout = await createFleetCheckout(root, files)
    await checkout.write({ 'apps/shop/settings.yaml': configMap('settings', 'jello') })
    head = await checkout.commit()
    await checkout.write({
      '../event.json': JSON.stringify({ pull_request: { number: 12, head: { sha: head } } }),
    })
  })

  const environments = {
    github: (api: string) => ({
      ...{ GITHUB_ACTIONS: 'true', GITHUB_API_URL: api, GITHUB_REPOSITORY: forgeProject },
      ...{ GITHUB_SHA: commit, GITHUB_EVENT_PATH: `${checkout.directory}/../event.json` },
    }),
    gitea: (api: string) => ({ ...environments.github(api), GITEA_ACTIONS: 'true' }),
    gitlab: (api: string) => ({
      ...{ GITLAB_CI: 'true', CI_API_V4_URL: api, CI_PROJECT_ID: forgeProject },
      ...{ CI_COMMIT_SHA: commit, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: head },
      ...{ CI_MERGE_REQUEST_IID: '12', CI_JOB_URL: 'https://ci.example/1' },
    }),
  }

  for (const kind of forgeKinds) {
    it(`puts one status and one comment on a change of ${kind}`, async () => {
      await using server = await startForgeServer(kind)
      const env = { ...environments[kind](server.api), SWELL_FORGE_TOKEN: forgeToken }
      const words = ['check', '--post', '--base', 'HEAD~1']
      for (let time = 0; time < 2; time += 1) {
        const { code, said } = await checkout.swell(words, env)
        assert.equal(code, 0, said)
      }
      const { state, description, ...shown } = server.statuses[0]!
      assert.deepEqual(shown, { commit: head, context: 'groundswell/check' })
      assert.deepEqual([state, description], ['success', 'passed: 1 application on 3 clusters'])
      const [comment, ...more] = server.comments.get(12)!
      assert.deepEqual(more, [])
      assert.match(comment!.body, /^<!-- groundswell\/check -->\n### ✅ Groundswell check passed/)
      assert.match(comment!.body, /-  text: hello\n\+  text: jello/)
    })
  }

  it('answers without a diff for a change that mends what nobody could read', async () => {
    await using server = await startForgeServer('github')
    await checkout.write({
      'fleet/bad.yaml': 'apiVersion: groundswell.dev/v1alpha1\nkind: Nothing\n',
    })
    await checkout.commit()
    await checkout.write({ 'fleet/bad.yaml': null })
    const env = { ...environments.github(server.api), SWELL_FORGE_TOKEN: forgeToken }
    const { code, said } = await checkout.swell(['check', '--post', '--base', 'HEAD'], env)
    assert.equal(code, 0, said)
    assert.match(said, /^no diff: fleet\/bad\.yaml:2:/m)
    assert.match(server.comments.get(12)![0]!.body, /check passed/)
  })

  it('is no answer when it cannot be posted', async () => {
    await using server = await startForgeServer('github')
    const { code, said } = await checkout.swell(['check', '--post'], {
      ...environments.github(server.api),
      SWELL_FORGE_TOKEN: 'wrong-token',
    })
    assert.equal(code, 2)
    assert.match(said, /the answer cannot be posted: no status for .*401/)
    const outside = await checkout.swell(['check', '--post'])
    assert.equal(outside.code, 2)
    assert.match(outside.said, /this is no pipeline of GitHub, GitLab or Gitea/)
  })
})
