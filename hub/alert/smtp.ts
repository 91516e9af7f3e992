import { isIP } from 'node:net'
import { HubError } from '../errors.ts'
import { hostOf } from '../source/host-rules.ts'
import type { FindAddresses } from '../source/named-hosts.ts'
import type { Mail } from './send.ts'

/**
 * Mails once. A mail server on `smtp:` has to offer STARTTLS, unless it is this machine's: neither
 * passwords nor mails go in clear.
 */
export function createMail(findAddresses: FindAddresses) {
  return async function mail(
    { url, trusted, ca, timeout, id, from, to, subject, text, login }: Mail,
    signal: AbortSignal,
  ): Promise<void> {
    const host = hostOf(url)
    const addresses = await findAddresses(host, trusted)
    const secure = url.protocol === 'smtps:'
    const isHere = host === 'localhost' || host === '127.0.0.1' || host === '::1'
    // Read when there is something to mail: a hub that starts has agents waiting.
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      // Connections go to the address that was judged; its certificate is for the name.
      host: addresses?.[0] ?? host,
      port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
      secure,
      requireTLS: !isHere,
      tls: {
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca }),
      },
      ...(login && { auth: login }),
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    const stop = () => transport.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      signal.throwIfAborted()
      const messageId = `<${id}@${from.split('@').at(-1) ?? 'groundswell'}>`
      await transport.sendMail({ from, to: [...to], subject, text, messageId })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new HubError('notification_failed', `${host}: ${why.slice(0, 300)}`, { cause })
    } finally {
      signal.removeEventListener('abort', stop)
      transport.close()
    }
  }
}
