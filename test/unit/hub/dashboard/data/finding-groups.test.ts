import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupFindings } from '../../../../../hub/dashboard/data/finding-groups.ts'

type Finding = Parameters<typeof groupFindings>[0][number]

const finding = (application: string, object: string, message = 'no probe'): Finding => ({
  ...{ severity: 'warning', rule: 'policy baseline', message, file: '', line: 0 },
  ...{ object, application, clusters: [] },
})

test('the same said of several objects is said once; what is not of the change is apart', () => {
  const { mine, others } = groupFindings(
    [
      finding('shop', 'Deployment shop/web'),
      finding('shop', 'Deployment shop/api'),
      finding('shop', 'Deployment shop/web', 'runs as root'),
      finding('bank', 'Deployment bank/web'),
      finding('', '', 'no such field'),
    ],
    ['shop'],
  )
  const tell = (groups: typeof mine) => groups.map(({ message, at }) => [message, at.length])
  assert.deepEqual(tell(mine), [
    ['no probe', 2],
    ['runs as root', 1],
    ['no such field', 1],
  ])
  assert.deepEqual(tell(others), [['no probe', 1]])
})
