import { createHmac } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { connectRedis } from '../../hub/redis.ts'
import { readImageEnvironment } from '../support/dockerfile.ts'
import { connectedMetric } from '../../hub/metrics.ts'
import { buildHub } from '../../deploy/build/hub.mjs'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import type { Summary } from '../../hub/status/summary.ts'
import { runGit } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { clusterFiles, clusterName } from './fleet-text.ts'
import { type LoadFidelity, type LoadProcess, type LoadProgram, startLoad } from './load-process.ts'
import { canPin, pinProcess } from './machine.ts'

const hubCore = 0
const loadCore = 1
const secret = 'bench'
const repository = 'fleet'
/** Tokens asked for at a time. */
const lanes = 64

/** A hub with its own Redis and Git server, and as many agents as asked for, joined and connected. */
export interface World extends AsyncDisposable {
  readonly hub: HubProcess
  /** How many agents there are. */
  readonly clusters: number
  readonly load: LoadProcess
  /** Commits files without pushing; gives the commit's id. */
  commit(files: Readonly<Record<string, string>>, message?: string): Promise<string>
  /** Commits files that are nowhere on disk, without pushing. */
  importFiles(files: Readonly<Record<string, string>>): Promise<void>
  /** Pushes over HTTP; the Git server then sends the hub its webhook. */
  push(branch?: string): Promise<void>
  /** Adds clusters to the fleet and agents to them, until there are so many of both. */
  grow(clusters: number): Promise<void>
  /** Kills the hub without warning and starts it again with all it kept; returns when it serves. */
  crash(): Promise<void>
  /** Whether the hub says of every cluster that its agent streams and reports what was decided. */
  isSettled(): Promise<boolean>
  /** When the Git server last sent a webhook, milliseconds since the epoch. */
  webhookAt(): number
  /** The ledger after so many bytes of it, and how many there are then. */
  readLedger(offset: number): { entries: LedgerEntry[]; end: number }
  /** Commands that Redis has run since it started, those of scripts too. */
  countRedisCommands(): Promise<number>
  /** Sum over all labels of a counter in /metrics; 0 when there is none yet. */
  readCounter(name: string): Promise<number>
  /**
   * What the hub's process has rendered and signed, by one look at /metrics: each leaves it garbage to
   * collect while it is measured.
   */
  countWork(): Promise<{ readonly renders: number; readonly signatures: number }>
}

export interface WorldOptions {
  readonly clusters: number
  readonly fidelity: LoadFidelity
  /** What the agents are; `node` when left out. */
  readonly load?: LoadProgram
  /** Of the hub, on top of our own. */
  readonly env?: Readonly<Record<string, string>>
}

