import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noticesOfEntry } from '../../../../hub/alert/entry-notice.ts'
import { groupNotices } from '../../../../hub/alert/group-notices.ts'
import { matchAlerts } from '../../../../hub/alert/match.ts'
import { noticeOfNews, quietMs } from '../../../../hub/alert/news-notice.ts'
import type { Notice } from '../../../../hub/alert/notice.ts'
import { toCloudEvent, toMail, toSlack, toTeams } from '../../../../hub/alert/payload.ts'
import { findUnknownNames, writeText } from '../../../../hub/alert/text.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'
import type { Decision } from '../../../../hub/ledger/entry.ts'
import { emptyState, foldEntry } from '../../../../hub/ledger/replay.ts'
import { toChange } from '../../../../hub/rollout/store/change.ts'
import { drive, plan, wave } from '../rollout/world.ts'

const head = (kind: string, name: string, labels = '') =>
  `apiVersion: groundswell.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name}, labels: {${labels}} }\n`
const fleetOf = (...documents: string[]) =>
  loadFleet(`main@sha1:${'1'.repeat(40)}`, [
    {
      path: 'fleet.yaml',
      bytes: Buffer.from(
        [
          `${head('Cluster', 'edge-1', 'ring: one')}spec: {}`,
          `${head('Cluster', 'edge-2')}spec: {}`,
          `${head('ClusterGroup', 'one')}spec: { selector: { matchLabels: { ring: one } } }`,
          `${head('Application', 'shop', 'team: a')}spec: { source: { path: shop }, targets: [{ clusterSelector: {} }] }`,
          `${head('NotificationProvider', 'ops')}spec: { type: slack, credential: c }`,
          `${head('NotificationProvider', 'all')}spec: { type: webhook, address: "https://x.example" }`,
          ...documents,
        ].join('\n---\n'),
      ),
    },
  ])
const alert = (name: string, spec: string) => `${head('Alert', name)}spec: {${spec}}`
const notice = (rest: Partial<Notice> = {}): Notice => ({
  ...{ id: 'x', at: 0, type: 'rollout.failed', severity: 'error', kind: 'Rollout', name: 'shop' },
  ...{ actor: 'hub', message: 'apps/web: no' },
  ...rest,
})
const told = (spec: string, one: Notice) =>
  matchAlerts(one, fleetOf(alert('a', `providers: [ops], ${spec}`))).length > 0

describe('whom a notice is told', () => {
  test('by kind, name, labels and group', () => {
    assert.ok(told('eventSources: [{ kind: Rollout }]', notice()))
    assert.ok(!told('eventSources: [{ kind: Application }]', notice()))
    assert.ok(told('eventSources: [{ kind: Rollout, name: "sh*" }]', notice()))
    assert.ok(!told('eventSources: [{ kind: Rollout, name: "web*" }]', notice()))
    assert.ok(told('eventSources: [{ kind: Rollout, matchLabels: { team: a } }]', notice()))
    assert.ok(!told('eventSources: [{ kind: Rollout, matchLabels: { team: b } }]', notice()))
    const of = (name: string) => notice({ kind: 'Cluster', name })
    assert.ok(told('eventSources: [{ kind: Cluster, clusterGroup: one }]', of('edge-1')))
    assert.ok(!told('eventSources: [{ kind: Cluster, clusterGroup: one }]', of('edge-2')))
  })

  test('by severity, type and words', () => {
    const from = 'eventSources: [{ kind: Rollout }]'
    assert.ok(!told(`${from}, severity: error`, notice({ severity: 'warning' })))
    assert.ok(told(`${from}, severity: warning`, notice()))
    assert.ok(told(`${from}, types: ["rollout.*"]`, notice()))
    assert.ok(!told(`${from}, types: ["hold.*"]`, notice()))
    assert.ok(told(`${from}, include: ["*web*"]`, notice()), 'a slash in words is no border')
    assert.ok(!told(`${from}, exclude: ["*: no"]`, notice()))
    assert.ok(!told(`${from}, suspend: true`, notice()))
  })

  test('each provider once, whatever asks for it', () => {
    const from = 'eventSources: [{ kind: Rollout }]'
    const fleet = fleetOf(
      alert('b', `providers: [ops, all], ${from}, summary: second`),
      alert('a', `providers: [ops], ${from}, summary: first`),
    )
    assert.deepEqual(
      matchAlerts(notice(), fleet).map(({ alert, provider }) => [provider.name, alert.name]),
      [
        ['ops', 'a'],
        ['all', 'b'],
      ],
    )
  })
})

