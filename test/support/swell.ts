import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { HubProcess } from './hub-process.ts'

const program = fileURLToPath(new URL('../../hub/cli/main.ts', import.meta.url))

export interface SwellAnswer {
  readonly code: number | null
  readonly out: string
  /** What it wrote to stderr. */
  readonly said: string
}

/** The hub to ask; and what its pipeline says, where it runs in one. */
type Asked = Pick<HubProcess, 'url' | 'token'> & { readonly env?: Readonly<Record<string, string>> }

/** Runs one `swell` command line against a hub, as a person at a terminal would. */
export async function runSwell(hub: Asked, ...words: readonly string[]): Promise<SwellAnswer> {
  const swell = await spawnSwell(hub, ...words)
  const [code] = (await once(swell.child, 'close')) as [number | null]
  return { code, out: swell.out(), said: swell.said() }
}

/** As `runSwell`, for commands that go on until they are stopped. */
export async function spawnSwell(hub: Asked, ...words: readonly string[]) {
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      SWELL_SERVER: hub.url,
      SWELL_TOKEN: await hub.token(),
      ...hub.env,
    },
  })
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return {
    child,
    out: () => out,
    said: () => said,
    async stop(): Promise<number | null> {
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      const [code] = (await closed) as [number | null]
      return code
    },
  }
}
