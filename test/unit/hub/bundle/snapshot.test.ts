import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { listApplications, nextSnapshot, spellSnapshot } from '../../../../hub/bundle/snapshot.ts'
import type { Assignment } from '../../../../hub/rollout/rollout.ts'

const assignment = (application: string, rest: Partial<Assignment> = {}): Assignment => ({
  cluster: 'a',
  application,
  digest: digestOf(application),
  size: 5,
  revision: 'main@sha1:1',
  generation: 1,
  rollout: 'r1',
  ...rest,
})

test('assignments become a list sorted by name, whatever their order', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,8}$/))
  fc.assert(
    fc.property(names, (names) => {
      const list = listApplications(names.map((name) => assignment(name)))
      assert.deepEqual(
        list.map(({ name }) => name),
        [...names].sort(),
      )
      assert.deepEqual(list, listApplications(names.toReversed().map((name) => assignment(name))))
    }),
  )
})

test('I4 only an assignment without content becomes a tombstone', () => {
  const removed = assignment('gone', { digest: null, size: 0, generation: 7 })
  assert.deepEqual(listApplications([removed, assignment('a')]), [
    {
      name: 'a',
      generation: 1,
      state: 'present',
      manifest: { digest: digestOf('a'), size: 5 },
      revision: 'main@sha1:1',
    },
    { name: 'gone', generation: 7, state: 'removed', deletionPolicy: 'Delete' },
  ])
  assert.deepEqual(listApplications([]), [])
})

test('I4 an assignment that spares something says so in the snapshot, present or removed', () => {
  const sparing = { leave: ['/ConfigMap/shop/a'], undo: true } as const
  const list = listApplications([
    assignment('a', sparing),
    assignment('b', { digest: null, size: 0, ...sparing }),
    assignment('c'),
  ])
  const told = list.map(({ leave, undo }) => ({ leave, undo }))
  const nothing = { leave: undefined, undo: undefined }
  assert.deepEqual(told, [sparing, sparing, nothing])
  assert.ok(!('leave' in list[2]!) && !('undo' in list[2]!), 'absent, not undefined')
})

test('what is left to others never makes a snapshot too long: then all is left', () => {
  const leave = Array.from({ length: 250 }, (_, at) => `/ConfigMap/${'n'.repeat(60)}/${at}`)
  const names = Array.from({ length: 40 }, (_, at) => `a${String(at).padStart(2, '0')}`)
  const list = listApplications(names.map((name) => assignment(name, { leave })))
  assert.deepEqual(list[0]?.leave, leave)
  assert.deepEqual(list.at(-1)?.leave, ['*'])
  assert.ok(canonicalJson(list).length < 400_000)
})

test('I3 a snapshot follows the one before by one, names it, and says who it is for', () => {
  const subject = { fleet: 'f', clusterId: 'id-1', clusterUid: 'uid-1' }
  const position = { epoch: 3, sequence: 41, digest: digestOf('before') }
  const list = listApplications([assignment('a')])
  assert.deepEqual(nextSnapshot(subject, list, position, 1_700_000_000_999), {
    v: 1,
    fleet: 'f',
    aud: 'id-1',
    clusterUid: 'uid-1',
    epoch: 3,
    sequence: 42,
    previous: digestOf('before'),
    issuedAt: 1_700_000_000,
    expiresAt: 1_700_000_000 + 30 * 24 * 3600,
    applications: list,
  })
})

test('a snapshot is spelt as canonical JSON spells it, also with a list spelt before', () => {
  const name = fc.stringMatching(/^[a-z0-9-]{1,8}$/)
  const removed = { digest: null, size: 0, deletionPolicy: 'Orphan' } as const
  const some = fc.array(fc.tuple(name, fc.boolean(), fc.nat(), fc.string({ unit: 'binary' })))
  fc.assert(
    fc.property(some, fc.string({ unit: 'binary' }), fc.nat(), (applications, id, sequence) => {
      const list = listApplications(
        applications.map(([application, gone, generation, revision]) =>
          assignment(application, { generation, revision, ...(gone && removed) }),
        ),
      )
      for (const clusterId of [id, `${id}2`]) {
        const subject = { fleet: 'f', clusterId, clusterUid: id }
        const snapshot = nextSnapshot(subject, list, { epoch: 1, sequence, digest: null }, 5_000)
        assert.equal(spellSnapshot(snapshot), canonicalJson({ ...snapshot }))
      }
    }),
  )
})
