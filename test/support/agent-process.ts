import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { HubProcess } from './hub-process.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { until } from './until.ts'

/** The agent of these sources. */
export const agentProgram = fileURLToPath(new URL('../../agent/main.ts', import.meta.url))

/** A real agent in a process of its own. */
export interface AgentProcess {
  readonly cluster: string
  readonly data: string
  readonly process: () => ServerProcess
  kill(): Promise<void>
  /** Starts it again, with what it has on disk and no token; perhaps by another program. */
  start(program?: string): Promise<void>
  stop(): Promise<void>
  /** What the agent's program prints for a command, of the running agent. */
  ask(command: string, ...words: readonly string[]): Promise<string>
}

export interface AgentProcessOptions {
  readonly directory: string
  readonly cluster: string
  readonly kubeconfig: string
  readonly context?: string
  /** What to run instead of the sources: the bundle. */
  readonly program?: string
  /** On top of our own. */
  readonly env?: Readonly<Record<string, string>>
  /** Settings beyond these. */
  readonly args?: readonly string[]
}

/** Joins a cluster to the hub with a fresh token; returns when the hub sees it connected. */
export async function startAgent(
  hub: HubProcess,
  options: AgentProcessOptions,
): Promise<AgentProcess> {
  const { cluster } = options
  const data = join(options.directory, `agent-${cluster}`)
  const { token } = await hub.api.post<{ token: string }>(`clusters/${cluster}/tokens`, {
    preApproved: true,
  })
  let running = launch(['--hub', hub.enrolAddress, '--token', token])

  function launch(
    join_: readonly string[],
    program = options.program ?? agentProgram,
  ): ServerProcess {
    return startProcess(
      process.execPath,
      [
        program,
        '--data',
        data,
        '--kubeconfig',
        options.kubeconfig,
        ...(options.context ? ['--context', options.context] : []),
        ...(options.args ?? []),
        ...join_,
      ],
      {
        name: `agent ${cluster}`,
        logFile: join(options.directory, `agent-${cluster}.log`),
        env: { ...process.env, ...options.env },
      },
    )
  }

  await until(
    async () => {
      if (!running.running) throw new Error(running.readLog())
      const { connection } = await hub.api.get<{ connection: { state: string } }>(
        `clusters/${cluster}`,
      )
      return connection.state === 'Connected'
    },
    { deadlineMs: 30_000, what: `agent ${cluster} to connect` },
  )
  return {
    cluster,
    data,
    process: () => running,
    kill: () => running.kill(),
    async start(program) {
      running = launch([], program)
    },
    stop: () => running.stop(10_000),
    async ask(command, ...words) {
      const args = [options.program ?? agentProgram, command, ...words, '--data', data]
      return (await promisify(execFile)(process.execPath, args)).stdout
    },
  }
}
