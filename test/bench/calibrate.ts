import { createHash, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { open } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { FlattenedSign, flattenedVerify } from 'jose'
import { createTempDir } from '../support/temp-dir.ts'
import { measureEchoes } from './calibrate-grpc.ts'
import { measureOneShots } from './calibrate-render.ts'
import { measureHandshakes } from './calibrate-tls.ts'
import { applicationFiles } from './fleet-text.ts'
import { quantile } from './result.ts'

/** How fast this machine is at what the benchmarks' times are made of (B0); null: not measured. */
export interface Calibration {
  /** Resident memory of a Node that does nothing. */
  readonly empty_node_rss_mb: number | null
  /** With a cached KeyObject, synchronously. */
  readonly ed25519_sign_per_s: number | null
  readonly ed25519_verify_per_s: number | null
  /** The same by jose, one at a time. */
  readonly jose_sign_per_s: number | null
  readonly jose_verify_per_s: number | null
  /** Of 60 KB pieces. */
  readonly sha256_mb_per_s: number | null
  /** Of 60 KB of manifests, level 3. */
  readonly zstd_mb_per_s: number | null
  readonly unzstd_mb_per_s: number | null
  /** Unary calls without TLS, both ends in one process. */
  readonly grpc_echo_per_s: number | null
  /** TLS 1.3 with P-256 certificates on both sides, both ends in one process. */
  readonly tls_full_per_s: number | null
  readonly tls_resumed_per_s: number | null
  /** One small render by a warm worker of the engine. */
  readonly kustomize_ms: number | null
  readonly helm_ms: number | null
  /** Append of 1 KB and fdatasync. */
  readonly fsync_ms: number | null
  /** Needs an etcd, which the benchmarks so far do not. */
  readonly etcd_put_per_s: number | null
}

export const noCalibration: Calibration = {
  empty_node_rss_mb: null,
  ed25519_sign_per_s: null,
  ed25519_verify_per_s: null,
  jose_sign_per_s: null,
  jose_verify_per_s: null,
  sha256_mb_per_s: null,
  zstd_mb_per_s: null,
  unzstd_mb_per_s: null,
  grpc_echo_per_s: null,
  tls_full_per_s: null,
  tls_resumed_per_s: null,
  kustomize_ms: null,
  helm_ms: null,
  fsync_ms: null,
  etcd_put_per_s: null,
}

const spanMs = 300

export async function calibrate(): Promise<Calibration> {
  const text = Buffer.from(Object.values(applicationFiles()).join('---\n')).subarray(0, 60_000)
  const packed = zstdCompressSync(text)
  const params = { [constants.ZSTD_c_compressionLevel]: 3 }
  const megabytes = (perSecond: number): number => Math.round((perSecond * text.byteLength) / 1e6)
  return {
    empty_node_rss_mb: measureEmptyNode(),
    ...(await measureSignatures()),
    sha256_mb_per_s: megabytes(await rate(() => createHash('sha256').update(text).digest())),
    zstd_mb_per_s: megabytes(await rate(() => zstdCompressSync(text, { params }))),
    unzstd_mb_per_s: megabytes(await rate(() => zstdDecompressSync(packed))),
    grpc_echo_per_s: await measureEchoes(spanMs),
    ...(await measureHandshakes(spanMs)),
    ...(await measureOneShots()),
    fsync_ms: await measureFsync(),
    etcd_put_per_s: null,
  }
}

/** How often in a second, after a first time that does not count. */
export async function rate(work: () => unknown, milliseconds = spanMs): Promise<number> {
  await work()
  const start = performance.now()
  let count = 0
  let now = start
  for (; now - start < milliseconds; now = performance.now()) {
    await work()
    count += 1
  }
  return Math.round((count * 1000) / (now - start))
}

function measureEmptyNode(): number {
  const program = `process.stdout.write(String(process.memoryUsage.rss()))`
  const rss = Number(execFileSync(process.execPath, ['--eval', program], { encoding: 'utf8' }))
  return Math.round(rss / 2 ** 20)
}

async function measureSignatures() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const payload = randomBytes(1024)
  const signature = sign(null, payload, privateKey)
  const jws = () => new FlattenedSign(payload).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)
  const signed = await jws()
  return {
    ed25519_sign_per_s: await rate(() => sign(null, payload, privateKey)),
    ed25519_verify_per_s: await rate(() => verify(null, payload, publicKey, signature)),
    jose_sign_per_s: await rate(jws),
    jose_verify_per_s: await rate(() => flattenedVerify(signed, publicKey)),
  }
}

async function measureFsync(): Promise<number> {
  await using directory = await createTempDir('fsync')
  const file = await open(join(directory.path, 'file'), 'a')
  const times: number[] = []
  try {
    for (let count = 0; count < 50; count++) {
      const start = performance.now()
      await file.appendFile(randomBytes(1024))
      await file.datasync()
      times.push(performance.now() - start)
    }
  } finally {
    await file.close()
  }
  return round(
    quantile(
      times.sort((a, b) => a - b),
      0.5,
    ),
  )
}

export function round(value: number): number {
  return Math.round(value * 100) / 100
}