describe('what of the ledger is told', () => {
  const planned = plan([wave('one', ['a'], { before: [{ kind: 'approval', role: 'operator' }] })])

  function ledger(decisions: readonly Decision[]) {
    const state = emptyState()
    return extendChain(emptyChain, 5, 'hub', decisions).entries.flatMap((entry) => {
      foldEntry(state, entry)
      return noticesOfEntry(entry, state)
    })
  }

  test('phases, and once that it waits for people; not each step', () => {
    const it = drive(planned)
    const made: Decision[] = [{ type: 'rollout.created', plan: planned }]
    let before = it.run
    const note = () => {
      const change = toChange(before, it.run)
      made.push({ type: 'rollout.moved', rollout: planned.id, cause: '', reason: '', change })
      before = it.run
    }
    it.act({ kind: 'start' })
    note()
    it.act({ kind: 'pause' }, 1)
    note()
    it.act({ kind: 'resume' }, 2)
    note()
    it.act({ kind: 'approve' }, 3)
    note()
    const notices = ledger(made)
    assert.deepEqual(
      notices.map(({ type, severity }) => `${type} ${severity}`),
      [
        'rollout.created info',
        'rollout.progressing info',
        'rollout.waitsForApproval info',
        'rollout.paused warning',
        'rollout.waitsForApproval info',
        'rollout.progressing info',
        'rollout.waitsForApproval info',
      ],
    )
    const waits = notices.filter(({ type }) => type === 'rollout.waitsForApproval')
    assert.equal(new Set(waits.map(({ id }) => id)).size, 1, 'one thing, told once')
    assert.match(waits[0]!.message, /before wave one for an approval by the role operator/)
    assert.ok(notices.every(({ name, rollout }) => name === 'shop' && rollout === planned.id))
  })

  test('holds are errors of their application; receipts and its own notes are not told', () => {
    const hold = {
      ...{ application: 'shop', contentDigest: planned.contentDigest, rollout: 'r' },
      ...{ revision: `main@sha1:${'a'.repeat(40)}`, at: 1, reason: 'bad' },
    }
    const notices = ledger([
      { type: 'hold.set', hold },
      { type: 'receipts.kept', receipts: [] },
      { type: 'alerts.told', through: { ops: 1 } },
    ])
    assert.deepEqual(
      notices.map(({ type, severity, kind, name }) => [type, severity, kind, name]),
      [['hold.set', 'error', 'Application', 'shop']],
    )
  })
})

describe('news', () => {
  const gone = (name: string) => ({
    ...{ type: 'cluster.disconnected', actor: name, subject: `cluster/${name}` },
    message: 'disconnected',
  })

  test('has one id for as long as it is not told again', () => {
    const [one, same, later] = [1, quietMs - 1, quietMs].map(
      (at) => noticeOfNews(gone('a'), at)!.id,
    )
    assert.equal(one, same)
    assert.notEqual(one, later)
    assert.equal(noticeOfNews({ ...gone('a'), type: 'notification.failed' }, 1), undefined)
  })

  test('of a thousand clusters at once is one notice', () => {
    const all = Array.from({ length: 1_000 }, (_, at) => noticeOfNews(gone(`c${at}`), 1)!)
    const [only, ...rest] = groupNotices(all)
    assert.deepEqual(rest, [])
    assert.match(only!.message, /^1000 times cluster\.disconnected:\nc0: disconnected\n/)
    assert.match(only!.message, /\nand 990 more$/)
    assert.equal(groupNotices(all.toReversed())[0]!.id, only!.id, 'in whatever order they come')
  })
})

describe('the words', () => {
  test('a template fills in names and nothing else', () => {
    const template = '${severity} ${name}: ${message} ${nope} ${constructor}'
    assert.deepEqual(findUnknownNames(template), ['nope', 'constructor'])
    assert.equal(
      writeText(notice({ message: '${type} $& `x`' }), { fleet: 'f', template }),
      'error shop: ${type} $& `x` ${nope} ${constructor}',
    )
  })

  test('are bounded, and hold nothing that a terminal obeys', () => {
    const text = writeText(notice({ message: `\u001b[31m\u202e${'x'.repeat(9_000)}` }), {
      fleet: 'f',
    })
    assert.equal(text.length, 3_000)
    assert.ok(!text.includes('\u001b') && !text.includes('\u202e'))
    const named = notice({ actor: 'oidc:\u202eada\u001b[2J' })
    const by = writeText(named, { fleet: 'f', template: 'by ${actor}' })
    assert.equal(by, 'by oidc: ada [2J', 'the name of a person neither')
  })

  const letter = {
    id: 'l',
    provider: 'ops',
    notice: notice(),
    text: '<!channel> *a* & <http://x|y>',
  }

  test('Slack and Teams are shown them as they are: no mention, no link', () => {
    const slack = JSON.parse(toSlack(letter, '#ops')) as { text: string; channel: string }
    assert.match(slack.text, /&lt;!channel&gt; \*a\* &amp; &lt;http/)
    assert.equal(slack.channel, '#ops')
    const teams = toTeams(letter)
    assert.match(teams, /"type":"RichTextBlock"/)
    assert.doesNotMatch(teams, /"TextBlock"/)
  })

  test('a mail has one line for a subject, whatever is in the words', () => {
    const mail = toMail({ ...letter, notice: notice({ message: 'a\r\nBcc: x@y' }) }, 'f')
    assert.equal(mail.subject, '[f] error: Rollout shop: a Bcc: x@y')
  })

  test('a webhook gets a CloudEvent', () => {
    const event = JSON.parse(toCloudEvent({ ...letter, notice: notice({ rollout: 'r1' }) }, 'f'))
    assert.deepEqual(
      [event.specversion, event.id, event.type, event.subject, event.time, event.data.severity],
      [
        '1.0',
        'l',
        'dev.groundswell.rollout.failed.v1',
        'rollout/r1',
        '1970-01-01T00:00:00.000Z',
        'error',
      ],
    )
  })
})
