import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** A Prometheus of the test's own that scrapes one page of metrics, ten times a second. */
export interface TestPrometheus extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
  /** What it finds from now on, by series: `errors{cluster="a"}` → value. */
  expose(series: Readonly<Record<string, number>>): void
  /** The values of an instant query, as text. */
  ask(query: string): Promise<readonly string[]>
}

/** Whether this machine has one; set-up installs it where it can. */
export function hasPrometheus(): boolean {
  return spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).status === 0
}

/** One that scrapes whatever its configuration says, with data of its own. */
export async function runPrometheus(
  configuration: object,
): Promise<Omit<TestPrometheus, 'expose'>> {
  const directory = await createTempDir('prometheus')
  const config = join(directory.path, 'prometheus.yml')
  // JSON is YAML.
  await writeFile(config, JSON.stringify(configuration))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = startProcess(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { name: 'prometheus', logFile: join(directory.path, 'prometheus.log') },
  )
  const answers = async (path: string) =>
    fetch(`${url}${path}`).then(
      (response) => response.ok,
      () => false,
    )
  await until(async () => !server.running || answers('/-/ready'), {
    deadlineMs: 20_000,
    what: 'Prometheus to be ready',
  })
  if (!server.running) throw new Error(`prometheus ended early:\n${server.readLog()}`)
  return {
    url,
    async ask(query) {
      const response = await fetch(
        `${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`,
      )
      const { data } = (await response.json()) as {
        data: { result: { value: [number, string] }[] }
      }
      return data.result.map(({ value }) => value[1])
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await directory.remove()
    },
  }
}

export async function startPrometheus(): Promise<TestPrometheus> {
  let page = ''
  const target = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(page)
  })
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  const scraped = `127.0.0.1:${(target.address() as AddressInfo).port}`
  const running = await runPrometheus({
    global: { scrape_interval: '100ms' },
    scrape_configs: [{ job_name: 'test', static_configs: [{ targets: [scraped] }] }],
  })
  return {
    ...running,
    expose(series) {
      page = Object.entries(series)
        .map(([name, value]) => `${name} ${value}\n`)
        .join('')
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      target.close()
    },
  }
}
