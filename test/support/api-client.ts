import { setTimeout as pause } from 'node:timers/promises'
import { until } from './until.ts'

export interface ApiClient {
  get<T = Record<string, unknown>>(path: string): Promise<T>
  post<T = Record<string, unknown>>(path: string, body?: object): Promise<T>
}

/** Of a call that is told to come again later. */
const mostTries = 60

/** A plain client of /api/v1 that waits when it is told to; throws with the problem's words. */
export function createApiClient(url: string, token: () => Promise<string>): ApiClient {
  async function ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${url}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await token()}`,
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      },
      ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
      signal: AbortSignal.timeout(10_000),
    })
  }

  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    let response = await ask(method, path, body)
    for (let tries = 1; response.status === 429 && tries < mostTries; tries++) {
      await pause(1_000 * Number(response.headers.get('retry-after') ?? 1))
      response = await ask(method, path, body)
    }
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text ? JSON.parse(text) : undefined) as T
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
  }
}

export interface RolloutSummary {
  readonly id: string
  readonly application: string
  readonly phase: string
  readonly message: string
  readonly revision: string
}

/** The newest rollout of an application, as the API lists it. */
export async function newestRollout(
  api: ApiClient,
  application: string,
): Promise<RolloutSummary | undefined> {
  const { items } = await api.get<{ items: RolloutSummary[] }>(
    `rollouts?application=${application}&limit=1`,
  )
  return items[0]
}

/** Waits until the newest rollout of an application is in a phase, at a commit when one is given. */
export async function waitForRollout(
  api: ApiClient,
  application: string,
  phase: string,
  options: { readonly commit?: string; readonly deadlineMs?: number } = {},
): Promise<RolloutSummary> {
  return until(
    async () => {
      const rollout = await newestRollout(api, application)
      if (!rollout) throw new Error('there is no rollout yet')
      const there = !options.commit || rollout.revision.endsWith(options.commit)
      if (rollout.phase === phase && there) return rollout
      throw new Error(
        `${rollout.id} is ${rollout.phase} at ${rollout.revision}: ${rollout.message}`,
      )
    },
    {
      deadlineMs: options.deadlineMs ?? 60_000,
      intervalMs: 100,
      what: `rollout of ${application} to be ${phase}`,
    },
  )
}

/** What the hub last made of Git. */
export interface FleetFaults {
  readonly revision: string | null
  readonly refused: string | null
  readonly faults: readonly {
    readonly file?: string
    readonly line?: number
    readonly message: string
  }[]
  readonly warnings: readonly { readonly message: string }[]
}

/** Waits until the hub says so of the fleet, and gives what it said. */
export async function untilFaults(
  api: ApiClient,
  what: string,
  check: (fleet: FleetFaults) => boolean,
): Promise<FleetFaults> {
  let last: FleetFaults | undefined
  await until(
    async () => {
      last = await api.get<FleetFaults>('fleet')
      return check(last)
    },
    { deadlineMs: 20_000, what },
  )
  return last!
}
