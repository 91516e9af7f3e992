import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { clusterFiles } from './fleet-files.ts'
import { startGitServer } from './git-server.ts'
import { type HubProcess, type HubProcessOptions, startHub } from './hub-process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

const program = fileURLToPath(new URL('../../hub/main.ts', import.meta.url))

/** A Git server with a fleet of three declared clusters, and a directory. */
export async function createSurroundings() {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await createTempDir('hub-process'))
  const git = stack.use(await startGitServer())
  const repository = await git.createRepository('fleet')
  await repository.commit(clusterFiles)
  const owned = stack.move()
  return {
    directory: directory.path,
    git,
    repository,
    fleetUrl: git.url('fleet'),
    async start(options: Partial<HubProcessOptions> = {}): Promise<HubProcess> {
      const hub = await startHub({
        directory: directory.path,
        fleetUrl: git.url('fleet'),
        path: 'fleet',
        interval: '1s',
        ...options,
      })
      owned.defer(() => hub.stop())
      return hub
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export async function untilReady(hub: HubProcess, deadlineMs = 20_000): Promise<void> {
  await until(async () => (await fetch(`${hub.url}/readyz`)).ok, {
    deadlineMs,
    what: 'the hub to be ready',
  })
}

/** Runs a hub that is expected to refuse; its exit code, its words, and that nothing stays behind. */
export async function runRefused(
  args: readonly string[],
  path = process.env['PATH'],
): Promise<{ code: number | null; words: string }> {
  const isListening = !args.includes('signer') && !args.includes('renderer')
  const ports = isListening ? ['--api-port', '0', '--enrol-port', '0', '--data-port', '0'] : []
  const hub = spawn(process.execPath, [program, ...ports, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
    env: { PATH: path, GROUNDSWELL_ENGINE: enginePath() },
  })
  let words = ''
  for (const stream of [hub.stdout, hub.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words += text
    })
  }
  const [code] = (await once(hub, 'close')) as [number | null]
  const data = args[args.indexOf('--data') + 1]
  if (args.includes('--data') && !words.includes('another hub')) {
    assert.deepEqual(await listUsers(`${data}/`), [], 'nothing it started is left')
  }
  return { code, words }
}

/** Command lines of processes that name a place. */
async function listUsers(place: string): Promise<string[]> {
  const found = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(place)) found.push(line.replaceAll('\0', ' '))
  }
  return found
}
