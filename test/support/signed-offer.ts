import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Snapshot } from '@groundswell/proto/statement.ts'
import { AgentError } from '../../agent/errors.ts'
import type { Session } from '../../agent/link/session.ts'
import type { ContentCache } from '../../agent/trust/state.ts'
import { checkDigest } from '../../agent/trust/verify.ts'
import { type Bundle, buildBundle } from '../../hub/bundle/build.ts'
import { type SigningKey, signStatement } from '../../hub/bundle/sign.ts'
import { createMemoryCache } from './memory-stores.ts'

export const agentIdentity = {
  fleet: 'f',
  cluster: 'a',
  clusterId: 'id-a',
  clusterUid: 'uid-a',
} as const

/** A bundle of ConfigMaps, a text each. */
export function bundleOf(application: string, ...texts: string[]): Bundle {
  const objects = texts.map((text, at) => ({
    id: { group: '', kind: 'ConfigMap', namespace: 'n', name: `c${at}` },
    apiVersion: 'v1',
    json: JSON.stringify({ text }),
    file: '',
  }))
  return buildBundle(objects, {
    application,
    targetNamespace: '',
    prune: true,
    allowEmpty: true,
    drift: 'correct',
    deletionPolicy: 'Delete',
  })
}

/** A snapshot of one application, `shop`, as the hub signs it; seconds from 2026. */
export async function signOffer(
  key: SigningKey,
  sequence: number,
  bundle: Bundle,
  change: Partial<Snapshot> = {},
) {
  const { digest, bytes } = bundle.manifest
  const snapshot: Snapshot = {
    v: 1,
    fleet: 'f',
    aud: 'id-a',
    clusterUid: 'uid-a',
    epoch: 1,
    sequence,
    previous: null,
    issuedAt: 1_767_225_600,
    expiresAt: 1_767_225_600 + 3600,
    applications: [
      {
        name: 'shop',
        generation: sequence,
        state: 'present',
        manifest: { digest, size: bytes.byteLength },
        revision: 'main@sha1:1',
      },
    ],
    ...change,
  }
  return signStatement('snapshot', snapshot, [key])
}

/** Digest of what an envelope carries; undefined for what is none. */
export function payloadDigest(envelope: Uint8Array): Digest | undefined {
  try {
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload?: unknown }
    return digestOf(Buffer.from(String(payload), 'base64url'))
  } catch {
    return undefined
  }
}

/** A hub's end that gives what these bundles hold and says what it was asked for. */
export function fetchFrom(...bundles: readonly Bundle[]) {
  const blobs = new Map(
    bundles.flatMap(({ manifest, objects }) =>
      [manifest, ...objects].map(({ digest, bytes }) => [digest, bytes] as const),
    ),
  )
  const asked: Digest[][] = []
  const session: Pick<Session, 'fetch'> = {
    async fetch(wanted, onBlob) {
      asked.push([...wanted.keys()])
      for (const digest of wanted.keys()) {
        const bytes = blobs.get(digest)
        if (!bytes) throw new AgentError('content_missing', digest)
        await onBlob(digest, bytes)
      }
    },
  }
  return { session, blobs, asked }
}

/** A cache in memory that checks what it reads and drops what is damaged, as the one on disk does. */
export function createCheckingCache(): ContentCache & { readonly blobs: Map<Digest, Uint8Array> } {
  const cache = createMemoryCache()
  return {
    ...cache,
    async read(digest) {
      const bytes = await cache.read(digest)
      try {
        checkDigest(bytes, digest)
      } catch (error) {
        cache.blobs.delete(digest)
        throw error
      }
      return bytes
    },
  }
}
