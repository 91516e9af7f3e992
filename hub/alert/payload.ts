import { canonicalJson } from '@groundswell/proto/canonical.ts'
import type { Notice } from './notice.ts'

/** A letter to one provider, whole: nothing has to be looked up to send it. */
export interface Letter {
  /** Of this notice to this provider; whoever gets it twice can tell by it. */
  readonly id: string
  readonly provider: string
  readonly notice: Notice
  readonly text: string
}

const marks = { info: 'ℹ️', warning: '⚠️', error: '🛑' } as const

/** Body of Slack's incoming webhook. Nothing in it links, mentions or formats. */
export function toSlack({ notice, text }: Letter, channel: string | undefined): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return JSON.stringify({
    text: `${marks[notice.severity]} ${safe}`,
    // Words of others are shown as they are.
    mrkdwn: false,
    ...(channel !== undefined && { channel }),
  })
}

/** Body of a webhook of Teams' workflows: one adaptive card. */
export function toTeams({ notice, text }: Letter): string {
  const facts = [
    ['Severity', notice.severity],
    ['Event', notice.type],
    ...(notice.rollout ? [['Rollout', notice.rollout]] : []),
    ...(notice.revision ? [['Revision', notice.revision]] : []),
  ]
  const plain = (words: string) => ({ type: 'TextRun', text: words })
  return JSON.stringify({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          // Runs of text know no markdown.
          body: [
            { type: 'RichTextBlock', inlines: [plain(`${marks[notice.severity]} ${text}`)] },
            { type: 'FactSet', facts: facts.map(([title, value]) => ({ title, value })) },
          ],
        },
      },
    ],
  })
}

/** A CloudEvent 1.0 in structured mode. */
export function toCloudEvent({ id, notice, text }: Letter, fleet: string): string {
  const { at, type, severity, kind, name, rollout, revision, actor, message } = notice
  return canonicalJson({
    specversion: '1.0',
    id,
    source: `/fleets/${encodeURIComponent(fleet)}`,
    type: `dev.groundswell.${type}.v1`,
    subject: rollout === undefined ? `${kind.toLowerCase()}/${name}` : `rollout/${rollout}`,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    data: {
      ...{ severity, kind, name, actor, message, text, fleet },
      ...(rollout !== undefined && { rollout }),
      ...(revision !== undefined && { revision }),
    },
  })
}

/** Subject and text of a mail. */
export function toMail({ notice, text }: Letter, fleet: string) {
  const { severity, kind, name, message } = notice
  const line = `[${fleet}] ${severity}: ${kind} ${name}: ${message}`.replace(/\s+/g, ' ')
  return { subject: line.length <= 150 ? line : `${line.slice(0, 149)}…`, text: `${text}\n` }
}
