import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import { answerSigning } from '../../../../hub/roles/signer-calls.ts'
import type { Signer } from '../../../../hub/signer/signer.ts'

const request = {
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
  applications: [],
  floor: { epoch: 1, sequence: 0, digest: null },
}

function openMethods() {
  const asked: unknown[] = []
  const signer = {
    sign: async (wanted: unknown) => {
      asked.push(wanted)
      return {
        ...{ epoch: 1, sequence: 1, digest: digestOf(''), expiresAt: 1 },
        envelope: new Uint8Array(),
      }
    },
  } as unknown as Signer
  const methods = answerSigning(signer, 'this one')
  const ask = (method: string, params: unknown) =>
    methods[method]!(params, new AbortController().signal)
  return { ask, asked }
}

it('F3: signs nothing for a front end of an older term than one that has asked', async () => {
  const { ask, asked } = openMethods()
  for (const term of [3, 3, 7]) await ask('sign', { ...request, term })
  for (const late of [6, 3, 0]) {
    await assert.rejects(
      ask('sign', { ...request, term: late }),
      (error) => error instanceof HubError && error.code === 'no_leader',
    )
  }
  await ask('sign', { ...request, term: 8 })
  assert.deepEqual(
    asked,
    Array.from({ length: 4 }, () => request),
  )
})

it('takes a front end that is alone, which says no term, and nothing that is no term', async () => {
  const { ask, asked } = openMethods()
  await ask('sign', request)
  for (const term of [null, '9', 1.5, -1, Number.MAX_VALUE]) {
    await assert.rejects(
      ask('sign', { ...request, term }),
      (error) => error instanceof HubError && error.code === 'invalid',
    )
  }
  assert.equal(asked.length, 1)
})

it('says which signer it is', async () => {
  assert.equal(await openMethods().ask('name', null), 'this one')
})
