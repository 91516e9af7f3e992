import { HubError } from '../errors.ts'
import type { AskForge, ForgeAnswer, ForgeKind, ForgeProject } from './forge.ts'
import { createGitea } from './gitea.ts'
import { createGitHub } from './github.ts'
import { createGitLab } from './gitlab.ts'
import { isLater, waitBefore } from './retry.ts'
import type { RevertingForge } from './revert.ts'

export interface ForgeOptions {
  /** Read anew for each request, so that it may be replaced. */
  readonly token: () => Promise<string>
  /** Resolves early when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const attempts = 4
const attemptTimeout = 15_000
const answerBytes = 8 * 1024 * 1024

const makers: Readonly<Record<ForgeKind, (ask: AskForge, project: string) => RevertingForge>> = {
  github: createGitHub,
  gitlab: createGitLab,
  gitea: createGitea,
}

/** Reaches one repository's Git host. Nothing is followed that redirects, so a token goes nowhere else. */
export function openForge(
  { kind, api, project }: ForgeProject,
  options: ForgeOptions,
): RevertingForge & { close(): Promise<void> } {
  let opened: ReturnType<typeof open> | undefined

  /** With the first request: a hub that starts has agents waiting. */
  async function open() {
    const { Agent, request } = await import('../undici.ts')
    const agent = new Agent({
      connect: { timeout: attemptTimeout },
      headersTimeout: attemptTimeout,
      bodyTimeout: attemptTimeout,
      maxResponseSize: answerBytes,
      connections: 2,
    })
    return { request, agent }
  }

  const base = api.replace(/\/+$/, '')

  async function attempt(
    asked: Parameters<AskForge>[0],
    signal: AbortSignal,
  ): Promise<ForgeAnswer & { headers: Readonly<Record<string, string | string[] | undefined>> }> {
    const { request, agent } = await (opened ??= open())
    const { statusCode, headers, body } = await request(`${base}${asked.path}`, {
      dispatcher: agent,
      method: asked.method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeout)]),
      headers: {
        accept: 'application/json',
        'user-agent': 'groundswell',
        ...authorize(kind, await options.token()),
        ...(asked.body !== undefined && { 'content-type': 'application/json' }),
      },
      body: asked.body === undefined ? null : JSON.stringify(asked.body),
    })
    return { status: statusCode, headers, body: parse(await body.text()) }
  }

  const ask: AskForge = async (asked, signal) => {
    let sent = asked
    for (let tried = 1; ; tried += 1) {
      signal.throwIfAborted()
      let pause: number
      let cause: unknown
      try {
        const answer = await attempt(sent, signal)
        if (!isLater(answer.status, answer.headers)) return answer
        // What it says may be more than "later": hosts fail over what they do not know, too.
        if (tried === attempts && answer.status >= 500) return answer
        pause = waitBefore(tried, answer.headers, options.now())
        cause = new Error(`answered ${answer.status}`)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof HubError) throw error
        pause = waitBefore(tried, {}, options.now())
        cause = error
      }
      if (tried === attempts) {
        const words = `${base} cannot be reached: ${(cause as Error).message}`
        throw new HubError('forge_unreachable', words, { cause })
      }
      await options.wait(pause, signal)
      if (asked.again) sent = await asked.again()
    }
  }

  return { ...makers[kind](ask, project), close: async () => (await opened)?.agent.destroy() }
}

function authorize(kind: ForgeKind, token: string): Record<string, string> {
  switch (kind) {
    case 'github':
      return { authorization: `Bearer ${token}`, 'x-github-api-version': '2022-11-28' }
    case 'gitlab':
      return { 'private-token': token }
    case 'gitea':
      return { authorization: `token ${token}` }
    default:
      return kind satisfies never
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, say.
    return { message: text.slice(0, 200) }
  }
}
