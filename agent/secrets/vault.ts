import { isRecord } from '@groundswell/proto/record.ts'
import { AgentError, toAgentError } from '../errors.ts'
import {
  sayAnswer,
  type SendToVault,
  type VaultAnswer,
  type VaultSession,
} from './vault-session.ts'

/** A version of a secret in the key/value engine. */
export interface VaultSecret {
  readonly values: Readonly<Record<string, unknown>>
  /** Which version it is and when it was written; another for whatever is written, and no value. */
  readonly version: string
  /** Milliseconds for which Vault lends it; undefined when it does not say. */
  readonly lease: number | undefined
}

export interface Vault {
  /**
   * What is at a path now, or was a moment ago.
   *
   * @throws AgentError `secret_unresolved` when Vault says no, `vault_unavailable` when it says nothing
   */
  read(path: string, signal: AbortSignal): Promise<VaultSecret>
  /** What was read there last, however long ago. */
  last(path: string): VaultSecret | undefined
}

export interface VaultDeps {
  readonly send: SendToVault
  readonly session: Pick<VaultSession, 'token' | 'refuse'>
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number
}

interface Kept {
  readonly at: number
  readonly secret: VaultSecret
  /** Letters of it as JSON. */
  readonly size: number
}

/** A run may read one path for many objects. */
const momentMs = 2_000
const mostPaths = 1_000
const mostLetters = 8 * 1024 * 1024
/** A Vault that does not answer is not asked again for so long: a thousand Secrets would each wait for it. */
const restMs = 5_000

/** Reads secrets of the key/value engine, version 2; what was read stays in memory, and only there. */
export function createVault({ send, session, now }: VaultDeps): Vault {
  const kept = new Map<string, Kept>()
  const reading = new Map<string, Promise<VaultSecret>>()
  let letters = 0
  let away: { readonly until: number; readonly error: unknown } | undefined

  async function ask(path: string, signal: AbortSignal): Promise<VaultSecret> {
    const urlPath = path.split('/').map(encodeURIComponent).join('/')
    for (let tries = 0; ; tries++) {
      const token = await session.token(signal)
      const answer = await send({ method: 'GET', path: urlPath, token, signal })
      if (answer.status !== 403 || tries > 0) return readSecret(path, answer)
      // Refused may mean that the token was revoked, or that a policy was only just written.
      session.refuse(token)
    }
  }

  /** What was read longest ago goes first. */
  function keep(path: string, secret: VaultSecret): VaultSecret {
    forget(path)
    const size = JSON.stringify(secret.values).length
    while (kept.size > 0 && (kept.size >= mostPaths || letters + size > mostLetters)) {
      forget(kept.keys().next().value!)
    }
    kept.set(path, { at: now(), secret, size })
    letters += size
    return secret
  }

  function forget(path: string): void {
    letters -= kept.get(path)?.size ?? 0
    kept.delete(path)
  }

  async function askUnlessAway(path: string, signal: AbortSignal): Promise<VaultSecret> {
    if (away && now() < away.until) throw away.error
    away = undefined
    try {
      return keep(path, await ask(path, signal))
    } catch (error) {
      signal.throwIfAborted()
      if (toAgentError(error).code === 'vault_unavailable') away = { until: now() + restMs, error }
      throw error
    }
  }

  return {
    read(path, signal) {
      const known = kept.get(path)
      if (known && now() - known.at < momentMs) return Promise.resolve(known.secret)
      const begun = reading.get(path)
      if (begun) return begun
      const asked = askUnlessAway(path, signal).finally(() => reading.delete(path))
      reading.set(path, asked)
      return asked
    },
    last: (path) => kept.get(path)?.secret,
  }
}

function readSecret(path: string, answer: VaultAnswer): VaultSecret {
  const { status, body } = answer
  const data = isRecord(body) ? body['data'] : undefined
  const metadata = isRecord(data) ? data['metadata'] : undefined
  if (status === 200) {
    const values = isRecord(data) ? data['data'] : undefined
    if (!isRecord(values) || !isRecord(metadata)) {
      throw unresolved(`${path} is not a secret of the key/value engine, version 2`)
    }
    const seconds = isRecord(body) ? Number(body['lease_duration']) : 0
    return {
      values,
      version: `${Number(metadata['version'])}@${String(metadata['created_time'])}`,
      lease: seconds > 0 ? seconds * 1_000 : undefined,
    }
  }
  if (status === 404) {
    const was = isRecord(metadata) ? ': its newest version was deleted' : ''
    throw unresolved(`nothing is at ${path}${was} (404)`)
  }
  const said = sayAnswer(answer)
  if (status === 400 || status === 403) throw unresolved(`${path} refused: ${said}`)
  throw new AgentError('vault_unavailable', `Vault: ${path} cannot be read: ${said}`)
}

function unresolved(message: string): AgentError {
  return new AgentError('secret_unresolved', `Vault: ${message}`)
}
