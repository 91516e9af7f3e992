import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { buildOnce } from '../../deploy/setup/build-once.mjs'
import { isAtLeast } from '../../deploy/setup/go.mjs'
import { controlPlanePaths, enginePath, isExecutable, root } from '../../deploy/setup/paths.mjs'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const setup = (name: string) => join(root, 'deploy', 'setup', name)

test('processes that ask for the same build at once get one build, complete', async () => {
  await using directory = await createTempDir()
  const target = join(directory.path, 'cache', 'thing')
  const log = join(directory.path, 'log')
  const asked = join(directory.path, 'asked')
  const script = `
    import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
    import { until } from ${JSON.stringify(join(root, 'test', 'support', 'until.ts'))}
    import { buildOnce } from ${JSON.stringify(setup('build-once.mjs'))}
    appendFileSync(${JSON.stringify(asked)}, '.')
    await buildOnce(${JSON.stringify(target)}, async (into) => {
      appendFileSync(${JSON.stringify(log)}, 'build\\n')
      writeFileSync(into + '/first', '')
      const allAsked = () => readFileSync(${JSON.stringify(asked)}, 'utf8') === '...'
      await until(allAsked, { deadlineMs: 20_000, what: 'the others to ask as well' })
      writeFileSync(into + '/second', '')
    })
    if (!existsSync(${JSON.stringify(`${target}/second`)})) process.exit(3)
  `
  const runs = [1, 2, 3].map(async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: 'ignore',
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  })
  assert.deepEqual(await Promise.all(runs), [0, 0, 0])
  assert.equal(readFileSync(log, 'utf8'), 'build\n')
  assert.deepEqual(readdirSync(join(directory.path, 'cache')), ['thing'])
})

test('a build that fails leaves nothing to be mistaken for a result, and can be tried again', async () => {
  await using directory = await createTempDir()
  const target = join(directory.path, 'thing')
  const fail = buildOnce(target, async (into) => {
    writeFileSync(join(into, 'half'), '')
    throw new Error('out of disk')
  })
  await assert.rejects(fail, /out of disk/)
  assert.deepEqual(readdirSync(directory.path), [])
  await buildOnce(target, async (into) => writeFileSync(join(into, 'whole'), ''))
  assert.deepEqual(readdirSync(target), ['whole'])
})

test('the lock of a build that crashed is taken over', async () => {
  await using directory = await createTempDir()
  const target = join(directory.path, 'thing')
  const dead = spawn('true')
  await once(dead, 'exit')
  mkdirSync(`${target}.lock`)
  writeFileSync(join(`${target}.lock`, 'pid'), String(dead.pid))
  mkdirSync(`${target}.building-1`)
  writeFileSync(join(`${target}.building-1`, 'half'), '')
  await buildOnce(target, async (into) => writeFileSync(join(into, 'whole'), ''))
  assert.ok(existsSync(join(target, 'whole')))
  assert.deepEqual(readdirSync(directory.path), ['thing'], 'nor is its half build left')
})

test('a build that fails says what to do: a proxy that is not there, as without a network', async () => {
  await using directory = await createTempDir()
  const script = `
    import { buildGo } from ${JSON.stringify(setup('go.mjs'))}
    await buildGo(${JSON.stringify(join(root, 'test', 'compose'))}, '${directory.path}/x', ['.'])
      .catch(({ name, message }) => console.log(name + ': ' + message))`
  const env = {
    ...process.env,
    ...{ GOPROXY: 'http://127.0.0.1:9', GOFLAGS: '-mod=mod', GOSUMDB: 'off' },
    GOMODCACHE: join(directory.path, 'modules'),
  }
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.match(said, /^SetupError: go build .*: ended with 1\n {2}Go says why above.*HTTPS_PROXY/s)
})

test('a Git that is too old is refused with its version, the one that is needed, and what to do', async () => {
  await using directory = await createTempDir()
  const git = join(directory.path, 'git')
  writeFileSync(git, '#!/bin/sh\necho "git version 2.30.2"\n', { mode: 0o755 })
  const script = `
    import { setUpGit } from ${JSON.stringify(setup('git.mjs'))}
    await setUpGit().catch(({ name, message }) => console.log(name + ': ' + message))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, PATH: `${directory.path}:${process.env['PATH']}` },
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.match(
    said,
    /^SetupError: git is 2\.30\.2; 2\.37 or newer is needed\. Install .* again\.$/m,
  )
})

test('a signal reaches the program once, its exit code comes back, and nothing it started is left', async () => {
  await using directory = await createTempDir()
  const log = join(directory.path, 'log')
  const orphan = join(directory.path, 'orphan')
  // The shell's own child ignores the signal, as a hung worker would.
  const program = `
    (trap '' TERM; echo $$ >> ${log}; exec sleep 600) & echo $! > ${orphan}
    trap 'echo asked >> ${log}; sleep 0.3; exit 7' TERM
    echo up >> ${log}; while :; do sleep 0.05; done`
  const runner = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { runInForeground } from ${JSON.stringify(setup('child.mjs'))}
       process.exitCode = await runInForeground('/bin/sh', ['-c', process.argv[1]], process.env)`,
      program,
    ],
    { stdio: 'ignore' },
  )
  const ended = once(runner, 'exit')
  const readLog = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  await until(() => readLog().includes('up') && existsSync(orphan), {
    deadlineMs: 10_000,
    what: 'the program to be up',
  })
  const orphanPid = Number(readFileSync(orphan, 'utf8'))
  runner.kill('SIGTERM')
  await until(() => readLog().includes('asked'), {
    deadlineMs: 5_000,
    what: 'the signal to arrive',
  })
  // As npm does when a terminal has sent it already.
  runner.kill('SIGTERM')
  const [code] = (await ended) as [number | null]
  assert.equal(code, 7)
  assert.equal(readLog().match(/asked/g)?.length, 1)
  await until(() => !isAlive(orphanPid), { deadlineMs: 5_000, what: 'the orphan to be gone' })
})

test('Go releases are compared number by number', () => {
  assert.equal(isAtLeast('go1.26.8', '1.26.8'), true)
  assert.equal(isAtLeast('go1.9.0', '1.26'), false)
  assert.equal(isAtLeast('go1.27', '1.26.8'), true)
  assert.equal(isAtLeast('go1.25.3', '1.26.0'), false)
})

test('what set-up built is where the paths say', () => {
  assert.ok(isExecutable(enginePath()), enginePath())
  for (const path of Object.values(controlPlanePaths())) assert.ok(isExecutable(path), path)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // Killed but not yet collected by whoever inherited it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