export async function startWorld(
  { clusters, fidelity, load: program = 'node', env = {} }: WorldOptions,
  say: (text: string) => void,
): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await createTempDir('bench'))
  const webhook = { url: '', at: 0 }
  const git = stack.use(
    await startGitServer({
      onPush: () => {
        if (!webhook.url) return
        webhook.at = Date.now()
        sendWebhook(webhook.url).catch((error: unknown) => say(String(error)))
      },
    }),
  )
  await git.createRepository(repository)
  const clone = join(directory.path, 'clone')
  await mkdir(clone)
  await runGit(clone, ['clone', '--quiet', git.url(repository), '.'])

  async function commit(
    files: Readonly<Record<string, string>>,
    message = 'Change',
  ): Promise<string> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(clone, file)), { recursive: true })
      await writeFile(join(clone, file), text)
    }
    await runGit(clone, ['add', '--force', '--', ...Object.keys(files)])
    await runGit(clone, ['commit', '--quiet', '--message', message])
    return runGit(clone, ['rev-parse', 'HEAD'])
  }
  /** Without the files on disk: a hundred thousand would take minutes. */
  async function importFiles(files: Readonly<Record<string, string>>): Promise<void> {
    const stream = [
      'commit refs/heads/main\ncommitter Bench <bench@groundswell.invalid> 1700000000 +0000\n',
      'data 6\nImport\nfrom refs/heads/main^0\n',
      ...Object.entries(files).map(
        ([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
      ),
    ]
    await runGit(clone, ['fast-import', '--quiet', '--force'], {}, stream.join(''))
    await runGit(clone, ['reset', '--quiet', '--mixed'])
  }
  const push = async (branch = 'main'): Promise<void> => {
    await runGit(clone, ['push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`])
  }

  await commit(clusterFiles(clusters))
  await push()
  const secretFile = join(directory.path, 'webhook-secret')
  await writeFile(secretFile, secret, { mode: 0o600 })
  const redis = stack.use(await startRedis())
  const client = stack.adopt(await connectRedis(redis.url), (one) => one.disconnect())
  // As it is shipped: a hub of sources takes longer to start.
  const { program: hubProgram } = await buildHub(join(directory.path, 'program'))
  const image = await readImageEnvironment('hub')
  const allocator = Object.entries(image).filter(([name]) => name.startsWith('MALLOC_'))
  const hub = await startHub({
    directory: directory.path,
    program: hubProgram,
    fleetUrl: git.url(repository),
    path: 'fleet',
    redisUrl: redis.url,
    // Only webhooks bring news: a poll would sometimes be there first.
    interval: '60m',
    args: ['--webhook-secret-file', secretFile, '--log-level', 'warn', '--enrol-rate', '100000'],
    env: {
      NODE_COMPILE_CACHE: join(directory.path, 'compiled'),
      ...Object.fromEntries(allocator),
      ...env,
    },
  })
  stack.defer(() => hub.stop())
  webhook.url = `${hub.url}/api/v1/webhooks/fleet`
  const load = stack.use(await startLoad(fidelity, program))
  const pinHub = (): void => {
    if (canPin()) pinProcess(hub.process().pid, hubCore)
  }
  pinHub()
  if (canPin()) pinProcess(load.pid, loadCore)
  let joined = 0

  async function grow(to: number): Promise<void> {
    if (to > clusters) {
      await commit(clusterFiles(to))
      await push()
    }
    await joinAgents(hub, load, { from: joined, to }, say)
    joined = to
  }

  await grow(clusters)
  const ledger = join(hub.data, 'ledger', 'ledger.jsonl')
  const owned = stack.move()
  return {
    hub,
    load,
    get clusters() {
      return joined
    },
    commit,
    importFiles,
    push,
    grow,
    async crash() {
      await hub.kill()
      await hub.start()
      pinHub()
    },
    async isSettled() {
      // The sums cost the hub less than how each of them is, and it is busy when this is asked.
      const { clusters: sums } = await hub.api.get<Pick<Summary, 'clusters'>>('summary')
      if (sums.connected < joined) return false
      const clusters = await listClusters(hub)
      const settled = clusters.filter(
        ({ connection, counts, offeredSequence, acceptedSequence }) =>
          connection.state === 'Connected' &&
          counts.updated === counts.applications &&
          offeredSequence === acceptedSequence,
      )
      return settled.length === joined
    },
    webhookAt: () => webhook.at,
    readLedger(offset) {
      const bytes = readFrom(ledger, offset)
      const length = bytes.lastIndexOf(10) + 1
      const lines = bytes.subarray(0, length).toString().split('\n').filter(Boolean)
      return {
        entries: lines.map((line) => JSON.parse(line) as LedgerEntry),
        end: offset + length,
      }
    },
    async countRedisCommands() {
      return Number(/^total_commands_processed:(\d+)/m.exec(await client.info('stats'))?.[1])
    },
    readCounter: (name) => readCounter(hub, name),
    async countWork() {
      const text = await readMetrics(hub)
      return {
        renders: sumOf(text, 'groundswell_renders_total'),
        signatures: sumOf(text, 'groundswell_signatures_total'),
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function joinAgents(
  hub: HubProcess,
  load: LoadProcess,
  { from, to }: { readonly from: number; readonly to: number },
  say: (text: string) => void,
): Promise<void> {
  await until(
    async () =>
      (await hub.api.get<{ counts: { clusters: number } }>('fleet')).counts.clusters === to,
    { deadlineMs: 30_000, what: 'the hub to know the clusters' },
  )
  const open = Array.from({ length: to - from }, (_, at) => clusterName(from + at)).values()
  const tokens: string[] = []
  const askNext = async (): Promise<void> => {
    for (const name of open) {
      tokens.push(
        (await hub.api.post<{ token: string }>(`clusters/${name}/tokens`, { preApproved: true }))
          .token,
      )
    }
  }
  await Promise.all(Array.from({ length: lanes }, askNext))
  say(`${tokens.length} tokens made; agents join`)
  await load.join(hub.enrolAddress, tokens)
  say('all have joined')
  await until(async () => (await readCounter(hub, connectedMetric)) === to, {
    deadlineMs: 60_000 + to * 20,
    intervalMs: 250,
    what: `${to} agents to be connected`,
  })
}

function readFrom(path: string, offset: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - offset))
    const length = readSync(file, bytes, 0, bytes.byteLength, offset)
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

interface ListedCluster {
  readonly connection: { readonly state: string }
  readonly counts: { readonly applications: number; readonly updated: number }
  readonly offeredSequence: number
  readonly acceptedSequence: number
}

async function listClusters(hub: HubProcess): Promise<ListedCluster[]> {
  const clusters: ListedCluster[] = []
  for (let next = ''; ;) {
    const page = await hub.api.get<{ items: ListedCluster[]; continue: string | null }>(
      `clusters?limit=500${next && `&continue=${encodeURIComponent(next)}`}`,
    )
    clusters.push(...page.items)
    if (!page.continue) return clusters
    next = page.continue
  }
}

/** Sum of a metric's values. */
export async function readCounter(hub: HubProcess, name: string): Promise<number> {
  return sumOf(await readMetrics(hub), name)
}

async function readMetrics(hub: HubProcess): Promise<string> {
  const response = await fetch(`${hub.url}/metrics`, {
    headers: { authorization: `Bearer ${await hub.token()}` },
  })
  if (!response.ok) throw new Error(`/metrics was answered ${response.status}`)
  return response.text()
}

function sumOf(metrics: string, name: string): number {
  const values = metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)))
  return values.reduce((sum, value) => sum + value, 0)
}

/** What a Git host sends when somebody pushed. */
async function sendWebhook(url: string): Promise<void> {
  const body = JSON.stringify({ ref: 'refs/heads/main' })
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
    body,
    signal: AbortSignal.timeout(10_000),
  })
  if (response.status !== 202) throw new Error(`the webhook was answered ${response.status}`)
}
