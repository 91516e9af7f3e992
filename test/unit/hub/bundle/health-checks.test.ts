import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HealthCheck } from '@groundswell/proto/health-check.ts'
import { findHealthFaults, selectHealthChecks } from '../../../../hub/bundle/health-checks.ts'

const check = (apiVersion: string, kind: string, current = 'true'): HealthCheck => ({
  ...{ apiVersion, kind, current },
})
const object = (apiVersion: string, kind: string) => ({
  apiVersion,
  id: { group: '', kind, namespace: 'n', name: 'o' },
})
const common = [check('a.io/v1', 'A', 'fleet'), check('b.io/v1', 'B', 'fleet')]

describe('selectHealthChecks', () => {
  it('takes of the fleet’s checks those for kinds that are here, whatever their version', () => {
    const found = selectHealthChecks([object('a.io/v2', 'A'), object('v1', 'ConfigMap')], {
      application: 'shop',
      commonHealth: common,
    })
    assert.deepEqual(found, [common[0]])
  })

  it('has the application’s own word before the fleet’s', () => {
    const own = [check('b.io/v3', 'B', 'own'), check('c.io/v1', 'C', 'own')]
    const objects = [object('a.io/v1', 'A'), object('b.io/v1', 'B')]
    assert.deepEqual(
      selectHealthChecks(objects, {
        application: 'shop',
        healthChecks: own,
        commonHealth: common,
      }),
      [...own, common[0]],
    )
  })

  it('does not take a kind of one name in another group for it', () => {
    const given = { application: 'shop', commonHealth: common }
    assert.deepEqual(selectHealthChecks([object('z.io/v1', 'A')], given), [])
  })

  it('refuses more than an agent takes, with the number', () => {
    const many = Array.from({ length: 51 }, (_, n) => check(`g${n}.io/v1`, 'A'))
    const [fault] = findHealthFaults(many, { application: 'shop' })
    assert.match(fault!.message, /^51 of its kinds .* at most 50 are allowed/)
    assert.deepEqual(findHealthFaults(many.slice(1), { application: 'shop' }), [])
  })
})
