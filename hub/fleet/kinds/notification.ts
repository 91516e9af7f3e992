import { type Static, Type } from 'typebox'
import { findUnknownNames, templateNames } from '../../alert/text.ts'
import { whyUnclosed } from '../resolve/template.ts'
import { closed, DurationText, Labels, Name } from './fields.ts'
import { checkName, checkNames, type Names, type Path, type Report } from './names.ts'
import { whyBadAddress } from './web-address.ts'

/** Where messages go. What is secret of it is in a credential, never in Git. */
export const NotificationProviderSpec = Type.Object(
  {
    type: Type.Union([
      Type.Literal('slack'),
      Type.Literal('teams'),
      Type.Literal('webhook'),
      Type.Literal('email'),
    ]),
    /** `https://…`, and `smtps://host:port` or `smtp://host:port` for email. */
    address: Type.Optional(Type.String({ minLength: 1 })),
    /**
     * Name of a credential the hub's own configuration defines: the address of an incoming webhook
     * of Slack or Teams, the key a webhook is signed with, the login of a mail server.
     */
    credential: Type.Optional(Type.String({ minLength: 1 })),
    channel: Type.Optional(Type.String({ minLength: 1 })),
    from: Type.Optional(Type.String({ minLength: 1 })),
    to: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 50 })),
    timeout: Type.Optional(DurationText),
    suspend: Type.Optional(Type.Boolean()),
  },
  closed,
)

const EventSource = Type.Object(
  {
    kind: Type.Union([
      Type.Literal('Application'),
      Type.Literal('Cluster'),
      Type.Literal('Rollout'),
      Type.Literal('Fleet'),
    ]),
    /** A name, or a glob of names; all when left out. Of a rollout, its application's. */
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    matchLabels: Type.Optional(Labels),
    /** Of clusters, those of a group. */
    clusterGroup: Type.Optional(Name),
  },
  closed,
)

const TextGlobs = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 50 })

/** Which events are told to whom. */
export const AlertSpec = Type.Object(
  {
    providers: Type.Array(Name, { minItems: 1 }),
    eventSources: Type.Array(EventSource, { minItems: 1 }),
    /** The least that is told; `info` when left out. */
    severity: Type.Optional(
      Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('error')]),
    ),
    /** Globs of event types, such as `rollout.*`; all when left out. */
    types: Type.Optional(TextGlobs),
    /** Globs of messages; all when left out. */
    include: Type.Optional(TextGlobs),
    exclude: Type.Optional(TextGlobs),
    /** Put before every message. */
    summary: Type.Optional(Type.String({ maxLength: 1_000 })),
    /** The whole text, with `${name}`, `${message}` and others filled in. */
    template: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
    suspend: Type.Optional(Type.Boolean()),
  },
  closed,
)

export type NotificationProviderSpec = Static<typeof NotificationProviderSpec>
export type AlertSpec = Static<typeof AlertSpec>

const mailOnly = ['from', 'to'] as const

export function checkNotificationProvider(spec: NotificationProviderSpec, report: Report): void {
  const { type, address, credential } = spec
  const isMail = type === 'email'
  if (address !== undefined) {
    const wrong = whyBadAddress(address, isMail ? ['smtps', 'smtp'] : ['https', 'http'])
    if (wrong) report(['spec', 'address'], wrong)
    else if (type === 'slack' || type === 'teams') {
      report(
        ['spec', 'address'],
        'who knows the address of an incoming webhook may post to it; name a `credential` that holds it',
      )
    }
  } else if ((type === 'webhook' || isMail) && credential === undefined) {
    report(['spec'], `a ${type} provider needs \`address\`, or a \`credential\` that holds it`)
  }
  if ((type === 'slack' || type === 'teams') && credential === undefined) {
    report(['spec'], `a ${type} provider needs \`credential\`, which holds its webhook's address`)
  }
  for (const field of mailOnly) {
    if (isMail && spec[field] === undefined)
      report(['spec'], `an email provider needs \`${field}\``)
    if (!isMail && spec[field] !== undefined) {
      report(['spec', field], `\`${field}\` is for email providers only`)
    }
  }
  if (spec.channel !== undefined && type !== 'slack') {
    report(['spec', 'channel'], '`channel` is for slack providers only')
  }
}

export function checkAlert(spec: AlertSpec, names: Names, report: Report): void {
  const { providers } = spec
  checkNames(
    providers,
    names.notificationProviders,
    'NotificationProvider',
    ['spec', 'providers'],
    report,
  )
  const unclosed = whyUnclosed(spec.template ?? '')
  if (unclosed !== undefined) report(['spec', 'template'], unclosed)
  for (const unknown of findUnknownNames(spec.template ?? '')) {
    report(
      ['spec', 'template'],
      `\${${unknown}} is not known; there are ${templateNames.join(', ')}`,
    )
  }
  spec.eventSources.forEach(({ kind, name, clusterGroup }, index) => {
    const at: Path = ['spec', 'eventSources', index, 'clusterGroup']
    if (clusterGroup !== undefined && kind !== 'Cluster') {
      report(at, '`clusterGroup` is for clusters only')
    } else if (clusterGroup !== undefined) {
      checkName(clusterGroup, names.groups, 'ClusterGroup', at, report)
    }
    const path: Path = ['spec', 'eventSources', index, 'name']
    if (name === undefined || /[*?]/.test(name)) return
    if (kind === 'Application') checkName(name, names.applications, 'Application', path, report)
    if (kind === 'Cluster') checkName(name, names.clusters, 'cluster', path, report)
    if (kind === 'Fleet') report(path, 'there is one fleet; leave `name` out')
  })
}
