import { Pool } from 'undici'
import { AgentError } from '../errors.ts'
import type { SendToVault } from './vault-session.ts'

export interface VaultAddress {
  /** `https://host:port`, with a path when it sits behind a proxy. */
  readonly address: string
  /** PEM certificates to trust; the system's when absent. */
  readonly ca?: string | undefined
  /** Of Vault Enterprise or OpenBao. */
  readonly namespace?: string | undefined
}

const answerMs = 10_000
const mostBytes = 1024 * 1024

/** Talks to one Vault; nothing of an answer is in an error. */
export function createVaultClient({ address, ca, namespace }: VaultAddress): {
  readonly send: SendToVault
  close(): Promise<void>
} {
  const { origin, pathname } = new URL(address)
  const prefix = pathname.replace(/\/$/, '')
  const pool = new Pool(origin, {
    connections: 4,
    pipelining: 1,
    allowH2: false,
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
    maxResponseSize: mostBytes,
    connect: { timeout: answerMs, ...(ca !== undefined && { ca }) },
  })
  return {
    async send({ method, path, token, body, signal }) {
      signal.throwIfAborted()
      const deadline = AbortSignal.timeout(answerMs)
      try {
        const response = await pool.request({
          method,
          path: `${prefix}/v1/${path}`,
          headers: {
            accept: 'application/json',
            // Vault's own guard against requests that a browser was made to send.
            'x-vault-request': 'true',
            ...(body && { 'content-type': 'application/json' }),
            ...(token !== undefined && { 'x-vault-token': token }),
            ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
          },
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.any([signal, deadline]),
        })
        return { status: response.statusCode, body: parseJson(await response.body.text()) }
      } catch (error) {
        signal.throwIfAborted()
        const why = deadline.aborted ? `no answer within ${answerMs / 1_000} s` : describe(error)
        const message = `Vault: ${origin} is not reachable: ${why}`
        throw new AgentError('vault_unavailable', message, { cause: error })
      }
    },
    close: () => pool.destroy(),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function describe(error: unknown): string {
  const { code, message, name } = error as NodeJS.ErrnoException
  return message || code || name
}
