import assert from 'node:assert/strict'
import { readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { createForkServer, type ForkServer } from '../../hub/fork-server/fork-server.ts'
import { runProgram } from '../../hub/fork-server/process.ts'
import {
  RunFailure,
  type RunFailureCode,
  type RunOptions,
  type RunProgram,
} from '../../hub/fork-server/run.ts'
import { startProcess } from '../support/process.ts'
import { stopProcess } from '../support/processes-of.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Git as the hub runs it: as a child of its own, and by its fork server. */

const program = fileURLToPath(new URL('../../hub/fork-server/main.ts', import.meta.url))
const never = new AbortController().signal
const log = () => {}
let temp: TempDir

before(async () => {
  temp = await createTempDir('fork-server')
  await runProgram('git', ['init', '--quiet', '--bare', '.'], optionsOf())
})

after(async () => {
  await temp.remove()
})

function optionsOf(more: Partial<RunOptions> = {}): RunOptions {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' }
  return { cwd: temp.path, env, signal: never, maxBytes: 100_000, ...more }
}

/** Git that tells its process id through a file and then stays. */
function staying(file: string): readonly string[] {
  return ['-c', `alias.stay=!echo $$ >${join(temp.path, file)}; exec sleep 60`, 'stay']
}

async function readPid(file: string): Promise<number> {
  const path = join(temp.path, file)
  const pid = await until(async () => Number(await readFile(path, 'utf8')), {
    deadlineMs: 10_000,
    what: 'Git to run',
  })
  await rm(path)
  return pid
}

/** One that has ended may wait for whoever started it to take note. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')
  return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z')
}

async function untilGone(...pids: number[]): Promise<void> {
  await until(async () => !(await Promise.all(pids.map(isAlive))).includes(true), {
    deadlineMs: 10_000,
    what: `${pids.join(', ')} to be gone`,
  })
}

async function fails(work: Promise<unknown>, code: RunFailureCode): Promise<RunFailure> {
  const failure = await work.then(
    () => assert.fail('it went well'),
    (error: unknown) => error,
  )
  assert.ok(failure instanceof RunFailure, String(failure))
  assert.equal(failure.code, code, failure.message)
  return failure
}

async function startServer(
  options: Partial<Parameters<typeof createForkServer>[0]> = {},
): Promise<ForkServer & AsyncDisposable> {
  const server = createForkServer({ program, otherwise: runProgram, log, restartMs: 0, ...options })
  await untilServes(server)
  return { ...server, [Symbol.asyncDispose]: () => server.close() }
}

async function untilServes(server: ForkServer, other?: number): Promise<number> {
  return until(
    async () => {
      await server.run('git', ['--version'], optionsOf())
      const pid = server.pid()
      return pid === other ? undefined : pid
    },
    { deadlineMs: 10_000, what: 'the fork server to serve' },
  )
}

for (const how of ['a child of this process', 'the fork server'] as const) {
  describe(`Git as ${how === 'the fork server' ? 'run by the fork server' : how}`, () => {
    let server: ForkServer
    let run: RunProgram

    before(async () => {
      // Whatever is run otherwise here is a fault.
      const otherwise: RunProgram = (...given) =>
        server?.pid() ? assert.fail('not by the fork server') : runProgram(...given)
      server = await startServer({ otherwise })
      run = how === 'the fork server' ? server.run : runProgram
    })

    after(async () => {
      await server.close()
    })

    it('gives what it prints, to both', async () => {
      const script = ['-c', 'alias.say=!echo out; echo ärr >&2', 'say']
      const printed = await run('git', script, optionsOf())
      assert.deepEqual(printed, { stdout: 'out\n', stderr: 'ärr\n' })
    })

    it('reads a text, the beginning of a file, and nothing', async () => {
      const hash = ['hash-object', '--stdin']
      const file = join(temp.path, 'grows')
      await writeFile(file, `${'ä'.repeat(100_000)}more`)
      const of = async (input: RunOptions['input']) =>
        (await run('git', hash, optionsOf({ ...(input !== undefined && { input }) }))).stdout
      assert.equal(await of({ path: file, bytes: 200_000 }), await of('ä'.repeat(100_000)))
      assert.equal(await of({ path: file, bytes: 0 }), await of(''))
      assert.equal(await of(undefined), await of(''))
      await fails(of({ path: join(temp.path, 'nowhere'), bytes: 1 }), 'not_started')
      await truncate(file)
    })

    it('is no fault where Git reads less than it is given', async () => {
      const input = 'x'.repeat(1_000_000)
      assert.match((await run('git', ['--version'], optionsOf({ input }))).stdout, /^git version/)
    })

    it('tells exit code and words of a failure', async () => {
      const failure = await fails(
        run('git', ['cat-file', '-e', 'f'.repeat(40)], optionsOf()),
        'failed',
      )
      assert.equal(failure.exitCode, 1)
      const fatal = await fails(run('git', ['rev-parse', '--verify', 'no'], optionsOf()), 'failed')
      assert.equal(fatal.exitCode, 128)
      assert.match(fatal.stderr, /^fatal: Needed a single revision/)
      assert.match(fatal.message, /^git exit 128: fatal: Needed/)
    })

    it('gives the environment and no more', async () => {
      const path = join(temp.path, `bin-${how.length}`)
      await runProgram('git', ['init', '--quiet', path], optionsOf())
      await symlink('/usr/bin/env', join(path, 'git'))
      const env = { PATH: path, SECRET: 'a = b\nc', GIT_ASKPASS: '', LEFT_OUT: undefined }
      const { stdout } = await run('git', ['-0'], optionsOf({ env }))
      const found = stdout.split('\0').filter(Boolean).toSorted()
      assert.deepEqual(found, ['GIT_ASKPASS=', `PATH=${path}`, 'SECRET=a = b\nc'])
    })

    it('says that there is no such program, or directory', async () => {
      const env = { PATH: temp.path }
      const failure = await fails(run('git', ['--version'], optionsOf({ env })), 'not_started')
      assert.match(failure.message, /ENOENT/)
      await fails(
        run('git', ['--version'], optionsOf({ cwd: join(temp.path, 'no') })),
        'not_started',
      )
    })

    it('does not quote what cannot be given', async () => {
      const env = { PATH: process.env['PATH'], PASSWORD: 'sesame\0' }
      const failure = await fails(run('git', ['--version'], optionsOf({ env })), 'not_started')
      assert.doesNotMatch(inspect(failure, { depth: 9 }), /sesame/)
    })

    it('is ended by its signal, with what it had started', async () => {
      const stop = new AbortController()
      const running = run('git', staying('aborted'), optionsOf({ signal: stop.signal }))
      const pid = await readPid('aborted')
      stop.abort()
      await fails(running, 'stopped')
      await untilGone(pid)
      await fails(run('git', ['--version'], optionsOf({ signal: stop.signal })), 'stopped')
    })

    it('is killed where it takes no notice', async () => {
      const deaf = ['-c', 'alias.deaf=!trap "" TERM; while :; do sleep 1; done', 'deaf']
      const signal = AbortSignal.timeout(200)
      await fails(run('git', deaf, optionsOf({ signal })), 'stopped')
    })

    it('is ended once it printed too much', async () => {
      const chatter = ['-c', 'alias.chat=!yes', 'chat']
      const failure = await fails(run('git', chatter, optionsOf({ maxBytes: 10_000 })), 'too_much')
      assert.equal(failure.message, 'git printed more than 10000 bytes')
    })

    it('says what another signal has ended', async () => {
      const running = run('git', staying('killed'), optionsOf())
      const pid = await readPid('killed')
      process.kill(await readParent(pid), 'SIGKILL')
      process.kill(pid, 'SIGKILL')
      const failure = await fails(running, 'stopped')
      assert.match(failure.message, /SIGKILL/)
    })
  })
}

async function readParent(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

describe('the fork server', () => {
  it('runs Git by itself, several at once', async () => {
    await using server = await startServer()
    const stop = new AbortController()
    const running = ['one', 'two'].map((name) =>
      server.run('git', staying(name), optionsOf({ signal: stop.signal })).catch(() => {}),
    )
    for (const name of ['one', 'two']) {
      const git = await readParent(await readPid(name))
      assert.equal(await readParent(git), server.pid())
    }
    stop.abort()
    await Promise.all(running)
  })

  it('has nothing of this process in its environment', async () => {
    await using server = await startServer()
    const environment = await readFile(`/proc/${server.pid()}/environ`, 'utf8')
    // The last is Node's own, of a run that counts what it covers.
    const foreign = /(?:^|\0)(?!NODE_CHANNEL_|NODE_V8_COVERAGE=)[^\0]+/
    assert.doesNotMatch(environment, foreign)
  })

  it('killed in the middle loses what it ran, ends it, and is followed by another', async () => {
    const said: string[] = []
    await using server = await startServer({ log: (message) => void said.push(message) })
    const first = server.pid()!
    const running = server.run('git', staying('lost'), optionsOf())
    const pid = await readPid('lost')
    process.kill(first, 'SIGKILL')
    await fails(running, 'lost')
    await untilGone(first, pid)
    assert.deepEqual(said, ['the process that starts Git ended; there will be another'])
    await untilServes(server, first)
  })

  it('that hangs is ended with what it ran, once that was to be stopped', async () => {
    await using server = await startServer({ stopMs: 300 })
    const first = server.pid()!
    await stopProcess(first)
    const running = server.run(
      'git',
      ['--version'],
      optionsOf({ signal: AbortSignal.timeout(100) }),
    )
    await fails(running, 'lost')
    await untilGone(first)
    await untilServes(server, first)
  })

  it('runs so many at once and no more', async () => {
    await using server = await startServer({ most: 1 })
    const stop = new AbortController()
    const running = server.run('git', staying('only'), optionsOf({ signal: stop.signal }))
    await readPid('only')
    await fails(
      server.run('git', ['--version'], optionsOf({ signal: AbortSignal.timeout(50) })),
      'stopped',
    )
    const next = server.run('git', ['--version'], optionsOf())
    stop.abort()
    await fails(running, 'stopped')
    assert.match((await next).stdout, /^git version/)
  })

  it('that cannot be started leaves Git to this process', async () => {
    const server = createForkServer({
      ...{ program: join(temp.path, 'none.js'), otherwise: runProgram, log },
    })
    for (let time = 0; time < 3; time += 1) {
      assert.match((await server.run('git', ['--version'], optionsOf())).stdout, /^git version/)
    }
    assert.equal(server.pid(), undefined)
    await server.close()
    assert.match((await server.run('git', ['--version'], optionsOf())).stdout, /^git version/)
  })

  it('takes no notice of a signal that goes to all processes', async () => {
    await using server = await startServer()
    const pid = server.pid()!
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal)
    await server.run('git', ['--version'], optionsOf())
    assert.equal(server.pid(), pid)
  })

  it('ends when it is closed, and keeps nobody from ending', async () => {
    const { run, pid, close } = await startServer()
    const running = run('git', staying('closed'), optionsOf())
    const git = await readPid('closed')
    const server = pid()!
    const lost = fails(running, 'lost')
    await close()
    await lost
    await untilGone(server, git)
  })

  it('ends with a hub that is killed, and so does its Git', async () => {
    const script = join(temp.path, 'hub.mjs')
    await writeFile(
      script,
      `
      import { writeFileSync } from 'node:fs'
      import { createForkServer } from ${JSON.stringify(new URL('../../hub/fork-server/fork-server.ts', import.meta.url).href)}
      import { until } from ${JSON.stringify(new URL('../support/until.ts', import.meta.url).href)}
      const server = createForkServer({ program: ${JSON.stringify(program)}, otherwise: async () => ({}), log() {} })
      const options = ${JSON.stringify(optionsOf())}
      options.signal = new AbortController().signal
      const serves = async () => {
        await server.run('git', ['--version'], options)
        return server.pid()
      }
      await until(serves, { deadlineMs: 20_000, what: 'the fork server to serve' })
      writeFileSync(${JSON.stringify(join(temp.path, 'server'))}, String(server.pid()))
      await server.run('git', ${JSON.stringify(staying('orphan'))}, options)
      `,
    )
    const hub = startProcess(process.execPath, [script], {
      name: 'hub',
      logFile: join(temp.path, 'hub.log'),
    })
    const git = await readPid('orphan')
    const server = await readPid('server')
    process.kill(hub.pid, 'SIGKILL')
    await hub.ended
    await untilGone(server, git)
  })
})
