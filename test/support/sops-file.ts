import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { armor, Encrypter } from 'age-encryption'
import type { Body } from '../../agent/apply/write/body.ts'

const onlyEncryptedPrefix = '8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69'
const lastModified = '2026-01-02T03:04:05Z'

interface SealOptions {
  readonly recipients: readonly string[]
  readonly macOnlyEncrypted?: boolean
}

type Leaf = { document: number; path: string[]; text: string }

/** A Secret as the hub would send it when SOPS had encrypted its `data` and `stringData`. */
export async function sealSecret(
  secret: {
    readonly metadata: Record<string, unknown>
    readonly data?: Record<string, string>
    readonly stringData?: Record<string, string>
  },
  { recipients, macOnlyEncrypted = false }: SealOptions,
): Promise<Body & { sops: Record<string, unknown> }> {
  const key = randomBytes(32)
  const plain: Body = { apiVersion: 'v1', kind: 'Secret', ...secret }
  const leaves: Leaf[] = []
  const hash = createHash('sha512')
  if (macOnlyEncrypted) hash.update(Buffer.from(onlyEncryptedPrefix, 'hex'))
  const seal = (value: unknown, path: string[]): unknown => {
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([name, member]) => [name, seal(member, [...path, name])]),
      )
    }
    const text = String(value)
    const secretField = path[0] === 'data' || path[0] === 'stringData'
    const sealed = secretField && text !== '' ? encrypt(text, key, `${path.join(':')}:`) : text
    if (secretField || !macOnlyEncrypted) hash.update(text)
    leaves.push({ document: 0, path, text: sealed })
    return sealed
  }
  const body = seal(plain, []) as Body
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  const enc = armor.encode(await encrypter.encrypt(key))
  return {
    ...body,
    sops: {
      age: recipients.map((recipient) => ({ recipient, enc })),
      lastmodified: lastModified,
      mac: encrypt(hash.digest('hex').toUpperCase(), key, lastModified),
      ...(macOnlyEncrypted && { mac_only_encrypted: true }),
      witness: JSON.stringify({ document: 0, leaves }),
    },
  }
}

function encrypt(text: string, key: Uint8Array, context: string): string {
  const iv = randomBytes(32)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(context))
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64')
  const tag = cipher.getAuthTag().toString('base64')
  return `ENC[AES256_GCM,data:${data},iv:${iv.toString('base64')},tag:${tag},type:str]`
}
