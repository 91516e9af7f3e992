import { parseDuration } from '@groundswell/proto/duration.ts'
import type { Declared } from '../fleet/fleet.ts'
import type { NotificationProviderSpec } from '../fleet/kinds/notification.ts'
import { HubError } from '../errors.ts'
import { hostOf } from '../source/host-rules.ts'
import {
  type AlertCredential,
  type AlertCredentials,
  findAlertCredential,
  pickAlertCredential,
} from './credential.ts'
import { type Letter, toCloudEvent, toMail, toSlack, toTeams } from './payload.ts'
import { signLetter } from './sign.ts'

/** One request or mail to a server that somebody who writes to Git may have named. */
interface Posting {
  readonly url: URL
  /** Named by the hub's own configuration, so not held to the rules for hosts. */
  readonly trusted: boolean
  readonly ca: string | undefined
  /** Milliseconds for all of it. */
  readonly timeout: number
}

export interface Post extends Posting {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Mail extends Posting {
  readonly id: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly login: { readonly user: string; readonly pass: string } | undefined
}

export interface SendDeps {
  readonly fleetName: string
  readonly credentials: AlertCredentials
  /** @throws HubError `notification_failed` in words that hold nothing of the address but its host */
  readonly post: (post: Post, signal: AbortSignal) => Promise<void>
  /** @throws HubError `notification_failed` */
  readonly mail: (mail: Mail, signal: AbortSignal) => Promise<void>
  /** What a file holds, without white space around it. @throws HubError `notification_failed` */
  readonly read: (path: string) => Promise<string>
  readonly clock: () => number
}

const usualTimeout = 15_000

/** Sends letters as each kind of provider wants them. */
export function createSend(deps: SendDeps) {
  const { fleetName, credentials, read, clock } = deps

  async function addressOf({ name, spec }: Declared<NotificationProviderSpec>) {
    const named = spec.credential
    const own =
      named === undefined ? undefined : findAlertCredential(credentials, named).addressFile
    const text = spec.address ?? (own === undefined ? undefined : await read(own))
    const url = text === undefined ? null : URL.parse(text)
    if (!url || !isOfKind(spec.type, url)) {
      throw new HubError('notification_failed', `${name} has no address that can be used`)
    }
    const host = hostOf(url)
    const isOwn = spec.address === undefined
    const credential = pickAlertCredential(credentials, named, host, isOwn)
    return { url, credential, trusted: credential !== undefined }
  }

  return async function send(
    provider: Declared<NotificationProviderSpec>,
    letter: Letter,
    signal: AbortSignal,
  ): Promise<void> {
    const { spec } = provider
    const { url, credential, trusted } = await addressOf(provider)
    const ca = credential?.caFile === undefined ? undefined : await read(credential.caFile)
    const timeout = spec.timeout === undefined ? usualTimeout : parseDuration(spec.timeout)
    const posting = { url, trusted, ca, timeout }
    const json = { 'content-type': 'application/json; charset=utf-8' }
    switch (spec.type) {
      case 'slack':
        return deps.post({ ...posting, headers: json, body: toSlack(letter, spec.channel) }, signal)
      case 'teams':
        return deps.post({ ...posting, headers: json, body: toTeams(letter) }, signal)
      case 'webhook': {
        const body = toCloudEvent(letter, fleetName)
        const headers = {
          'content-type': 'application/cloudevents+json; charset=utf-8',
          ...(await sign(letter.id, body, credential)),
          ...(await authorize(credential, url)),
        }
        return deps.post({ ...posting, headers, body }, signal)
      }
      case 'email':
        return deps.mail(
          {
            ...{ ...posting, id: letter.id, from: spec.from!, to: spec.to! },
            ...toMail(letter, fleetName),
            login: await loginOf(credential),
          },
          signal,
        )
      default:
        return spec.type satisfies never
    }
  }

  async function sign(id: string, body: string, credential: AlertCredential | undefined) {
    const { secretFile, privateKeyFile } = credential ?? {}
    if (secretFile !== undefined) {
      const secret = Buffer.from(await read(secretFile))
      return signLetter({ kind: 'hmac', secret }, id, clock(), body)
    }
    if (privateKeyFile === undefined) return { 'webhook-id': id }
    return signLetter({ kind: 'ed25519', pem: await read(privateKeyFile) }, id, clock(), body)
  }

  async function authorize(
    credential: AlertCredential | undefined,
    url: URL,
  ): Promise<Record<string, string>> {
    if (credential?.tokenFile === undefined) return {}
    if (url.protocol !== 'https:' && url.hostname !== '127.0.0.1') {
      throw new HubError('notification_failed', 'a token is sent over https only')
    }
    return { authorization: `Bearer ${await read(credential.tokenFile)}` }
  }

  async function loginOf(credential: AlertCredential | undefined) {
    const { username, passwordFile } = credential ?? {}
    if (username === undefined || passwordFile === undefined) return undefined
    return { user: username, pass: await read(passwordFile) }
  }
}

export type Send = ReturnType<typeof createSend>

function isOfKind(type: NotificationProviderSpec['type'], { protocol }: URL): boolean {
  const schemes = type === 'email' ? ['smtp:', 'smtps:'] : ['http:', 'https:']
  return schemes.includes(protocol)
}
