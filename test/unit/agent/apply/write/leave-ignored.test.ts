import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject, ManagedFields } from '../../../../../agent/cluster/port.ts'
import type { Body } from '../../../../../agent/apply/write/body.ts'
import { leaveIgnored } from '../../../../../agent/apply/write/leave-ignored.ts'
import { fieldManager } from '../../../../../agent/apply/inventory/ownership.ts'

const metadata = { name: 'web', namespace: 'shop' }
const body = (spec: unknown): Body => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata,
  spec,
})
const ours = (fields: object): ManagedFields => ({
  manager: fieldManager,
  operation: 'Apply',
  fieldsV1: { 'f:spec': fields },
})
const theirs = (manager: string, fields: object, subresource?: string): ManagedFields => ({
  manager,
  operation: 'Update',
  fieldsV1: { 'f:spec': fields },
  ...(subresource && { subresource }),
})
const live = (spec: unknown, ...managedFields: ManagedFields[]): LiveObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...metadata, managedFields },
  spec,
})
const rules = (pointers: string[], managers: string[] = []) => ({ pointers, managers })
const container = (...fields: string[]) => ({
  'f:containers': {
    'k:{"name":"web"}': {
      '.': {},
      'f:name': {},
      ...Object.fromEntries(fields.map((field) => [`f:${field}`, {}])),
    },
  },
})

describe('leaveIgnored', () => {
  it('leaves out what another manager owns', () => {
    const found = live(
      { replicas: 7, paused: false },
      ours({ 'f:paused': {} }),
      theirs('hpa', { 'f:replicas': {} }, 'scale'),
    )
    const written = leaveIgnored(
      body({ replicas: 2, paused: true }),
      found,
      rules(['/spec/replicas']),
    )
    assert.deepEqual(written['spec'], { paused: true })
  })

  it('keeps the live value of what we alone own, lest the API server takes it away', () => {
    const found = live({ replicas: 7 }, ours({ 'f:replicas': {} }))
    const written = leaveIgnored(body({ replicas: 2 }), found, rules(['/spec/replicas']))
    assert.deepEqual(written['spec'], { replicas: 7 })
  })

  it('does not bring back what was taken away', () => {
    const written = leaveIgnored(
      body({ replicas: 2, paused: true }),
      live({}),
      rules(['/spec/replicas']),
    )
    assert.deepEqual(written['spec'], { paused: true })
  })

  it('finds a list item by its key, wherever others have put it', () => {
    const found = live(
      { containers: [{ name: 'side' }, { name: 'web', image: 'b', tty: true }] },
      ours(container('tty')),
      theirs('updater', { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } }),
    )
    const wanted = body({ containers: [{ name: 'web', image: 'a', tty: false }] })
    const written = leaveIgnored(wanted, found, rules(['/spec/containers/1/image']))
    assert.deepEqual(written['spec'], { containers: [{ name: 'web', tty: false }] })
  })

  it('leaves to managers what they own, and no more', () => {
    const found = live(
      { replicas: 7, paused: true },
      ours({ 'f:paused': {} }),
      theirs('keda', { 'f:replicas': {} }),
    )
    const written = leaveIgnored(
      body({ replicas: 2, paused: false }),
      found,
      rules([], ['keda', 'other']),
    )
    assert.deepEqual(written['spec'], { paused: false })
  })

  it('keeps a part of what is owned whole', () => {
    const found = live({ atomic: { a: 1, b: 9 } }, ours({ 'f:atomic': {} }))
    const written = leaveIgnored(body({ atomic: { a: 2, b: 2 } }), found, rules(['/spec/atomic/b']))
    assert.deepEqual(written['spec'], { atomic: { a: 2, b: 9 } })
  })

  it('keeps a whole item of a list that is ignored', () => {
    const found = live({ containers: [{ name: 'web', image: 'b' }] }, ours(container('image')))
    const wanted = body({ containers: [{ name: 'web', image: 'a' }] })
    const written = leaveIgnored(wanted, found, rules(['/spec/containers/0']))
    assert.deepEqual(written['spec'], { containers: [{ name: 'web', image: 'b' }] })
  })

  it('changes neither what it was given nor what no rule names', () => {
    const wanted = body({ replicas: 2, deep: [{ a: { b: 1 } }] })
    const before = structuredClone(wanted)
    assert.deepEqual(leaveIgnored(wanted, live({ replicas: 3 }), rules(['/spec/other'])), before)
    leaveIgnored(
      wanted,
      live({ replicas: 3 }, ours({ 'f:replicas': {} })),
      rules(['/spec/replicas']),
    )
    assert.deepEqual(wanted, before)
  })

  it('keeps the digits of a number that JavaScript would round', () => {
    const json = JSON as unknown as { rawJSON(text: string): unknown }
    const wanted = body({ big: json.rawJSON('12345678901234567890'), replicas: 1 })
    const written = leaveIgnored(wanted, live({}), rules(['/spec/replicas']))
    assert.equal(JSON.stringify(written['spec']), '{"big":12345678901234567890}')
  })
})
