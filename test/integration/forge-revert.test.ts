import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forgeKinds } from '../../hub/forge/forge.ts'
import { openForge } from '../../hub/forge/http.ts'
import { forgeProject, forgeToken, startForgeServer } from '../support/forge-server.ts'

const signal = AbortSignal.timeout(30_000)
const request = (commit: string) => ({
  ...{ commit, branch: `groundswell/revert-${commit.slice(0, 12)}`, base: 'main' },
  ...{ title: 'Revert it', body: 'it was rolled back' },
})

for (const kind of forgeKinds) {
  describe(`a revert at ${kind}`, () => {
    async function world() {
      const server = await startForgeServer(kind)
      const forge = openForge(
        { kind, api: server.api, project: forgeProject },
        { token: async () => forgeToken, wait: async () => {}, now: () => 0 },
      )
      return {
        server,
        forge,
        async [Symbol.asyncDispose]() {
          await forge.close()
          await server[Symbol.asyncDispose]()
        },
      }
    }

    it('undoes the commit alone, whatever came after it, and is proposed once', async () => {
      await using it = await world()
      const { reverts } = it.server
      const good = { 'a/web.yaml': 'one', 'a/old.yaml': 'kept', 'b.yaml': 'b' }
      reverts.commit('main', good)
      const { 'a/old.yaml': _, ...rest } = good
      const bad = reverts.commit('main', { ...rest, 'a/web.yaml': 'bad', 'a/new file.yaml': 'x' })
      reverts.commit('main', {
        ...{ 'a/web.yaml': 'bad', 'a/new file.yaml': 'x', 'b.yaml': 'later' },
      })
      const url = await it.forge.proposeRevert(request(bad), signal)
      const [pull] = reverts.pulls
      assert.equal(url, pull?.url)
      assert.deepEqual([pull?.base, pull?.title], ['main', 'Revert it'])
      assert.deepEqual(reverts.merged(pull!.head, 'main'), { ...good, 'b.yaml': 'later' })
      assert.equal(await it.forge.proposeRevert(request(bad), signal), url)
      assert.equal(reverts.pulls.length, 1)
    })

    it('goes on where a try before it ended: the branch is there, and no request yet', async () => {
      await using it = await world()
      const { reverts } = it.server
      reverts.commit('main', { a: 'one' })
      const bad = reverts.commit('main', { a: 'bad' })
      const asked = request(bad)
      it.server.failOnce('POST', /\/(pulls|merge_requests)$/, 400)
      await assert.rejects(it.forge.proposeRevert(asked, signal), /can be opened/)
      assert.equal(reverts.pulls.length, 0)
      await it.forge.proposeRevert(asked, signal)
      assert.deepEqual(reverts.merged(asked.branch, 'main'), { a: 'one' })
    })

    it('opens one when an answer is lost on the way: the host has it already', async () => {
      await using it = await world()
      const { reverts } = it.server
      reverts.commit('main', { a: 'one' })
      const bad = reverts.commit('main', { a: 'bad' })
      it.server.loseAnswer('POST', /\/(pulls|merge_requests)$/)
      const url = await it.forge.proposeRevert(request(bad), signal)
      assert.deepEqual(
        reverts.pulls.map((pull) => pull.url),
        [url],
      )
    })

    it('is found when it was merged or closed, and its branch is gone', async () => {
      await using it = await world()
      const { reverts } = it.server
      reverts.commit('main', { a: 'one' })
      const asked = request(reverts.commit('main', { a: 'bad' }))
      const url = await it.forge.proposeRevert(asked, signal)
      reverts.removeBranch(asked.branch)
      for (const [at, one] of ['c', 'd', 'e', 'f'].entries()) {
        reverts.pulls.unshift({
          ...reverts.pulls[0]!,
          head: one,
          url: `https://forge.example/${at}`,
        })
      }
      assert.equal(await it.forge.proposeRevert(asked, signal), url)
    })

    it('says so when the token may not write, or nothing is before the commit', async () => {
      await using it = await world()
      const first = it.server.reverts.commit('main', { a: 'one' })
      it.server.failOnce('GET', /./, 403)
      await assert.rejects(it.forge.proposeRevert(request(first), signal), /may not do this/)
      if (kind === 'gitlab') return
      await assert.rejects(it.forge.proposeRevert(request(first), signal), /nothing before it/)
    })
  })
}

describe('a pull request of a fork whose branch is called as ours would be', () => {
  for (const kind of ['gitlab', 'gitea'] as const) {
    it(`is not taken for ours, at ${kind}`, async () => {
      await using server = await startForgeServer(kind)
      const forge = openForge(
        { kind, api: server.api, project: forgeProject },
        { token: async () => forgeToken, wait: async () => {}, now: () => 0 },
      )
      server.reverts.commit('main', { a: 'one' })
      const asked = request(server.reverts.commit('main', { a: 'bad' }))
      const url = 'https://forge.example/theirs'
      const theirs = { head: asked.branch, base: 'main', title: 'Revert', body: '', url }
      server.reverts.pulls.push({ ...theirs, isFork: true })
      assert.notEqual(await forge.proposeRevert(asked, signal), url)
      assert.equal(server.reverts.pulls.length, 2)
      await forge.close()
    })
  }
})

describe('a revert that later commits stand in the way of', () => {
  for (const kind of ['gitlab', 'gitea'] as const) {
    it(`is left to people, at ${kind}`, async () => {
      await using server = await startForgeServer(kind)
      const forge = openForge(
        { kind, api: server.api, project: forgeProject },
        { token: async () => forgeToken, wait: async () => {}, now: () => 0 },
      )
      server.reverts.commit('main', { a: 'one' })
      const bad = server.reverts.commit('main', { a: 'bad' })
      server.reverts.commit('main', { a: 'later' })
      await assert.rejects(forge.proposeRevert(request(bad), signal), /later commits|changed since/)
      assert.equal(server.reverts.pulls.length, 0)
      await forge.close()
    })
  }

  it('is none when somebody undid the commit by hand, at gitea', async () => {
    await using server = await startForgeServer('gitea')
    const forge = openForge(
      { kind: 'gitea', api: server.api, project: forgeProject },
      { token: async () => forgeToken, wait: async () => {}, now: () => 0 },
    )
    server.reverts.commit('main', { a: 'one' })
    const bad = server.reverts.commit('main', { a: 'bad' })
    server.reverts.commit('main', { a: 'one' })
    await assert.rejects(
      forge.proposeRevert(request(bad), signal),
      /nothing of commit .* is left in main/,
    )
    await forge.close()
  })
})
