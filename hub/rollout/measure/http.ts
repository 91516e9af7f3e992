import { HubError } from '../../errors.ts'
import { isLoopback } from '../../source/address.ts'
import { resolvePublic } from '../../source/dns.ts'
import { hostOf } from '../../source/host-rules.ts'
import { callJudged } from '../../source/judged/http.ts'
import { createNamedHosts } from '../../source/named-hosts.ts'
import { type GateCredential, type GateCredentials, pickCredential } from './credential.ts'
import { readText } from './fs.ts'
import type { Ask, Question } from './question.ts'

export interface AskOptions {
  /** Hosts that gates may name; empty for every host whose addresses are all public. */
  readonly hosts: readonly string[]
  readonly credentials: GateCredentials
}

const answerBytes = 4 * 1024 * 1024

/**
 * Asks the servers of gates. Whoever writes to Git names them, so each host is held to the rules
 * for hosts, connections go to the addresses that were judged, and credentials only to their hosts.
 */
export function createAsk({ hosts, credentials }: AskOptions): Ask {
  const addressesOf = createNamedHosts({
    hosts,
    setting: '--gate-hosts',
    code: 'gate_unreachable',
    resolve: resolvePublic,
  })

  return async (question, signal) => {
    const { url, post, timeout } = question
    const host = hostOf(url)
    const credential = pickCredential(credentials, question.credential, host)
    const addresses = await addressesOf(host, credential !== undefined)
    const safe = url.protocol === 'https:' || isLoopback(host)
    const ca = credential?.caFile === undefined ? undefined : await readText(credential.caFile)
    try {
      const headers = {
        accept: 'application/json',
        ...(post && { 'content-type': post.type }),
        ...(await authorize(credential, safe)),
        ...(await signed(question, credential)),
      }
      const method = post ? 'POST' : 'GET'
      const body = post?.body ?? null
      const call = { url, method, headers, body, addresses, ca, timeout } as const
      return await callJudged({ ...call, maxBytes: answerBytes }, signal, async (answer) => ({
        ...{ status: answer.statusCode, body: parse(await answer.body.text()) },
      }))
    } catch (cause) {
      if (cause instanceof HubError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      const where = `${url.protocol}//${url.host}${url.pathname}`
      throw new HubError('gate_unreachable', `${where}: ${why}`, { cause })
    }
  }
}

async function authorize(
  credential: GateCredential | undefined,
  safe: boolean,
): Promise<Record<string, string>> {
  const { tokenFile, username, passwordFile } = credential ?? {}
  if (tokenFile === undefined && passwordFile === undefined) return {}
  if (!safe) throw new HubError('gate_unreachable', 'a token or password is sent over https only')
  if (tokenFile !== undefined) return { authorization: `Bearer ${await readText(tokenFile)}` }
  const pair = `${username}:${await readText(passwordFile!)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

async function signed({ post, credential: name }: Question, credential?: GateCredential) {
  if (!post?.sign) return {}
  if (credential?.secretFile === undefined) {
    throw new HubError('gate_unreachable', `the credential "${name}" has no \`secretFile\``)
  }
  return post.sign(Buffer.from(await readText(credential.secretFile)))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(0, 200)
  }
}
