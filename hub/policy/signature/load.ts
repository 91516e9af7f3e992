import { createPublicKey, type KeyObject } from 'node:crypto'
import { posix } from 'node:path'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import type { ImageRules } from '../../fleet/kinds/policy.ts'
import type { Mirror, Tree } from '../../source/source.ts'
import { parseJson } from './cosign.ts'
import type { OciLayout, SignatureRule } from './rule.ts'

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

async function readRule(written: Written, source: RuleSource): Promise<SignatureRule> {
  const { images, identities = [], trustedRoot, credential } = written
  const keys = await Promise.all(
    (written.keys ?? []).map(async (path) => ({ path, bytes: await readFile(path, source) })),
  )
  const root = trustedRoot === undefined ? undefined : await readFile(trustedRoot, source)
  const layout = written.layout === undefined ? undefined : await readLayout(written.layout, source)
  const parts = [keys.map(({ bytes }) => digestOf(bytes)), root && digestOf(root), layout?.id]
  return {
    ...{ images, identities, credential, layout },
    keys: keys.map(({ path, bytes }) => readKey(path, bytes)),
    trustedRoot: root && readRoot(trustedRoot!, root),
    digest: digestOf(JSON.stringify([written, parts])),
  }
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
