import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setUpLoad } from '../../deploy/setup/load.mjs'
import { loadPath } from '../../deploy/setup/paths.mjs'

const nodeProgram = fileURLToPath(new URL('load.ts', import.meta.url))
const heapMb = 12_000
const graceMs = 5_000

/** B: agents on clusters in memory. C: a stub in the cluster's place. */
export type LoadFidelity = 'B' | 'C'

/** @throws Error for anything else */
export function parseLoadFidelity(text: string | undefined): LoadFidelity {
  if (text === 'B' || text === 'C') return text
  throw new Error(`not a fidelity of a load: ${text}`)
}

/** The agent's own code, or (fidelity C alone) a program that verifies and answers as it does, for less. */
export type LoadProgram = 'node' | 'go'

/** @throws Error for anything else */
export function parseLoadProgram(text: string): LoadProgram {
  if (text === 'node' || text === 'go') return text
  throw new Error(`not a load: ${text}`)
}

/** What the benchmark asks of the load, one at a time. */
export type ToLoad =
  | { readonly kind: 'join'; readonly hub: string; readonly tokens: readonly string[] }
  | { readonly kind: 'count'; readonly digest: string }
  | ({ readonly kind: 'storm' } & Storm)

export type FromLoad =
  | { readonly kind: 'joined' }
  | { readonly kind: 'stormed' }
  | ({ readonly kind: 'counted' } & LoadCount)
  | { readonly kind: 'failed'; readonly message: string }

/** Every agent (fidelity C) has something else to say of its applications, again and again. */
export interface Storm {
  readonly perSecond: number
  readonly seconds: number
  /** In the words that it says. */
  readonly run: number
}

export interface LoadCount {
  /** Agents whose cluster runs the digest that was asked for, verified. */
  readonly verified: number
  /** By all sockets of the load since it started, below TLS. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** That agents sent since the start: heartbeats and questions for freshness are not counted. */
  readonly messages: number
  /** Objects written or deleted on all clusters since the start. */
  readonly writes: number
  readonly cpuMicros: number
  readonly warnings: number
  readonly lastWarning: string
}

/** Many agents in a process of their own, so that they and the hub do not share an event loop. */
export interface LoadProcess extends AsyncDisposable {
  readonly pid: number
  /** Enrols an agent with each token; they connect by themselves. */
  join(hub: string, tokens: readonly string[]): Promise<void>
  count(digest: string): Promise<LoadCount>
  /** Returns when the last was said; the last words end with `run N, last`. */
  storm(storm: Storm): Promise<void>
}

/** @throws SetupError when the load cannot be built */
export async function startLoad(
  fidelity: LoadFidelity,
  program: LoadProgram,
): Promise<LoadProcess> {
  const conversation = program === 'go' ? await talkToGo() : talkToNode(fidelity)
  const exited = once(conversation.child, 'exit')

  async function ask(message: ToLoad): Promise<FromLoad> {
    const ended = exited.then(() => Promise.reject(new Error('the load ended early')))
    const answer = await Promise.race([conversation.ask(message), ended])
    if (answer.kind === 'failed') throw new Error(`the load failed: ${answer.message}`)
    return answer
  }

  return {
    pid: conversation.child.pid!,
    async join(hub, tokens) {
      await ask({ kind: 'join', hub, tokens })
    },
    async storm(storm) {
      await ask({ kind: 'storm', ...storm })
    },
    async count(digest) {
      const answer = await ask({ kind: 'count', digest })
      if (answer.kind !== 'counted') throw new Error(`the load answered ${answer.kind}`)
      return answer
    },
    async [Symbol.asyncDispose]() {
      conversation.close()
      const insist = setTimeout(() => conversation.child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(insist)
    },
  }
}

/** One question at a time, and its answer. */
interface Conversation {
  readonly child: ChildProcess
  ask(message: ToLoad): Promise<FromLoad>
  /** The load ends by itself then. */
  close(): void
}

function talkToNode(fidelity: LoadFidelity): Conversation {
  const child = fork(nodeProgram, [fidelity], {
    execArgv: [`--max-old-space-size=${heapMb}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return {
    child,
    async ask(message) {
      const reply = once(child, 'message') as Promise<[FromLoad]>
      child.send(message)
      return (await reply)[0]
    },
    close() {
      if (child.connected) child.disconnect()
    },
  }
}

/** Lines of JSON, each way. */
async function talkToGo(): Promise<Conversation> {
  await setUpLoad()
  const child = spawn(loadPath(), { stdio: ['pipe', 'pipe', 'inherit'] })
  // One that has ended says so by its exit.
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    child,
    async ask(message) {
      child.stdin.write(`${JSON.stringify(message)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('the load ended early')
      return JSON.parse(value) as FromLoad
    },
    close: () => void child.stdin.end(),
  }
}
