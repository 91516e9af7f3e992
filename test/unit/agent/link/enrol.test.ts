import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import { formatJoinToken } from '@groundswell/proto/enrol.ts'
import {
  BeginResponseSchema,
  EnrolResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { enrol } from '../../../../agent/link/enrol.ts'
import { signStatement } from '../../../../hub/bundle/sign.ts'
import { makeSigningKey, rootOf } from '../../../support/signing-key.ts'

const key = await makeSigningKey()
const { envelope } = await signStatement('root', rootOf('f', key), [key])
const bytes = (...given: number[]) => Uint8Array.from(given)
const agentKey = {
  ...{ key: 'pem', publicKey: bytes(1), certificateRequest: bytes(2) },
  bound: generateKeyPairSync('ed25519'),
}
const token = formatJoinToken({
  ...{ tokenId: 'a'.repeat(10), secret: 's'.repeat(22), caPin: digestOf('ca') },
  rootDigest: digestOf(envelope),
})

/** Joins a hub that gives the cluster this name. */
function join(given: string, expected?: string) {
  const dial = async () => ({
    begin: async () => create(BeginResponseSchema, { nonce: bytes(3) }),
    enrol: async () =>
      create(EnrolResponseSchema, {
        ...{ cluster: given, clusterId: 'id', root: Uint8Array.from(envelope) },
      }),
    claim: () => assert.fail('not asked for'),
    close() {},
  })
  return enrol(token, 'uid', agentKey, '1', dial, expected)
}

it('T15: a hub that knows the cluster by another name than its installer is not joined', async () => {
  for (const given of ['edge-2', 'edge', '', 'Edge-1', 'edge-1 ']) {
    await assert.rejects(join(given, 'edge-1'), {
      ...{ code: 'hub_untrusted', message: /its token is used up now: .* --cluster$/ },
    })
  }
  assert.equal((await join('edge-1', 'edge-1')).identity.cluster, 'edge-1')
})

it('any name will do where nobody said one', async () => {
  assert.equal((await join('edge-2')).identity.cluster, 'edge-2')
})
