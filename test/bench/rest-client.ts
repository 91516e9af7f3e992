import { Agent, request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

/* Asks a REST API from a thread of its own, one call after the other on one connection, and tells what each took. */

/** Milliseconds of each call. */
export interface RestLatencies {
  readonly summary: number[]
  readonly page: number[]
  readonly cluster: number[]
  readonly sorted: number[]
  readonly applications: number[]
  errors: number
}

const address = workerData as string
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const rounds = 200

async function ask(path: string): Promise<{ took: number; body: string; status: number }> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const asked = request(
      `${address}/api/v1/${path}`,
      { agent, headers: { authorization: 'Bearer viewer' } },
      (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (text: string) => (body += text))
        answer.once('end', () =>
          resolve({ took: performance.now() - start, body, status: answer.statusCode ?? 0 }),
        )
      },
    )
    asked.once('error', reject)
    asked.end()
  })
}

const found: RestLatencies = {
  summary: [],
  page: [],
  cluster: [],
  sorted: [],
  applications: [],
  errors: 0,
}
let cursor: string | null = null
let name = ''

async function time(kind: keyof Omit<RestLatencies, 'errors'>, path: string) {
  const { took, body, status } = await ask(path)
  found[kind].push(took)
  if (status !== 200) found.errors += 1
  return body
}

for (let round = 0; round < rounds; round++) {
  await time('summary', 'summary')
  const more: string = cursor === null ? '' : `&continue=${cursor}`
  const page = JSON.parse(await time('page', `clusters?limit=100${more}`)) as {
    items: { name: string }[]
    continue: string | null
  }
  cursor = page.continue
  name = page.items[0]?.name ?? name
  await time('cluster', `clusters/${name}`)
  await time('sorted', 'clusters?limit=100&sort=-failed')
  await time('applications', 'applications')
}
agent.destroy()
parentPort!.postMessage(found, [])
