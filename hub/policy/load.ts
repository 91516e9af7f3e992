import { posix } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type Fault, formatFault, HubError } from '../errors.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import type { PolicySpec } from '../fleet/kinds/policy.ts'
import type { Mirror } from '../source/source.ts'
import type { PolicyEngine } from './engine.ts'
import { plainPlace, type Policy, type PolicyFile } from './policy.ts'
import { readSignaturePlace, readSignatureRules } from './signature/load.ts'
import type { SignaturePlace, SignatureRule } from './signature/rule.ts'

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
      try {
        const { signatures = [], kyverno } = declared.spec.images ?? {}
        const rules = await readSignatureRules(signatures, source)
        const place = kyverno ? await readSignaturePlace(kyverno, source) : plainPlace
        const policy = toPolicy(declared, await readFiles(declared, source), rules, place)
        const notes = await compile(policy, signal)
        policies.push(policy)
        warnings.push(...notes.map((message) => ({ file, line, object, message })))
      } catch (error) {
        if (!(error instanceof HubError) || !isOfPolicy(error)) throw error
        const found = error.faults.length > 0 ? error.faults : [{ message: error.message }]
        faults.push(...found.map((fault) => ({ file, line, object, ...fault })))
      }
    }
    if (faults.length > 0) {
      const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
      throw new HubError('fleet_invalid', `${formatFault(faults[0]!)}${more}`, { faults })
    }
    return { policies, warnings }
  }
}

export type PolicyLoader = ReturnType<typeof createPolicyLoader>

function isOfPolicy({ code }: HubError): boolean {
  return (
    code === 'fleet_invalid' ||
    code === 'policy_failed' ||
    code === 'revision_not_found' ||
    code === 'source_refused'
  )
}

function toPolicy(
  declared: Declared<PolicySpec>,
  files: readonly PolicyFile[],
  signatures: readonly SignatureRule[],
  signaturePlace: SignaturePlace,
): Policy {
  const { name, spec } = declared
  const texts = files.map(({ path, bytes }) => [path, digestOf(bytes)])
  const program = digestOf(JSON.stringify([spec.images ?? null, texts]))
  const signers = [...signatures.map((rule) => rule.digest), signaturePlace.digest]
  const digest = digestOf(JSON.stringify([name, spec, texts, ...signers]))
  return { ...declared, files, signatures, signaturePlace, program, digest }
}

async function readFiles(
  { spec }: Declared<PolicySpec>,
  { mirror, commit }: PolicySource,
): Promise<PolicyFile[]> {
  const found = new Map<string, { readonly oid: string; readonly size: number }>()
  for (const written of spec.files ?? []) {
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
  const size = [...found.values()].reduce((sum, file) => sum + file.size, 0)
  if (found.size > mostFiles || size > mostBytes) {
    throw new HubError(
      'fleet_invalid',
      `its files are ${found.size} of ${size} bytes; at most ${mostFiles} and ${mostBytes} are read`,
    )
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
  const bytes = await mirror.readBlobs(sorted.map(([, { oid }]) => oid))
  return sorted.map(([path], at) => ({ path, bytes: bytes[at]! }))
}
