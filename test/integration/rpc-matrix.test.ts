import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import { globSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type DescFile, type DescMessage, type DescService, create } from '@bufbuild/protobuf'
import { type Client, credentials, makeGenericClientConstructor, status } from '@grpc/grpc-js'
import { claimText } from '@groundswell/proto/enrol.ts'
import {
  type BeginResponse,
  BeginRequestSchema,
  ClaimRequestSchema,
  EnrolRequestSchema,
  EnrolService,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import {
  type SyncRequest,
  type SyncResponse,
  SyncRequestSchema,
  SyncService,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { AgentError } from '../../agent/errors.ts'
import { enrol } from '../../agent/link/enrol.ts'
import { dial, dialEnrolment } from '../../agent/link/grpc.ts'
import { createAgentKey, createCertificateKey } from '../../agent/link/x509.ts'
import {
  type Caller,
  type CallerKind,
  callerKinds,
  createCaller,
} from '../support/identity-callers.ts'
import { createIdentityWorld } from '../support/identity-world.ts'

type World = Awaited<ReturnType<typeof createIdentityWorld>>
type Answer = 'OK' | 'no connection' | keyof typeof status
type Row = Readonly<Record<CallerKind, Answer>>

const all = (answer: Answer): Row =>
  Object.fromEntries(callerKinds.map((kind) => [kind, answer])) as Row

/** On the wrong listener: whoever gets a connection learns that the call is not served there. */
const notServedOnData: Row = {
  ...all('no connection'),
  approved: 'UNIMPLEMENTED',
  revoked: 'UNIMPLEMENTED',
  locked: 'UNIMPLEMENTED',
  'with a replaced certificate': 'UNIMPLEMENTED',
  'approved, for another cluster': 'UNIMPLEMENTED',
}

/** Every call of both listeners, by every kind of caller. An RPC without a row fails the test. */
const expected: Readonly<Record<string, Row>> = {
  // A challenge, which tells nobody anything.
  'enrol Begin': all('OK'),
  'enrol Enrol': { ...all('PERMISSION_DENIED'), 'with a join token': 'OK' },
  'enrol Claim': {
    ...all('PERMISSION_DENIED'),
    // That it has to wait.
    pending: 'OK',
    approved: 'OK',
    'with an expired certificate': 'OK',
  },
  'enrol Sync': all('UNIMPLEMENTED'),
  'data Begin': notServedOnData,
  'data Enrol': notServedOnData,
  'data Claim': notServedOnData,
  'data Sync': {
    ...all('no connection'),
    approved: 'OK',
    revoked: 'PERMISSION_DENIED',
    locked: 'PERMISSION_DENIED',
    'with a replaced certificate': 'UNAUTHENTICATED',
    'approved, for another cluster': 'PERMISSION_DENIED',
  },
}

describe('T21: every call of both listeners, by every kind of caller', () => {
  let hub: World
  before(async () => {
    hub = await createIdentityWorld(24 * 3_600_000)
  })
  after(() => hub[Symbol.asyncDispose]())

  it('T21: each RPC of the contract has a row for each listener, and no row is of another', async () => {
    const services = (await readFiles()).flatMap((file) => file.services)
    const methods = services.flatMap((service) => service.methods.map(({ name }) => name))
    const rows = ['enrol', 'data'].flatMap((listener) =>
      methods.map((method) => `${listener} ${method}`),
    )
    assert.deepEqual(Object.keys(expected).sort(), rows.sort())
  })

  for (const [row, answers] of Object.entries(expected)) {
    const [listener, method] = row.split(' ') as ['enrol' | 'data', string]
    for (const kind of callerKinds) {
      it(`T21: ${method} on the ${listener} listener, ${kind}: ${answers[kind]}`, async () => {
        const caller = await createCaller(hub, kind)
        const before = hub.decisions.length
        assert.equal(await call(listener, method, caller), answers[kind])
        const made = hub.decisions.slice(before)
        const { victim } = caller
        assert.equal(
          made.some(
            (decision) => victim !== undefined && JSON.stringify(decision).includes(victim),
          ),
          false,
          'nothing was decided of a cluster that somebody else named',
        )
        if (answers[kind] !== 'OK' && victim === undefined) assert.deepEqual(made, [])
      })
    }
  }

  /** The answer to a call that is as good as this caller can make it. */
  async function call(listener: 'enrol' | 'data', method: string, caller: Caller): Promise<Answer> {
    const own = listener === 'enrol' ? ['Begin', 'Enrol', 'Claim'] : ['Sync']
    const make = own.includes(method) ? calls[method] : undefined
    try {
      if (make) await make(caller)
      else await callElsewhere(listener, method, caller)
      return 'OK'
    } catch (error) {
      const cause = error instanceof AgentError ? error.cause : error
      const { code, details } = cause as { code?: status; details?: string }
      assert(code !== undefined, String(error))
      const unconnected = /^No connection established|Connection dropped/.test(details ?? '')
      if (code === status.UNAVAILABLE && unconnected) return 'no connection'
      assert.doesNotMatch(details ?? '', /v-[0-9a-f-]{36}/, 'no word of another cluster')
      return status[code] as Answer
    }
  }

  const calls: Readonly<Record<string, (caller: Caller) => Promise<void>>> = {
    async Begin({ clusterId }) {
      const enrolment = await dialHub()
      try {
        const { nonce } = await enrolment.begin(create(BeginRequestSchema, { clusterId }))
        assert.equal(nonce.byteLength, 38)
      } finally {
        enrolment.close()
      }
    },
    async Enrol({ token, clusterUid }) {
      await enrol(token, clusterUid, await createAgentKey(), 'test', dialHub)
    },
    async Claim({ clusterId, clusterUid, boundKey }) {
      const { certificateRequest } = await createCertificateKey()
      const enrolment = await dialHub()
      try {
        const { nonce } = await enrolment.begin(create(BeginRequestSchema, { clusterId }))
        const text = claimText({ clusterId, clusterUid, certificateRequest, nonce })
        const answer = await enrolment.claim(
          create(ClaimRequestSchema, {
            ...{ clusterId, clusterUid, nonce },
            certificateRequest: Uint8Array.from(certificateRequest),
            boundSignature: Uint8Array.from(sign(null, text, createPrivateKey(boundKey))),
          }),
        )
        assert.equal(answer.pending, answer.certificateChain === '')
      } finally {
        enrolment.close()
      }
    },
    async Sync({ certificate, clusterUid }) {
      const client = open(SyncService, hub.sync.address, certificate)
      try {
        const { value } = await sayHello(client, clusterUid).next()
        assert.equal((value as SyncResponse).message.case, 'welcome')
      } finally {
        client.close()
      }
    },
  }

  const dialHub = () => dialEnrolment(hub.enrolment.address, { ca: hub.authority.certificate })

  function open(service: DescService, address: string, certificate: Caller['certificate']): Client {
    const Constructor = makeGenericClientConstructor(toServiceDefinition(service), 'Any')
    const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text))
    const ca = Buffer.from(hub.authority.certificate)
    return new Constructor(
      address,
      credentials.createSsl(ca, bytes(certificate?.key), bytes(certificate?.cert)),
      { 'grpc.ssl_target_name_override': 'groundswell-hub' },
    )
  }

  /** A call of one listener at the other. */
  async function callElsewhere(listener: 'enrol' | 'data', method: string, caller: Caller) {
    const service = method === 'Sync' ? SyncService : EnrolService
    const { address } = listener === 'enrol' ? hub.enrolment : hub.sync
    const client = open(service, address, caller.certificate)
    try {
      if (method === 'Sync') await sayHello(client, caller.clusterUid).next()
      else await unaryOf(client, method)
    } finally {
      client.close()
    }
  }

  function unaryOf(client: Client, method: string): Promise<BeginResponse> {
    const requests = {
      Begin: BeginRequestSchema,
      Enrol: EnrolRequestSchema,
      Claim: ClaimRequestSchema,
    }
    const request = create(requests[method as keyof typeof requests] as typeof BeginRequestSchema)
    type Unary = (
      request: object,
      options: { deadline: number },
      done: (error: Error | null, answer: BeginResponse) => void,
    ) => void
    const send = (client as unknown as Record<string, Unary>)[method.toLowerCase()]!
    return new Promise((resolve, reject) => {
      send.call(client, request, { deadline: Date.now() + 10_000 }, (error, answer) => {
        if (error) reject(error)
        else resolve(answer)
      })
    })
  }

  function sayHello(client: Client, clusterUid: string): AsyncIterator<SyncResponse> {
    type Open = () => AsyncIterable<SyncResponse> & { write(message: SyncRequest): void }
    const stream = (client as unknown as { sync: Open }).sync()
    const value = { protocol: 1, clusterUid }
    stream.write(create(SyncRequestSchema, { message: { case: 'hello', value } }))
    return stream[Symbol.asyncIterator]()
  }

  it('T21: no message of a stream names a cluster, but for the UID that locks an impostor', () => {
    const seen = new Set<DescMessage>()
    const visit = (message: DescMessage): string[] => {
      if (seen.has(message)) return []
      seen.add(message)
      return message.fields.flatMap((field) => [
        ...(/cluster|tenant|fleet|audience/.test(field.name)
          ? [`${message.name}.${field.name}`]
          : []),
        ...(field.message ? visit(field.message) : []),
      ])
    }
    assert.deepEqual(visit(SyncRequestSchema), ['Hello.cluster_uid'])
  })

  for (const { name } of SyncRequestSchema.oneofs[0]!.fields) {
    if (name === 'hello') continue
    it(`T21: a stream that begins with ${name} is ended`, async () => {
      const { certificate } = await createCaller(hub, 'approved')
      const hubCa = hub.authority.certificate
      const { key, cert: certificateChain } = certificate!
      const stream = dial({ address: hub.sync.address, hubCa, certificateChain, key })
      try {
        const message = { case: name, value: {} } as SyncRequest['message']
        await stream.send(create(SyncRequestSchema, { message }))
        await assert.rejects(stream.responses[Symbol.asyncIterator]().next(), /hello comes first/)
      } finally {
        stream.close()
      }
    })
  }
})

/** What the whole contract is made of: a new file of it is read too. */
async function readFiles(): Promise<DescFile[]> {
  const folder = fileURLToPath(new URL('../../proto/gen', import.meta.url))
  const modules = await Promise.all(
    globSync('**/*_pb.ts', { cwd: folder }).map(
      async (path) => (await import(`${folder}/${path}`)) as Record<string, unknown>,
    ),
  )
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, value]) =>
      name.startsWith('file_') ? [value as DescFile] : [],
    ),
  )
}
