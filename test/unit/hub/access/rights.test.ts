import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { actions } from '../../../../hub/access/action.ts'
import { higherRole, isAllowed, type Principal, roles } from '../../../../hub/access/principal.ts'
import { rightsOf } from '../../../../hub/access/rights.ts'
import { makeAccess } from '../../../support/access.ts'

const access = makeAccess({
  applications: { shop: 'store', till: 'store', grid: 'power', stray: undefined },
  roles: {
    store: [
      { name: 'release', groups: ['sellers'], allow: [{ actions: ['start', 'approve'] }] },
      { name: 'look', groups: ['interns'], allow: [{ actions: ['read'], applications: ['s*'] }] },
      { name: 'admin', groups: ['bosses'], allow: [{ actions: ['*'] }] },
      { name: 'empty', allow: [{ actions: ['*'] }] },
    ],
    power: [{ name: 'all', groups: ['engineers'], allow: [{ actions: ['*'] }] }],
  },
})
const may = (principal: Partial<Principal>) =>
  rightsOf({ actor: 'x', role: null, ...principal }, () => access)

describe('rights', () => {
  it('are none for a caller without role and groups, nor for groups that no role names', () => {
    for (const groups of [undefined, [], ['nobody'], ['sellers '], ['SELLERS'], ['*']]) {
      const rights = may(groups ? { groups } : {})
      for (const action of actions) {
        assert.equal(rights.mayAnywhere(action), false)
        for (const name of access.applications.keys()) assert.equal(rights.may(action, name), false)
      }
      assert.equal(rights.sees('shop'), false)
    }
  })

  it('are those of the application’s own Project, and of no other', () => {
    const sellers = may({ groups: ['sellers'] })
    assert(sellers.may('start', 'shop') && sellers.may('approve', 'till'))
    assert(!sellers.may('abort', 'shop') && !sellers.may('start', 'grid'))
    assert(!sellers.may('start', 'stray') && !sellers.sees('stray') && !sellers.sees('gone'))
    assert(sellers.sees('till'), 'whoever may do anything may see it')
  })

  it('end at the applications that a rule names', () => {
    const interns = may({ groups: ['interns'] })
    assert(interns.sees('shop') && !interns.sees('till'))
  })

  it('of a fleet role reach every application, and no further than the role', () => {
    assert(may({ role: 'viewer' }).sees('stray'))
    assert(!may({ role: 'viewer' }).may('start', 'shop'))
    assert(may({ role: 'viewer', groups: ['sellers'] }).may('start', 'shop'))
    assert(!may({ role: 'viewer', groups: ['sellers'] }).may('start', 'grid'))
    assert(actions.every((action) => may({ role: 'operator' }).may(action, 'stray')))
  })

  it('go with the commit that takes the role away', () => {
    let now: typeof access | null = access
    const rights = rightsOf({ actor: 'x', role: null, groups: ['sellers'] }, () => now)
    assert(rights.may('start', 'shop'))
    now = null
    assert(!rights.may('start', 'shop') && !rights.sees('shop') && !rights.mayAnywhere('start'))
  })

  it('meet a gate by a fleet role, a role of the Project, or its approvers for an operator', () => {
    assert(may({ role: 'operator' }).holds('operator', 'grid'))
    assert(!may({ role: 'operator' }).holds('admin', 'grid'))
    assert(may({ role: 'admin' }).holds('any-name', 'grid'))
    assert(may({ groups: ['sellers'] }).holds('release', 'shop'))
    assert(may({ groups: ['sellers'] }).holds('operator', 'shop'))
    assert(!may({ groups: ['interns'] }).holds('operator', 'shop'))
    assert(!may({ groups: ['sellers'] }).holds('release', 'grid'))
    // A tenant cannot make itself an administrator by the name of its role.
    assert(!may({ groups: ['bosses'] }).holds('admin', 'shop'))
  })

  it('never shrink by another group or a higher role (property)', () => {
    const group = fc.constantFrom('sellers', 'interns', 'bosses', 'engineers', 'none')
    const role = fc.option(fc.constantFrom(...roles), { nil: null })
    fc.assert(
      fc.property(fc.array(group), group, role, role, (groups, more, one, other) => {
        const less = may({ groups, role: one })
        const higher = higherRole(one, other)
        const bigger = may({ groups: [...groups, more], role: higher })
        for (const name of access.applications.keys()) {
          if (less.sees(name)) assert(bigger.sees(name))
          for (const action of actions) {
            if (less.may(action, name)) {
              assert(bigger.may(action, name) && less.mayAnywhere(action) && less.sees(name))
            }
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('fleet roles', () => {
  it('each may do what the ones before may, and none is none', () => {
    for (const role of roles) assert(!isAllowed({ actor: 'x', role: null }, role))
    assert(isAllowed({ actor: 'x', role: 'admin' }, 'viewer'))
    assert(!isAllowed({ actor: 'x', role: 'viewer' }, 'operator'))
    assert.equal(higherRole(null, 'viewer'), 'viewer')
    assert.equal(higherRole('admin', 'operator'), 'admin')
    assert.equal(higherRole(null, null), null)
  })
})
