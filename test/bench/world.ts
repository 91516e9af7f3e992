import { createHmac } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import { runGit } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { clusterFiles, clusterName } from './fleet-text.ts'
import { type LoadProcess, startLoad } from './load-process.ts'
import { canPin, pinProcess } from './machine.ts'

const hubCore = 0
const loadCore = 1
const secret = 'bench'
const repository = 'fleet'

/** A hub with its own Redis and Git server, and as many agents as asked for, joined and connected. */
export interface World extends AsyncDisposable {
  readonly hub: HubProcess
  readonly load: LoadProcess
  /** Commits files without pushing; gives the commit's id. */
  commit(files: Readonly<Record<string, string>>): Promise<string>
  /** Pushes over HTTP; the Git server then sends the hub its webhook. */
  push(): Promise<void>
  /** When the Git server last sent a webhook, milliseconds since the epoch. */
  webhookAt(): number
  /** The ledger after so many bytes of it, and how many there are then. */
  readLedger(offset: number): { entries: LedgerEntry[]; end: number }
  /** Sum over all labels of a counter in /metrics; 0 when there is none yet. */
  readCounter(name: string): Promise<number>
}

export async function startWorld(clusters: number, say: (text: string) => void): Promise<World> {
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

  async function commit(files: Readonly<Record<string, string>>): Promise<string> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(clone, file)), { recursive: true })
      await writeFile(join(clone, file), text)
    }
    await runGit(clone, ['add', '--all'])
    await runGit(clone, ['commit', '--quiet', '--message', 'Change'])
    return runGit(clone, ['rev-parse', 'HEAD'])
  }
  const push = async (): Promise<void> => {
    await runGit(clone, ['push', '--quiet', 'origin', 'HEAD:refs/heads/main'])
  }

  await commit(clusterFiles(clusters))
  await push()
  const secretFile = join(directory.path, 'webhook-secret')
  await writeFile(secretFile, secret, { mode: 0o600 })
  const redis = stack.use(await startRedis())
  const hub = await startHub({
    directory: directory.path,
    fleetUrl: git.url(repository),
    path: 'fleet',
    redisUrl: redis.url,
    // Only webhooks bring news: a poll would sometimes be there first.
    interval: '60m',
    args: ['--webhook-secret-file', secretFile, '--log-level', 'warn'],
  })
  stack.defer(() => hub.stop())
  webhook.url = `${hub.url}/api/v1/webhooks/fleet`
  const load = stack.use(startLoad())
  if (canPin()) {
    pinProcess(hub.process().pid, hubCore)
    pinProcess(load.pid, loadCore)
  }
  await joinAgents(hub, load, clusters, say)

  const ledger = join(hub.data, 'ledger', 'ledger.jsonl')
  const owned = stack.move()
  return {
    hub,
    load,
    commit,
    push,
    webhookAt: () => webhook.at,
    readLedger(offset) {
      const bytes = readFileSync(ledger)
      const end = bytes.lastIndexOf(10) + 1
      const lines = bytes.subarray(offset, end).toString().split('\n').filter(Boolean)
      return { entries: lines.map((line) => JSON.parse(line) as LedgerEntry), end }
    },
    async readCounter(name) {
      const response = await fetch(`${hub.url}/metrics`, {
        headers: { authorization: `Bearer ${await hub.token()}` },
      })
      if (!response.ok) throw new Error(`/metrics was answered ${response.status}`)
      const text = await response.text()
      const values = text
        .split('\n')
        .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)))
      return values.reduce((sum, value) => sum + value, 0)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function joinAgents(
  hub: HubProcess,
  load: LoadProcess,
  clusters: number,
  say: (text: string) => void,
): Promise<void> {
  await until(
    async () =>
      (await hub.api.get<{ counts: { clusters: number } }>('fleet')).counts.clusters === clusters,
    { deadlineMs: 30_000, what: 'the hub to know the clusters' },
  )
  const tokens: string[] = []
  for (let at = 0; at < clusters; at++) {
    const { token } = await hub.api.post<{ token: string }>(`clusters/${clusterName(at)}/tokens`)
    tokens.push(token)
  }
  say(`${clusters} tokens made; agents join`)
  await load.join(hub.enrolAddress, tokens)
  say('all have joined')
  await until(async () => (await countConnected(hub)) === clusters, {
    deadlineMs: 60_000,
    intervalMs: 250,
    what: `${clusters} agents to be connected`,
  })
}

async function countConnected(hub: HubProcess): Promise<number> {
  let connected = 0
  for (let next = ''; ;) {
    const page = await hub.api.get<{
      items: { connection: { state: string } }[]
      continue: string | null
    }>(`clusters?limit=500${next && `&continue=${encodeURIComponent(next)}`}`)
    connected += page.items.filter(({ connection }) => connection.state === 'Connected').length
    if (!page.continue) return connected
    next = page.continue
  }
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
