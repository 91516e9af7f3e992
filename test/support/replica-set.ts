import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Appending, type Journal, openJournal } from '../../hub/ledger/fs.ts'
import { type GitLedger, openLedger } from '../../hub/ledger/git.ts'
import { openReplicatedRegister, type ReplicatedRegister } from '../../hub/ledger/register.ts'
import { connectRedis } from '../../hub/redis.ts'
import { createSharedLedger } from '../../hub/replica/redis.ts'
import { createReplica, type Replica } from '../../hub/replica/replica.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { until } from './until.ts'

/** A replica in this process: real ledger file, real Redis, and a life that a test steers. */
export interface TestReplica {
  readonly name: string
  readonly replica: Replica
  readonly register: ReplicatedRegister
  /** While set, it does nothing: what it had begun ends, and it looks at no clock. */
  paused: boolean
  /** True from when it leads until it knows that it does not. */
  readonly leading: boolean
  /** Code of what ended it, if anything did. */
  readonly failed: string | undefined
  /** What it said, in words. */
  readonly logged: readonly string[]
  /** Decides something by name. */
  decide(text: string): Promise<void>
  readLedger(): Promise<string[]>
  close(): Promise<void>
}

export const testSecret = Buffer.from('a secret of replicas under test')

/**
 * Starts a replica that stands by, and leads when it can, again and again until it is closed. With a remote, a
 * Git repository, whoever leads pushes there.
 */
export async function startReplica(
  redisUrl: string,
  directory: string,
  name: string,
  leaseMs: number,
  prefix = 'gs:{test}',
  remote?: string,
): Promise<TestReplica> {
  const path = remote ? join(directory, name, 'ledger.jsonl') : join(directory, `${name}.jsonl`)
  const redis = await connectRedis(redisUrl)
  const stop = new AbortController()
  let replica: Replica | undefined
  let register: ReplicatedRegister | undefined
  let leading = false
  const logged: string[] = []
  let failed: string | undefined
  const gate = { paused: false }
  const whenAwake = async (): Promise<void> => {
    while (gate.paused && !stop.signal.aborted) await wait(5)
  }
  const admit = (appending: Appending) => replica!.admit(appending)
  const journal: Journal | GitLedger = remote
    ? await openLedger(join(directory, name), {
        ...{ clock: Date.now, admit, commitInterval: 50 },
        author: { name, email: `${name}@test` },
        remote: {
          url: remote,
          seal: createSeal(testSecret, 'ledger-remote'),
          replica: {
            name,
            leads: () => leading && !gate.paused && replica!.leads(),
            term: () => register!.state.term,
          },
        },
      })
    : await openJournal(path, Date.now, admit)
  register = await openReplicatedRegister(journal, () => {})
  replica = createReplica({
    name,
    holder: `${name}#${randomUUID()}`,
    register: () => register,
    remote: () => ('remote' in journal ? journal.remote : undefined),
    shared: createSharedLedger(redis, prefix, createSeal(testSecret), leaseMs),
    leaseMs,
    monotonic: () => performance.now(),
    async sleep(ms, signal) {
      await wait(ms, undefined, { signal }).catch(() => {})
      await whenAwake()
    },
    log: (_, message) => void logged.push(message),
  })

  async function live(): Promise<void> {
    while (!stop.signal.aborted) {
      await replica!.standBy(stop.signal)
      leading = true
      await replica!.hold(stop.signal)
      leading = false
    }
  }
  const living = live().catch((error: unknown) => {
    leading = false
    if (!stop.signal.aborted) failed = (error as { code?: string }).code ?? String(error)
  })

  return {
    name,
    replica,
    register,
    get paused() {
      return gate.paused
    },
    set paused(value) {
      gate.paused = value
    },
    logged,
    get leading() {
      return leading
    },
    get failed() {
      return failed
    },
    async decide(text) {
      await register.append('test', [{ type: 'fleet.accepted', revision: text }])
    },
    async readLedger() {
      return (await readFile(path, 'utf8')).split('\n').slice(0, -1)
    },
    async close() {
      stop.abort()
      await living
      await register.close()
      redis.disconnect()
    },
  }
}

function leaderOf(all: readonly TestReplica[]): TestReplica | undefined {
  return all.find(({ leading, paused, replica }) => leading && !paused && replica.leads())
}

export function untilLed(all: readonly TestReplica[], deadlineMs = 10_000): Promise<TestReplica> {
  return until(() => leaderOf(all), { deadlineMs, what: 'one of them to lead' })
}
