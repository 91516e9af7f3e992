import { createHash, createHmac } from 'node:crypto'

/**
 * What an operator hands to a new agent: one string that says where the hub is, how to know it,
 * and the secret that joins once.
 */
export interface JoinToken {
  readonly tokenId: string
  /** 128 random bits, base64url. The hub keeps only its SHA-256. */
  readonly secret: string
  /** `sha256:…` of the hub CA's SubjectPublicKeyInfo. */
  readonly caPin: string
  /** `sha256:…` of the root statement's envelope. */
  readonly rootDigest: string
}

const prefix = 'gsw1'

export function formatJoinToken(token: JoinToken): string {
  return [
    prefix,
    token.tokenId,
    token.secret,
    token.caPin.slice('sha256:'.length),
    token.rootDigest.slice('sha256:'.length),
  ].join('.')
}

/** @throws TypeError saying what is wrong, never the secret. */
export function parseJoinToken(text: string): JoinToken {
  const match = /^gsw1\.([a-z0-9]{10})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})\.([0-9a-f]{64})$/.exec(
    text.trim(),
  )
  if (!match) {
    throw new TypeError(
      'not a join token: expected the whole string printed by `swell cluster token`',
    )
  }
  return {
    tokenId: match[1]!,
    secret: match[2]!,
    caPin: `sha256:${match[3]!}`,
    rootDigest: `sha256:${match[4]!}`,
  }
}

/** Key of the enrolment proof; also what the hub stores of a token's secret. */
export function secretKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export interface EnrolProofInput {
  readonly caPin: string
  readonly certificateRequest: Uint8Array
  readonly boundKey: Uint8Array
  readonly clusterUid: string
  readonly nonce: Uint8Array
}

/** Binds the token's secret to this CSR, key, cluster and challenge. */
export function enrolProof(key: Uint8Array, input: EnrolProofInput): Buffer {
  const text = [
    'groundswell/enrol/v1',
    input.caPin,
    hex(input.certificateRequest),
    hex(input.boundKey),
    input.clusterUid,
    hex(input.nonce),
  ].join('|')
  return createHmac('sha256', key).update(text).digest()
}

/** What the bound key signs as it joins: that its holder is there now. */
export function boundText(nonce: Uint8Array): Buffer {
  return Buffer.from(`groundswell/bound/v1|${hex(nonce)}`)
}

export interface ClaimInput {
  readonly clusterId: string
  readonly clusterUid: string
  readonly certificateRequest: Uint8Array
  readonly nonce: Uint8Array
}

/** What the bound key signs to claim a certificate: for this cluster, this CSR, this challenge. */
export function claimText(input: ClaimInput): Buffer {
  const { clusterId, clusterUid, certificateRequest, nonce } = input
  return Buffer.from(
    ['groundswell/claim/v1', clusterId, clusterUid, hex(certificateRequest), hex(nonce)].join('|'),
  )
}

export interface FingerprintInput {
  /** Raw Ed25519 public key. */
  readonly boundKey: Uint8Array
  /** SubjectPublicKeyInfo, DER, of the key in the certificate request. */
  readonly certificateKey: Uint8Array
  readonly clusterUid: string
}

/**
 * What a person compares before approving a cluster: eight groups of four hex digits, 128 bits
 * over everything the hub will believe of this agent. The agent logs it, the hub shows it.
 */
export function enrolmentFingerprint(input: FingerprintInput): string {
  const { boundKey, certificateKey, clusterUid } = input
  const text = ['groundswell/fingerprint/v1', hex(boundKey), hex(certificateKey), clusterUid]
  return hex(Buffer.from(text.join('|')))
    .slice(0, 32)
    .replace(/(.{4})(?=.)/g, '$1-')
}

/** As `enrolmentFingerprint` writes it, or as people type it: other case, spaces for dashes. */
export function isSameFingerprint(typed: string, fingerprint: string): boolean {
  const bare = (text: string): string => text.toLowerCase().replace(/[-\s:]/g, '')
  return bare(typed) === bare(fingerprint)
}

function hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
