import type { Root } from '@groundswell/proto/statement.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type SigningKey, signStatement } from '../../hub/bundle/sign.ts'
import { openPolicy, type SignerPolicy } from '../../hub/signer/policy.ts'
import { type SignerState, emptyRecord } from '../../hub/signer/record.ts'
import type { Attestor, SignRequest, Signer } from '../../hub/signer/signer.ts'
import { createSigner } from '../../hub/signer/signing.ts'

export interface MemorySignerOptions {
  readonly root: Root
  /** Keys at hand; the first root statement must name them. */
  readonly keys: readonly SigningKey[]
  readonly clock: () => number
  readonly policy?: Partial<SignerPolicy>
  readonly state?: SignerState
  readonly rootKeys?: readonly SigningKey[]
}

/** A real signer whose record is in memory. */
export async function createMemorySigner(options: MemorySignerOptions): Promise<Signer & Attestor> {
  const { root, keys, clock } = options
  const { envelope } = await signStatement('root', root, options.rootKeys ?? keys)
  return createSigner({
    fleet: root.fleet,
    policy: { ...openPolicy, ...options.policy },
    state: options.state ?? emptyRecord(),
    append: async () => {},
    roots: { chain: [{ root, envelope, digest: digestOf(envelope) }], keep: async () => {} },
    readKeys: async () => keys,
    clock,
  })
}

/** Has a signer sign whatever it is asked: each content is attested first. */
export function attestFirst(signer: Signer & Attestor): Pick<Signer, 'sign' | 'position'> {
  return {
    position: (clusterId) => signer.position(clusterId),
    async sign(request: SignRequest) {
      const { cluster, applications } = request
      const clusters = [cluster]
      await signer.attest({
        fleetRevision: 'main@sha1:1',
        clusters,
        names: applications.map(({ name }) => name),
        groups: {},
        applications: applications.map((application) => ({
          name: application.name,
          keep: [],
          contents:
            application.state === 'removed'
              ? []
              : [
                  {
                    digest: application.manifest.digest,
                    repository: 'fleet',
                    url: 'https://git.example/fleet.git',
                    revision: application.revision,
                    kinds: ['ConfigMap'],
                    clusters,
                  },
                ],
        })),
      })
      return signer.sign(request)
    },
  }
}
