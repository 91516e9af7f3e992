import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findOutdated, judgeAudit } from '../../support/advisories.ts'

describe('findOutdated', () => {
  const lock = (packages: Record<string, string>) => ({
    packages: Object.fromEntries(
      Object.entries(packages).map(([path, version]) => [path, { version }]),
    ),
  })

  it('lets a version at or above its floor pass, and what has no floor', () => {
    const packages = {
      'node_modules/jose': '6.2.10',
      'node_modules/fastify': '6.0.0',
      'node_modules/yes': '0.0.1',
    }
    assert.deepEqual(findOutdated(lock(packages)), [])
  })

  it('names a version below its floor, also deep in the tree', () => {
    const path = 'node_modules/a/node_modules/@grpc/grpc-js'
    assert.match(findOutdated(lock({ [path]: '1.14.4' })).join(), /1\.14\.4 has known advisories/)
  })

  it('takes a pre-release of the floor for older than the floor', () => {
    assert.equal(findOutdated(lock({ 'node_modules/jose': '6.2.10-rc.1' })).length, 1)
  })

  it('refuses what is banned at any version', () => {
    assert.equal(findOutdated(lock({ 'node_modules/express': '99.0.0' })).length, 1)
  })
})

describe('judgeAudit', () => {
  it('is clean only when there is an answer without high or critical', () => {
    const vulnerabilities = { a: { severity: 'moderate', range: '<2' } }
    assert.deepEqual(judgeAudit(JSON.stringify({ vulnerabilities })), { kind: 'clean' })
  })

  it('names what is high or critical', () => {
    const vulnerabilities = {
      a: { severity: 'high', range: '<2' },
      b: { severity: 'critical', range: '*' },
    }
    assert.deepEqual(judgeAudit(JSON.stringify({ vulnerabilities })), {
      kind: 'vulnerable',
      lines: ['a <2: high', 'b *: critical'],
    })
  })

  it('does not take a refused question for a clean answer', () => {
    const verdict = judgeAudit(JSON.stringify({ message: '405 Method Not Allowed' }))
    assert.deepEqual(verdict, { kind: 'unanswered', reason: '405 Method Not Allowed' })
  })
})
