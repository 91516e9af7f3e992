import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Head and text, as they came. */
  readonly text: string
  /** Who logged in; empty when nobody did. */
  readonly user: string
}

export interface MailServer extends AsyncDisposable {
  readonly mails: ReceivedMail[]
  /** `smtp://127.0.0.1:PORT` */
  readonly address: string
}

/** A real mail server on the loopback network; the user `hub` has the password `right`. */
export async function startMailServer(
  options: { readonly refuse?: boolean } = {},
): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      if (username === 'hub' && password === 'right') done(null, { user: 'hub' })
      else done(new Error('wrong password'))
    },
    onData(stream, { envelope, user }, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        if (options.refuse) return done(new Error('the mailbox is full'))
        const { mailFrom, rcptTo } = envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(parts).toString(),
          user: typeof user === 'string' ? user : '',
        })
        return done()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    mails,
    address: `smtp://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
