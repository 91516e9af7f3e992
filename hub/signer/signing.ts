import { canonicalJson } from '@groundswell/proto/canonical.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { Freshness, KeyRole, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { type RootChain, extendRootChain, newestOf } from '../bundle/root-chain.ts'
import { type SigningKey, signStatement, signText } from '../bundle/sign.ts'
import { type SnapshotPosition, nextSnapshot, spellSnapshot } from '../bundle/snapshot.ts'
import { HubError } from '../errors.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import type { Attestation } from './attestation.ts'
import { judgePosition, judgeRequest } from './judge.ts'
import type { SignerPolicy } from './policy.ts'
import {
  type ClusterRecord,
  type SignerEntry,
  type SignerState,
  foldSignerEntry,
} from './record.ts'
import type { Attestor, FreshnessRequest, SignRequest, Signed, Signer } from './signer.ts'

export interface SigningDeps {
  readonly fleet: string
  readonly policy: SignerPolicy
  readonly state: SignerState
  /** Resolves when the line is on the disk. */
  readonly append: (entry: SignerEntry) => Promise<void>
  /** Root statements, checked as they were read; `keep` writes one more. */
  readonly roots: { readonly chain: RootChain; readonly keep: (chain: RootChain) => Promise<void> }
  /** Every private key at hand, read anew each time: one may just have been put there. */
  readonly readKeys: () => Promise<readonly SigningKey[]>
  readonly clock: () => number
  readonly onRefused?: (code: string, message: string) => void
}

const freshnessSeconds = 600

/** The online keys and what they may be used for. */
export async function createSigner(deps: SigningDeps): Promise<Signer & Attestor> {
  const { fleet, policy, state, append, clock } = deps
  const serial = createSerial()
  let { chain } = deps.roots
  let keys = await findKeys(chain, await deps.readKeys())

  function sign(request: SignRequest): Promise<Signed> {
    return serial.run(request.clusterId, () => signNext(request))
  }

  async function signNext(request: SignRequest): Promise<Signed> {
    const { epoch } = newestOf(chain).root
    judged(() => judgeRequest(state, policy, epoch, request))
    const { clusterId, cluster, clusterUid, applications } = request
    const known = state.clusters.get(clusterId)
    const own = higher(epoch, known, request.floor)
    // Another hub's signer may have used the same sequence: then that is what was seen.
    const position =
      own.sequence === request.floor.sequence ? { ...own, digest: request.floor.digest } : own
    const snapshot = nextSnapshot({ fleet, clusterId, clusterUid }, applications, position, clock())
    const { envelope, digest } = signText('snapshot', spellSnapshot(snapshot), keys.snapshot)
    const { sequence, expiresAt } = snapshot
    const changed = listChanged(known, applications)
    const entry = {
      t: 'signed',
      clusterId,
      cluster,
      clusterUid,
      epoch,
      sequence,
      digest,
      changed,
    } as const
    // On disk before it leaves: one digest for each sequence, whatever is lost or restored elsewhere.
    await append(entry)
    foldSignerEntry(state, entry)
    return { epoch, sequence, digest, expiresAt, envelope }
  }

  /** A refusal is told on this side too: who asks may well be who is not to be believed. */
  function judged(judge: () => void): void {
    try {
      judge()
    } catch (error) {
      if (error instanceof HubError) deps.onRefused?.(error.code, error.message)
      throw error
    }
  }

  return {
    sign,
    async position(clusterId) {
      const known = state.clusters.get(clusterId)
      return known ? { epoch: known.epoch, sequence: known.sequence } : null
    },
    async freshness({ clusterId, nonce, at, auditHead }: FreshnessRequest) {
      const { root } = newestOf(chain)
      judged(() => judgePosition(state, root.epoch, { clusterId, at }))
      const newest = higher(root.epoch, state.clusters.get(clusterId), at)
      const issuedAt = Math.floor(clock() / 1000)
      const expiresAt = issuedAt + freshnessSeconds
      const statement: Freshness = {
        v: 1,
        fleet,
        aud: clusterId,
        nonce,
        issuedAt,
        expiresAt,
        epoch: root.epoch,
        sequence: newest.sequence,
        snapshot: newest.digest,
        rootVersion: root.version,
        auditHead,
      }
      const { envelope } = await signStatement('freshness', statement, keys.freshness)
      return { envelope, expiresAt }
    },
    roots: async () => chain.map(({ envelope }) => envelope),
    adopt: (envelope) =>
      serial.run('roots', async () => {
        const longer = extendRootChain(chain, envelope)
        if (longer === chain) return
        const found = await findKeys(longer, await deps.readKeys())
        await deps.roots.keep(longer)
        chain = longer
        keys = found
      }),
    async attest(attestation: Attestation) {
      const entry = { t: 'attested', attestation } as const
      await append(entry)
      foldSignerEntry(state, entry)
    },
  }
}

/** The signer's own record, unless somebody knows of a later position in this epoch. */
function higher(
  epoch: number,
  known: ClusterRecord | undefined,
  told: SnapshotPosition,
): SnapshotPosition {
  const own = known?.epoch === epoch ? known : { epoch, sequence: 0, digest: null }
  const ahead = told.epoch === epoch && told.sequence > own.sequence
  const { sequence, digest } = ahead ? told : own
  return { epoch, sequence, digest }
}

function listChanged(
  known: ClusterRecord | undefined,
  applications: readonly SnapshotApplication[],
): (readonly [string, Digest | null])[] {
  return applications.flatMap((application): (readonly [string, Digest | null])[] => {
    const { name } = application
    const before = known?.contents.get(name)
    if (application.state === 'removed') return before === 'removed' ? [] : [[name, null]]
    const { digest } = application.manifest
    return before === digest || before === 'several' ? [] : [[name, digest]]
  })
}

/** @throws HubError `root_refused` when too few of the keys that the newest root names are here */
async function findKeys(chain: RootChain, held: readonly SigningKey[]) {
  const { root } = newestOf(chain)
  const pick = (name: 'snapshot' | 'freshness', role: KeyRole): readonly SigningKey[] => {
    const named = new Set(role.keys.map((key) => canonicalJson({ ...key })))
    const found = held.filter(({ publicKey }) => named.has(canonicalJson({ ...publicKey })))
    if (found.length >= role.threshold) return found.slice(0, role.threshold)
    throw new HubError(
      'root_refused',
      `root version ${root.version} names ${name} keys of which ${found.length} of ${role.threshold} needed are in the signer's keys directory; put the key file there first`,
    )
  }
  return {
    snapshot: pick('snapshot', root.roles.snapshot),
    freshness: pick('freshness', root.roles.freshness),
  }
}
