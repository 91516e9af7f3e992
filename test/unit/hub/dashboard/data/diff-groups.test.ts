import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ClusterDiffView } from '../../../../../hub/client/gen/api.ts'
import { groupDiffs } from '../../../../../hub/dashboard/data/diff-groups.ts'

function row(cluster: string, change: Partial<ClusterDiffView> = {}): ClusterDiffView {
  return {
    ...{ cluster, connection: { state: 'Connected', since: null } },
    ...{ desiredDigest: 'sha256:a', desiredRevision: 'main@sha1:1', reportedDigest: 'sha256:a' },
    ...{ upToDate: true, driftedObjects: 0, drift: [], ...change },
  }
}

function drifted(cluster: string, path: string, live: string): ClusterDiffView {
  const field = { path, desired: '3', live, manager: 'kubectl' }
  const one = { object: 'apps/Deployment/shop/web', missing: false, firstSeen: cluster }
  return row(cluster, { driftedObjects: 1, drift: [{ ...one, fields: [field] }] })
}

it('clusters of which the same is to be said share a line, what is wrong first', () => {
  const groups = groupDiffs([
    row('a'),
    drifted('b', '/spec/replicas', '5'),
    row('c'),
    row('d', { upToDate: false, reportedDigest: 'sha256:b' }),
    drifted('e', '/spec/replicas', '6'),
    drifted('f', '/spec/paused', 'true'),
  ])
  assert.deepEqual(
    groups.map(({ clusters }) => clusters),
    [['d'], ['b', 'e'], ['f'], ['a', 'c']],
  )
  assert.deepEqual(groups[1]!.fields, ['apps/Deployment/shop/web/spec/replicas'])
})
