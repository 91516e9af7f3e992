import { createPublicKey, type KeyObject } from 'node:crypto'
import { posix } from 'node:path'
import { parseCel } from '@groundswell/proto/cel.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import { attestationVariables, type ImageRules } from '../../fleet/kinds/policy.ts'
import type { Mirror, Tree } from '../../source/source.ts'
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
 * @throws HubError `fleet_invalid` naming the file, `source_*`
 */
export async function readSignatureRules(
  written: readonly Written[],
  source: RuleSource,
): Promise<SignatureRule[]> {
  const rules: SignatureRule[] = []
  for (const one of written) rules.push(await readRule(one, source))
  return rules
}

/**
 * Reads where the rules of Kyverno find signatures: in the images' own registries when nothing is said.
 *
 * @throws HubError `fleet_invalid` naming the file, `source_*`
 */
export async function readSignaturePlace(
  { trustedRoot, layout, credential }: NonNullable<ImageRules['kyverno']>,
  source: RuleSource,
): Promise<SignaturePlace> {
  const root = trustedRoot === undefined ? undefined : await readFile(trustedRoot, source)
  const folder = layout === undefined ? undefined : await readLayout(layout, source)
  return {
    ...{ credential, layout: folder, trustedRoot: root && readRoot(trustedRoot!, root) },
    digest: digestOf(JSON.stringify([credential, root && digestOf(root), folder?.id])),
  }
}

async function readRule(written: Written, source: RuleSource): Promise<SignatureRule> {
  const { images, identities = [] } = written
  const keys = await Promise.all(
    (written.keys ?? []).map(async (path) => ({ path, bytes: await readFile(path, source) })),
  )
  const place = await readSignaturePlace(written, source)
  const attestation = written.attestation && readAttestation(written.attestation)
  return {
    ...{ ...place, images, identities, attestation },
    keys: keys.map(({ path, bytes }) => readKey(path, bytes)),
    digest: digestOf(
      JSON.stringify([written, keys.map(({ bytes }) => digestOf(bytes)), place.digest]),
    ),
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

function readKey(path: string, bytes: Uint8Array): KeyObject {
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

function readRoot(path: string, bytes: Uint8Array): unknown {
  const root = parseJson(bytes)
  if (typeof root === 'object' && root !== null) return root
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
