import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject, ManagedFields } from '../../../../agent/cluster/port.ts'
import { findDrift, isScaledByOther } from '../../../../agent/observe/drift.ts'
import { hashProjection, matchesHash, projectOwned } from '../../../../agent/observe/fields.ts'

const manager = 'groundswell'
const ours = (fieldsV1: object): ManagedFields => ({
  manager,
  operation: 'Apply',
  fieldsV1: fieldsV1 as Record<string, unknown>,
})
const theirs = (manager: string, fieldsV1: object, subresource?: string): ManagedFields => ({
  manager,
  operation: 'Update',
  fieldsV1: fieldsV1 as Record<string, unknown>,
  ...(subresource && { subresource }),
})
const live = (spec: unknown, managedFields: ManagedFields[], kind = 'Deployment'): LiveObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web', managedFields },
  spec,
})

const containers = {
  'f:spec': {
    'f:containers': {
      'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} },
    },
  },
}
const baselineOf = (object: LiveObject) => {
  const baseline = projectOwned(object, manager)
  assert.ok(baseline)
  return baseline
}

describe('findDrift', () => {
  const before = live({ containers: [{ name: 'web', image: 'a' }] }, [ours(containers)])

  it('names path, values and manager of a field another took over', () => {
    const changed = live({ containers: [{ name: 'side' }, { name: 'web', image: 'b' }] }, [
      theirs('kubectl-edit', {
        'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } },
      }),
    ])
    assert.deepEqual(findDrift(changed, baselineOf(before), manager), [
      {
        path: '/spec/containers/1/image',
        desired: '"a"',
        live: '"b"',
        manager: 'kubectl-edit',
      },
    ])
  })

  it('shows a list item that was taken out', () => {
    const drift = findDrift(live({ containers: [] }, []), baselineOf(before), manager)
    assert.deepEqual(
      drift.map(({ live }) => live),
      ['', ''],
    )
  })

  it('does not see what others add, in lists, maps and containers we left empty', () => {
    const mine = { 'f:spec': { ...containers['f:spec'], 'f:emptyDir': {} } }
    const before = live({ containers: [{ name: 'web', image: 'a' }], emptyDir: {} }, [ours(mine)])
    const after = live(
      {
        containers: [{ name: 'web', image: 'a', pullPolicy: 'Always' }, { name: 'mesh' }],
        emptyDir: { sizeLimit: '1Gi' },
        paused: false,
      },
      [ours(mine), theirs('mesh', { 'f:spec': { 'f:emptyDir': { 'f:sizeLimit': {} } } })],
    )
    assert.deepEqual(findDrift(after, baselineOf(before), manager), [])
  })

  it('sees an atomic container change that we left empty', () => {
    const mine = { 'f:spec': { 'f:podSelector': {} } }
    const after = live({ podSelector: { matchLabels: { a: 'b' } } }, [theirs('someone', mine)])
    const drift = findDrift(after, baselineOf(live({ podSelector: {} }, [ours(mine)])), manager)
    assert.equal(drift[0]?.path, '/spec/podSelector')
    assert.equal(drift[0]?.manager, 'someone')
  })

  const sized = { 'f:spec': { 'f:replicas': {} } }
  for (const [who, drifts] of [
    ['kube-controller-manager', 0],
    ['keda', 0],
    ['kubectl', 1],
    ['k9s', 1],
  ] as const) {
    it(`${drifts ? 'takes' : 'does not take'} a size set by ${who} for drift`, () => {
      const after = live({ replicas: 9 }, [theirs(who, sized, 'scale')])
      const drift = findDrift(after, baselineOf(live({ replicas: 2 }, [ours(sized)])), manager)
      assert.equal(drift.length, drifts)
      assert.equal(isScaledByOther(after), !drifts)
    })
  }

  it('keeps the values of a Secret to itself, in drift and in memory (I10)', () => {
    const secret = (password: string): LiveObject => ({
      ...live(undefined, [ours({ 'f:data': { 'f:password': {} } })], 'Secret'),
      data: { password },
    })
    const baseline = baselineOf(secret('Y2FuYXJ5'))
    const drift = findDrift(secret('b3RoZXI='), baseline, manager)
    assert.equal(drift[0]?.path, '/data/password')
    assert.doesNotMatch(JSON.stringify([baseline, drift]), /Y2FuYXJ5|b3RoZXI/)
  })

  it('follows set members and escapes pointers', () => {
    const set = { 'f:spec': { 'f:marks': { 'v:"a/b"': {} }, 'f:a/b': {} } }
    const before = live({ marks: ['a/b'], 'a/b': 1 }, [ours(set)])
    const drift = findDrift(
      live({ marks: ['x', 'a/b'], 'a/b': 2 }, []),
      baselineOf(before),
      manager,
    )
    assert.deepEqual(
      drift.map(({ path }) => path),
      ['/spec/a~1b'],
    )
  })
})

describe('hashProjection', () => {
  it('changes with an owned value and with nothing else', () => {
    const fields = ours({ 'f:spec': { 'f:a': {} } })
    const hash = (spec: object) => hashProjection(baselineOf(live(spec, [fields])))
    assert.equal(hash({ a: 1, b: 1 }), hash({ a: 1, b: 2 }))
    assert.notEqual(hash({ a: 1 }), hash({ a: 2 }))
  })

  it('knows an object again whose size only an autoscaler changed', () => {
    const whole = baselineOf(
      live({ a: 1, replicas: 2 }, [ours({ 'f:spec': { 'f:a': {}, 'f:replicas': {} } })]),
    )
    const left = baselineOf(live({ a: 1, replicas: 9 }, [ours({ 'f:spec': { 'f:a': {} } })]))
    assert.equal(matchesHash(left, hashProjection(whole), true), true)
    assert.equal(matchesHash(left, hashProjection(whole), false), false)
    const other = baselineOf(live({ a: 2 }, [ours({ 'f:spec': { 'f:a': {} } })]))
    assert.equal(matchesHash(other, hashProjection(whole), true), false)
  })
})
