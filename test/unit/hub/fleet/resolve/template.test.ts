import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillTemplate, type TemplateFault } from '../../../../../hub/fleet/resolve/template.ts'
import { startSpending } from '../../../../support/processor-time.ts'

const cluster = { name: 'eu-1', labels: { region: 'eu' } }

test('a text of nothing but beginnings of references is filled in at once', () => {
  const text = '${cluster'.repeat(40_000)
  const faults: TemplateFault[] = []
  const spent = startSpending()
  assert.equal(fillTemplate(text, cluster, faults), text)
  const took = spent()
  assert.ok(took < 1_000, `${took} ms`)
  assert.deepEqual(faults, [])
})

test('the longest key that a label may have is found', () => {
  const key = `${'d'.repeat(253)}/${'n'.repeat(63)}`
  const labels = { [key]: 'found' }
  assert.equal(fillTemplate(`\${cluster.labels.${key}}`, { name: 'a', labels }, []), 'found')
})
