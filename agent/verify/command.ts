import { parseArgs } from 'node:util'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { Decompress } from '../link/unpack.ts'
import { judgeCase, readIdentity, readState, witnessCase } from './case.ts'
import { judgePacks } from './packs.ts'
import { parseVectors } from './vector.ts'

/** Files, as far as verifying needs them. */
export interface VerifyFiles {
  read(path: string): Promise<Uint8Array>
  /** Files of a directory by name, sorted. */
  readAll(directory: string): Promise<ReadonlyMap<string, Uint8Array>>
}

const usage = `agent verify: says what an agent would say to these statements

  --root FILE         the root statement that is pinned
  --root-chain FILE   root statements after it, oldest first; repeat
  --state FILE        JSON {epoch, sequence, snapshotDigest}: what was accepted before;
                      timeFloor, doubt, auditHead, below when they are known
  --identity FILE     JSON {fleet, cluster, clusterId, clusterUid}
  --snapshot FILE     the snapshot's envelope
  --approval FILE     approvals of what it lists; repeat
  --freshness FILE    a freshness statement, with --nonce BASE64URL
  --content DIR       manifests and objects, each named by its SHA-256 in hex
  --at SECONDS        the time to judge expiry by

  --vectors DIR       judges every vector of every .json file there instead

Prints accept, or the code of the first check that failed. Exits with 0 when all is as it should
be, 1 when something was refused (or a vector got another verdict), 2 when it could not tell.
`

const options = {
  root: { type: 'string' },
  'root-chain': { type: 'string', multiple: true },
  state: { type: 'string' },
  identity: { type: 'string' },
  snapshot: { type: 'string' },
  approval: { type: 'string', multiple: true },
  freshness: { type: 'string' },
  nonce: { type: 'string' },
  content: { type: 'string' },
  at: { type: 'string' },
  vectors: { type: 'string' },
  help: { type: 'boolean' },
} as const

/** Answers with the exit code; never with 0 when anything at all went wrong. */
export async function runVerify(
  argv: readonly string[],
  files: VerifyFiles,
  say: (text: string) => void,
  decompress: Decompress,
): Promise<0 | 1 | 2> {
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true })
    if (values.help) {
      say(usage)
      return 0
    }
    if (values.vectors !== undefined) {
      return await judgeVectors(values.vectors, files, say, decompress)
    }
    return await judgeFiles(values, files, say)
  } catch (error) {
    say(`cannot tell: ${(error as Error).message}\n`)
    return 2
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

async function judgeFiles(
  values: Values,
  files: VerifyFiles,
  say: (text: string) => void,
): Promise<0 | 1> {
  const needed = (name: 'root' | 'identity' | 'at'): string => {
    const value = values[name]
    if (value === undefined) throw new TypeError(`--${name} is needed; see --help`)
    return value
  }
  const json = async (path: string): Promise<unknown> =>
    JSON.parse(Buffer.from(await files.read(path)).toString())
  const all = (paths: readonly string[] = []) => Promise.all(paths.map((path) => files.read(path)))
  const at = Number(needed('at'))
  if (!Number.isSafeInteger(at)) throw new TypeError('--at is in whole seconds')
  const { snapshot, freshness, nonce, content, state } = values
  if (freshness !== undefined && nonce === undefined) throw new TypeError('--nonce is needed')
  const verdict = await judgeCase({
    root: await files.read(needed('root')),
    rootChain: await all(values['root-chain']),
    state: readState(
      state === undefined ? { epoch: 1, sequence: 0, snapshotDigest: null } : await json(state),
    ),
    identity: readIdentity(await json(needed('identity'))),
    approvals: await all(values.approval),
    at,
    ...(snapshot === undefined ? {} : { snapshot: await files.read(snapshot) }),
    ...(freshness === undefined ? {} : { freshness: await files.read(freshness) }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(content === undefined ? {} : { content: byDigest(await files.readAll(content)) }),
  })
  say(`${verdict}\n`)
  return verdict === 'accept' ? 0 : 1
}

async function judgeVectors(
  directory: string,
  files: VerifyFiles,
  say: (text: string) => void,
  decompress: Decompress,
): Promise<0 | 1> {
  let failed = 0
  let judged = 0
  for (const [name, bytes] of await files.readAll(directory)) {
    if (!name.endsWith('.json')) continue
    for (const vector of parseVectors(Buffer.from(bytes).toString())) {
      const { packs } = vector
      const verdict = packs ? await judgePacks(packs, decompress) : await judgeCase(vector.given)
      const audit = vector.audit === undefined ? undefined : await witnessCase(vector.given)
      const good = verdict === vector.expected && audit === vector.audit
      judged += 1
      if (!good) failed += 1
      const wanted = [vector.expected, vector.audit].filter(Boolean).join(' ')
      const told = good
        ? verdict
        : `${[verdict, audit].filter(Boolean).join(' ')}, expected ${wanted}`
      say(`${good ? 'ok' : 'FAILED'}  ${name}: ${vector.name}: ${told}\n`)
    }
  }
  if (judged === 0) throw new TypeError(`no vectors in ${directory}`)
  return failed === 0 ? 0 : 1
}

function byDigest(found: ReadonlyMap<string, Uint8Array>): Map<Digest, Uint8Array> {
  return new Map([...found].map(([name, bytes]) => [`sha256:${name}`, bytes]))
}
