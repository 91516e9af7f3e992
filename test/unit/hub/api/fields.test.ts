import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFields, pickFields } from '../../../../hub/api/fields.ts'
import { ApplicationView, ClusterView } from '../../../../hub/api/views.ts'

const pick = (value: unknown, fields: string, schema = ClusterView) =>
  pickFields(value, parseFields(fields, schema))

const cluster = {
  name: 'a',
  labels: { env: 'prod' },
  counts: { applications: 2, failed: 1 },
  applications: [
    { name: 'shop', phase: 'Applied' },
    { name: 'till', phase: null },
  ],
}

describe('fields', () => {
  it('are members, members of members, and of each item of a list', () => {
    assert.deepEqual(pick(cluster, 'name,counts.failed,applications.name'), {
      name: 'a',
      counts: { failed: 1 },
      applications: [{ name: 'shop' }, { name: 'till' }],
    })
  })

  it('name a whole once a part was named, in either order', () => {
    for (const fields of ['counts,counts.failed', 'counts.failed,counts']) {
      assert.deepEqual(pick(cluster, fields), { counts: cluster.counts })
    }
  })

  it('leave null and what is not there as it is', () => {
    const given = { name: 'shop', hold: null }
    assert.deepEqual(pickFields(given, parseFields('hold.reason,rollout.id', ApplicationView)), {
      hold: null,
    })
  })

  for (const [fields, message] of [
    ['nmae', /^fields: no "nmae"; one of name, displayName, labels,/],
    ['counts.gone', /^fields: no "gone" in counts; one of applications, updated, pending, failed$/],
    ['name.first', /^fields: no "first" in name; nothing is below it$/],
    ['constructor', /^fields: no "constructor"; one of /],
    ['labels.env', /^fields: no "env" in labels; nothing is below it$/],
    [Array(51).fill('name').join(), /^fields: more than 50 of them$/],
    ['a'.repeat(513), /^fields: longer than 512 characters$/],
  ] as const) {
    it(`B75: are not ${fields.slice(0, 20)}`, () => {
      assert.throws(() => parseFields(fields, ClusterView), { code: 'invalid', message })
    })
  }
})
