import { join } from 'node:path'
import { createAlerting } from '../alert/alerting.ts'
import { createCourier } from '../alert/bullmq.ts'
import { readText } from '../alert/fs.ts'
import { createPost, type FindAddresses } from '../alert/http.ts'
import { createSend } from '../alert/send.ts'
import { createMail } from '../alert/smtp.ts'
import { later } from '../clock.ts'
import { HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { readAlertCredentials } from '../fs.ts'
import type { Register } from '../ledger/register.ts'
import { readReplicaSecret } from '../replica/fs.ts'
import { createSeal } from '../replica/seal.ts'
import { resolvePublic } from '../source/dns.ts'
import { judgeHost } from '../source/host-rules.ts'
import type { HubEvent } from '../status/event.ts'
import type { Surroundings } from './surroundings.ts'

export interface AlertingParts {
  readonly redisUrl: string
  readonly register: Register
  readonly fleet: () => Fleet | null
  readonly tell: (event: HubEvent) => void
}

export type Alerting = ReturnType<typeof createAlerting>

/** Puts together what tells people outside. Nothing is told before it begins. */
export async function openAlerting(
  { config, log, started, signal, clock }: Surroundings,
  { redisUrl, register, fleet, tell }: AlertingParts,
): Promise<Alerting> {
  const courier = started.own(
    createCourier({
      ...{ url: redisUrl, fleet: config.fleetName },
      seal: createSeal(await readReplicaSecret(join(config.shared, 'ca'))),
      log: (message, err) => log.warn({ err }, message),
    }),
    (open) => open.close().catch(() => {}),
  )
  const findAddresses = hostRules(config.alertHosts)
  const send = createSend({
    fleetName: config.fleetName,
    credentials: readAlertCredentials(config.alertCredentialsFile),
    post: createPost(findAddresses),
    mail: createMail(findAddresses),
    read: readText,
    clock,
  })
  return createAlerting({
    ...{ fleetName: config.fleetName, fleet, state: register.state, ledger: register },
    ...{ courier, send, clock, tell, later, signal },
    log: (level, message, err) => log[level]({ err }, message),
  })
}

/** Whoever writes to Git names hosts: those of no credential have to be public, or listed. */
function hostRules(allowed: readonly string[]): FindAddresses {
  return async (host, trusted) => {
    switch (trusted ? 'trusted' : judgeHost(host, { allowed, fleet: '' })) {
      case 'trusted':
        return undefined
      case 'public':
        try {
          return await resolvePublic(host)
        } catch (cause) {
          const message = (cause as Error).message.replace('--source-hosts', '--alert-hosts')
          throw new HubError('notification_failed', message, { cause })
        }
      case 'refused':
        throw new HubError('notification_failed', `${host} is not one of --alert-hosts`)
    }
  }
}
