import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runGit } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { startGitSsh } from '../support/git-ssh.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

test('a repository can be cloned and pushed to over HTTP, and the push is announced', async () => {
  const pushes: string[] = []
  await using server = await startGitServer({ onPush: (name) => pushes.push(name) })
  await using directory = await createTempDir()
  const repository = await server.createRepository('fleet')
  await repository.commit({ 'apps/shop.yaml': 'a: 1\n', 'old.txt': 'x' })
  const second = await repository.commit({ 'old.txt': null, 'big.bin': 'y'.repeat(3_000_000) })

  await runGit(directory.path, ['clone', '--quiet', server.url('fleet'), 'clone'])
  const clone = join(directory.path, 'clone')
  assert.equal(await runGit(clone, ['rev-parse', 'HEAD']), second)
  assert.equal(await readFile(join(clone, 'apps/shop.yaml'), 'utf8'), 'a: 1\n')
  assert.deepEqual((await runGit(clone, ['ls-files'])).split('\n'), ['apps/shop.yaml', 'big.bin'])

  await writeFile(join(clone, 'more.txt'), 'z'.repeat(2_000_000))
  await runGit(clone, ['add', '.'])
  await runGit(clone, ['commit', '--quiet', '-m', 'More'])
  await runGit(clone, ['push', '--quiet', 'origin', 'main'])
  assert.equal(await repository.readHead(), await runGit(clone, ['rev-parse', 'HEAD']))
  await until(() => pushes.includes('fleet'), {
    deadlineMs: 5_000,
    what: 'the push to be announced',
  })

  const third = await repository.commit({ 'after.txt': '1' })
  assert.equal(
    await runGit(repository.path, ['rev-parse', `${third}^`]),
    await runGit(clone, ['rev-parse', 'HEAD']),
  )
})

test('a server with basic auth refuses strangers and serves those who know the password', async () => {
  await using server = await startGitServer({ basicAuth: { user: 'hub', password: 'secret' } })
  await server.createRepository('fleet')
  const url = server.url('fleet')
  await assert.rejects(runGit('/', ['ls-remote', url]), /could not read Username|Authentication/)
  const known = url.replace('http://', 'http://hub:secret@')
  assert.match(await runGit('/', ['ls-remote', known]), /refs\/heads\/main/)
})

test('a failing server is unreachable until it resumes', async () => {
  await using server = await startGitServer()
  await server.createRepository('fleet')
  server.fail()
  await assert.rejects(runGit('/', ['ls-remote', server.url('fleet')]), /503/)
  server.resume()
  assert.match(await runGit('/', ['ls-remote', server.url('fleet')]), /refs\/heads\/main/)
})

test('a repository can be cloned and pushed to over SSH, by the right key only', async () => {
  await using server = await startGitSsh()
  await using directory = await createTempDir()
  const repository = await server.createRepository('fleet')
  const commit = await repository.commit({ 'a.txt': 'a' })
  const env = { GIT_SSH_COMMAND: server.sshCommand }

  await runGit(directory.path, ['clone', '--quiet', server.url('fleet'), 'clone'], env)
  const clone = join(directory.path, 'clone')
  assert.equal(await runGit(clone, ['rev-parse', 'HEAD']), commit)
  await runGit(clone, ['commit', '--quiet', '--allow-empty', '-m', 'More'])
  await runGit(clone, ['push', '--quiet', 'origin', 'main'], env)
  assert.equal(await repository.readHead(), await runGit(clone, ['rev-parse', 'HEAD']))

  const stranger = server.sshCommand.replace(server.identityFile, '/nonexistent')
  await assert.rejects(
    runGit('/', ['ls-remote', server.url('fleet')], { GIT_SSH_COMMAND: stranger }),
    /Permission denied/,
  )
})
