import { join } from 'node:path'
import { createAlerting } from '../alert/alerting.ts'
import { createCourier } from '../alert/bullmq.ts'
import { readText } from '../alert/fs.ts'
import { createPost } from '../alert/http.ts'
import { createSend } from '../alert/send.ts'
import { createMail } from '../alert/smtp.ts'
import { later } from '../clock.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { readAlertCredentials } from '../fs.ts'
import type { Register } from '../ledger/register.ts'
import { readReplicaSecret } from '../replica/fs.ts'
import { createSeal } from '../replica/seal.ts'
import { resolvePublic } from '../source/dns.ts'
import { createNamedHosts } from '../source/named-hosts.ts'
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
  const findAddresses = createNamedHosts({
    hosts: config.alertHosts,
    setting: '--alert-hosts',
    code: 'notification_failed',
    resolve: resolvePublic,
  })
  const send = createSend({
    fleetName: config.fleetName,
    credentials: readAlertCredentials(config.alertCredentialsFile),
    post: createPost(findAddresses, clock),
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
