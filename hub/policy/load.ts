import { posix } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type Fault, formatFault, HubError } from '../errors.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import type { PolicySpec } from '../fleet/kinds/policy.ts'
import type { Mirror } from '../source/source.ts'
import type { PolicyEngine } from './engine.ts'
import { faultsOf, isOfPolicy } from './faults.ts'
import { plainPlace, type Policy, type PolicyFile } from './policy.ts'
import { readSignaturePlace, readSignatureRules } from './signature/load.ts'

/** The fleet repository's files at one commit. */
export interface PolicySource {
  readonly mirror: Pick<Mirror, 'readTree' | 'readBlobs'>
  readonly commit: string
}

/** A fleet's policies, all compiled once, and what people should know of them. */
export interface PolicySet {
  readonly policies: readonly Policy[]
  readonly warnings: readonly Fault[]
}

const readable = /\.(ya?ml|json|rego)$/i
const mostFiles = 500
const mostBytes = 8 * 1024 * 1024
const remembered = 256

/**
 * Reads the policies of a fleet. One that cannot be read, or that says something nobody here can
 * judge, is a fault of the whole fleet: it must never count as one that everything passes.
 */
export function createPolicyLoader(engine: PolicyEngine) {
  /** By program: what compiles has compiled before. */
  const compiled = new Map<string, readonly string[]>()

  async function compile(policy: Policy, signal: AbortSignal): Promise<readonly string[]> {
    const known = compiled.get(policy.program)
    if (known) return known
    const notes = await engine.compile(policy, signal)
    compiled.set(policy.program, notes)
    for (const oldest of compiled.keys()) {
      if (compiled.size <= remembered) break
      compiled.delete(oldest)
    }
    return notes
  }

  /** @throws HubError `fleet_invalid` with the faults of all policies, `engine_unavailable`, `source_*` */
  return async function loadPolicies(
    fleet: Fleet,
    source: PolicySource,
    signal: AbortSignal,
  ): Promise<PolicySet> {
    const policies: Policy[] = []
    const warnings: Fault[] = []
    const faults: Fault[] = []
    for (const declared of fleet.policies.values()) {
      const { file, line } = declared
      const object = `Policy ${declared.name}`
      const wrong: Fault[] = []
      const attempt = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
        try {
          return await read()
        } catch (error) {
          if (!isOfPolicy(error)) throw error
          wrong.push(...faultsOf(error))
          return undefined
        }
      }
      const { signatures = [], kyverno } = declared.spec.images ?? {}
      const rules = await attempt(() => readSignatureRules(signatures, source))
      const place = await attempt(async () =>
        kyverno ? readSignaturePlace(kyverno, source) : plainPlace,
      )
      const before = wrong.length
      const files = await readFiles(declared, source, attempt)
      const read = { files, signatures: rules ?? [], signaturePlace: place ?? plainPlace }
      const policy = toPolicy(declared, read, wrong.length > before)
      const notes = await attempt(() => compile(policy, signal))
      faults.push(...wrong.map((fault) => ({ file, line, object, ...fault })))
      if (wrong.length > 0) continue
      policies.push(policy)
      warnings.push(...(notes ?? []).map((message) => ({ file, line, object, message })))
    }
    if (faults.length > 0) {
      const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
      throw new HubError('fleet_invalid', `${formatFault(faults[0]!)}${more}`, { faults })
    }
    return { policies, warnings }
  }
}

export type PolicyLoader = ReturnType<typeof createPolicyLoader>

function toPolicy(
  declared: Declared<PolicySpec>,
  read: Pick<Policy, 'files' | 'signatures' | 'signaturePlace'>,
  isPartial: boolean,
): Policy {
  const { name, spec } = declared
  const { files, signatures, signaturePlace } = read
  const texts = files.map(({ path, bytes }) => [path, digestOf(bytes)])
  // What is compiled of a part stands for no policy that has these files and no others.
  const partial = isPartial && { partial: true as const }
  const program = digestOf(
    JSON.stringify([spec.images ?? null, texts, ...(partial ? [partial] : [])]),
  )
  const signers = [...signatures.map((rule) => rule.digest), signaturePlace.digest]
  const digest = digestOf(JSON.stringify([name, spec, texts, ...signers]))
  return { ...declared, ...read, ...partial, program, digest }
}

/** Those that can be read; of the others `attempt` keeps what is wrong. */
async function readFiles(
  { spec }: Declared<PolicySpec>,
  { mirror, commit }: PolicySource,
  attempt: (read: () => Promise<void>) => Promise<void>,
): Promise<PolicyFile[]> {
  const found = new Map<string, { readonly oid: string; readonly size: number }>()
  const find = async (written: string): Promise<void> => {
    const path = posix.normalize(written).replace(/\/$/, '')
    const name = posix.basename(path)
    const directory = readable.test(path) ? posix.dirname(path) : path
    const tree = await mirror.readTree(commit, directory)
    const files = tree.files.filter((file) =>
      readable.test(path) ? file.path === name : readable.test(file.path),
    )
    if (files.length === 0) {
      throw new HubError('fleet_invalid', `there is no .yaml, .json or .rego file at ${written}`)
    }
    for (const file of files) found.set(posix.join(directory, file.path), file)
  }
  for (const written of spec.files ?? []) await attempt(() => find(written))
  const size = [...found.values()].reduce((sum, file) => sum + file.size, 0)
  if (found.size > mostFiles || size > mostBytes) {
    const words = `its files are ${found.size} of ${size} bytes; at most ${mostFiles} and ${mostBytes} are read`
    await attempt(() => Promise.reject(new HubError('fleet_invalid', words)))
    return []
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
  const bytes = await mirror.readBlobs(sorted.map(([, { oid }]) => oid))
  return sorted.map(([path], at) => ({ path, bytes: bytes[at]! }))
}
