import { createPublicKey, type KeyObject } from 'node:crypto'
import { posix } from 'node:path'
import { parseCel } from '@groundswell/proto/cel.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import { attestationVariables, type ImageRules } from '../../fleet/kinds/policy.ts'
import type { Mirror, Tree } from '../../source/source.ts'
import { settleAll } from '../faults.ts'
import type { WantedAttestation } from './attestation.ts'
import { parseJson } from './cosign.ts'
import type { OciLayout, SignatureRule, SignaturePlace } from './rule.ts'

/** The fleet repository's files at one commit. */
export interface RuleSource {
  readonly mirror: Pick<Mirror, 'readTree' | 'readBlobs'>
  readonly commit: string
}

type Written = NonNullable<ImageRules['signatures']>[number]

const mostBytes = 1024 * 1024
const mostOfLayout = 20_000

/**
 * Reads the keys, trusted roots and layouts that a Policy names.
 *
 * @throws HubError `fleet_invalid` naming each file that cannot be taken, `source_*`
 */
export function readSignatureRules(
  written: readonly Written[],
  source: RuleSource,
): Promise<SignatureRule[]> {
  return settleAll(written.map((one) => readRule(one, source)))
}

/**
 * Reads where the rules of Kyverno find signatures: in the images' own registries when nothing is said.
 *
 * @throws HubError `fleet_invalid` naming each file that cannot be taken, `source_*`
 */
export async function readSignaturePlace(
  { trustedRoot, layout, credential }: NonNullable<ImageRules['kyverno']>,
  source: RuleSource,
): Promise<SignaturePlace> {
  const [root, folder] = await settleAll([
    trustedRoot === undefined ? undefined : readRoot(trustedRoot, source),
    layout === undefined ? undefined : readLayout(layout, source),
  ])
  return {
    ...{ credential, layout: folder, trustedRoot: root?.value },
    digest: digestOf(JSON.stringify([credential, root?.digest, folder?.id])),
  }
}

async function readRule(written: Written, source: RuleSource): Promise<SignatureRule> {
  const { images, identities = [] } = written
  const [keys, place] = await settleAll([
    settleAll((written.keys ?? []).map((path) => readKey(path, source))),
    readSignaturePlace(written, source),
  ])
  const attestation = written.attestation && readAttestation(written.attestation)
  return {
    ...{ ...place, images, identities, attestation },
    keys: keys.map(({ value }) => value),
    digest: digestOf(JSON.stringify([written, keys.map(({ digest }) => digest), place.digest])),
  }
}

/** Conditions were read when the fleet was: here they are only made ready. */
function readAttestation(written: NonNullable<Written['attestation']>): WantedAttestation {
  const { predicateType, conditions = [] } = written
  const programs = conditions.map((text) => parseCel(text, attestationVariables))
  return { predicateType, conditions: programs }
}

async function readFile(path: string, { mirror, commit }: RuleSource): Promise<Uint8Array> {
  const tree = await mirror.readTree(commit, posix.dirname(path))
  const file = tree.files.find((each) => each.path === posix.basename(path))
  if (!file) throw refuse(path, 'there is no such file')
  if (file.size > mostBytes) throw refuse(path, `it has ${file.size} bytes, over ${mostBytes}`)
  const [bytes] = await mirror.readBlobs([file.oid])
  return bytes!
}

/** What a file holds, and its digest. */
interface ReadFile<T> {
  readonly value: T
  readonly digest: Digest
}

async function readKey(path: string, source: RuleSource): Promise<ReadFile<KeyObject>> {
  const bytes = await readFile(path, source)
  return { value: parseKey(path, bytes), digest: digestOf(bytes) }
}

function parseKey(path: string, bytes: Uint8Array): KeyObject {
  const text = Buffer.from(bytes).toString()
  if (text.includes('PRIVATE KEY')) throw refuse(path, 'it is a private key; give the public one')
  try {
    const key = createPublicKey(text)
    if (['ec', 'ed25519', 'rsa'].includes(key.asymmetricKeyType ?? '')) return key
  } catch (cause) {
    throw refuse(path, 'it is no public key in PEM, as cosign writes cosign.pub', cause)
  }
  throw refuse(path, 'it is no key of ECDSA, Ed25519 or RSA')
}

async function readRoot(path: string, source: RuleSource): Promise<ReadFile<unknown>> {
  const bytes = await readFile(path, source)
  const value = parseJson(bytes)
  if (typeof value === 'object' && value !== null) return { value, digest: digestOf(bytes) }
  throw refuse(path, 'it is no trusted root of Sigstore (trusted_root.json)')
}

async function readLayout(
  path: string,
  { mirror, commit }: RuleSource,
): Promise<OciLayout & { readonly id: string }> {
  const tree: Tree = await mirror.readTree(commit, posix.normalize(path))
  if (tree.files.length > mostOfLayout) throw refuse(path, `more than ${mostOfLayout} files`)
  const files = new Map(tree.files.map((file) => [file.path, file]))
  const index = files.get('index.json')
  if (!index) throw refuse(path, 'there is no index.json, so it is no OCI layout')
  async function read(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const file = files.get(name)
    if (!file || file.size > maxBytes) return undefined
    return (await mirror.readBlobs([file.oid]))[0]
  }
  return {
    id: tree.id,
    async readIndex() {
      const bytes = await read('index.json', 8 * mostBytes)
      if (!bytes) throw refuse(path, 'its index.json is too large')
      return bytes
    },
    readBlob: (digest: Digest, maxBytes) => read(`blobs/${digest.replace(':', '/')}`, maxBytes),
  }
}

function refuse(path: string, message: string, cause?: unknown): HubError {
  return new HubError('fleet_invalid', `images.signatures: ${path}: ${message}`, {
    cause,
    faults: [{ file: path, message }],
  })
}
