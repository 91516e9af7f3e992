import { type ApplyRules, isApplyRules } from './apply-rules.ts'
import { canonicalJson } from './canonical.ts'
import { type Digest, isDigest } from './digest.ts'
import { type HealthCheck, parseHealthChecks } from './health-check.ts'
import { type IgnoreRule, parseIgnoreRules } from './ignore-rule.ts'
import { isRecord } from './record.ts'
import { parseScope, type Scope } from './scope.ts'

/** What differs from desired state is put right, only reported, or not looked for. */
export type DriftPolicy = 'correct' | 'report' | 'ignore'

/** What becomes of an application's objects when its tombstone arrives. */
export type DeletionPolicy = 'Delete' | 'Orphan'

/** One object of a manifest; its bytes are the blob named by `digest`. */
export interface ManifestObject {
  /** Object id as `group/kind/namespace/name`, unique within the manifest. */
  readonly id: string
  readonly apiVersion: string
  readonly digest: Digest
  /** Bytes of the blob. */
  readonly size: number
  /** File in the source it came from, so that faults can name it; empty when unknown. */
  readonly file: string
  /** Absent where it is applied as usual. */
  readonly rules?: ApplyRules
}

/** What becomes of an object that is there already when it is to be applied for the first time. */
export type Adoption = 'Always' | 'IfNoDiff' | 'Never'

/** Names an expression about a dependency may use: it, and who waits for it. */
export const dependencyVariables = ['dep', 'self'] as const

/** Another application of the same cluster that has to be healthy before this one is applied. */
export interface Dependency {
  readonly name: string
  /** CEL over {@link dependencyVariables} that says when it is ready; by its health when absent. */
  readonly ready?: string
}

/** What becomes of objects that the manifest no longer lists. */
export interface PrunePolicy {
  readonly enabled: boolean
  readonly allowEmpty: boolean
  /** More deletions than this, a count or `30%`, wait for a person; the agent's own limit when absent. */
  readonly limit?: number | string
  /** Sets of objects whose deletions are confirmed: digests as the agent tells them. */
  readonly confirmed?: readonly string[]
}

/**
 * Desired state of one application on one cluster: the list of its objects and how to keep them.
 * Unsigned; the signed snapshot names it by digest. It says nothing of commits, so that a commit
 * which changes nothing here makes no new digest.
 */
export interface Manifest {
  readonly v: 1
  readonly application: string
  /** Namespace for namespaced objects that name none; empty when every object names its own. */
  readonly targetNamespace: string
  readonly prune: PrunePolicy
  readonly drift: DriftPolicy
  readonly deletionPolicy: DeletionPolicy
  /** What its objects are held to; absent where nothing limits the application. */
  readonly scope?: Scope
  /** `Always` when absent. */
  readonly adoption?: Adoption
  readonly dependsOn?: readonly Dependency[]
  /** `namespace/name` of the ServiceAccount in whose name objects are written; the agent's when absent. */
  readonly serviceAccount?: string
  /** Milliseconds that a hook, a wave or a deletion may take; the agent's own limit when absent. */
  readonly timeout?: number
  /** Fields that are left to others; absent where there are none. */
  readonly ignore?: readonly IgnoreRule[]
  /** How kinds fare by expressions of their author; absent where there are none. */
  readonly healthChecks?: readonly HealthCheck[]
  /** Sorted by id. */
  readonly objects: readonly ManifestObject[]
}

export const manifestLimits = {
  bytes: 1024 * 1024,
  objects: 5_000,
  objectBytes: 1_536 * 1024,
  /** Names and values together (apimachinery, TotalAnnotationSizeLimitB). */
  annotationBytes: 256 * 1024,
} as const

/** The bytes a manifest's digest is made of. */
export function encodeManifest(manifest: Manifest): string {
  return canonicalJson(manifest as never)
}

/**
 * Reads a manifest whose digest has been checked. Strict: the signer made it, so anything odd is
 * a fault to stop at.
 *
 * @throws TypeError naming the first member that is wrong.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.byteLength > manifestLimits.bytes) throw new TypeError('manifest: larger than 1 MiB')
  const value = parseJson(bytes)
  if (!isRecord(value)) throw new TypeError('manifest: not an object')
  const { v, application, targetNamespace, prune, drift, deletionPolicy, scope, objects } = value
  if (v !== 1) throw new TypeError(`manifest: version ${String(v)} is not known`)
  if (typeof application !== 'string' || !application) throw new TypeError('manifest: application')
  if (typeof targetNamespace !== 'string') throw new TypeError('manifest: targetNamespace')
  if (
    !isRecord(prune) ||
    typeof prune['enabled'] !== 'boolean' ||
    typeof prune['allowEmpty'] !== 'boolean' ||
    !isPruneLimit(prune['limit']) ||
    !isConfirmed(prune['confirmed'])
  ) {
    throw new TypeError('manifest: prune')
  }
  if (drift !== 'correct' && drift !== 'report' && drift !== 'ignore') {
    throw new TypeError('manifest: drift')
  }
  if (deletionPolicy !== 'Delete' && deletionPolicy !== 'Orphan') {
    throw new TypeError('manifest: deletionPolicy')
  }
  checkApplying(value)
  checkMember(scope, parseScope)
  checkMember(value['ignore'], parseIgnoreRules)
  checkMember(value['healthChecks'], parseHealthChecks)
  if (!Array.isArray(objects) || objects.length > manifestLimits.objects) {
    throw new TypeError('manifest: objects')
  }
  const seen = new Set<string>()
  for (const object of objects as unknown[]) {
    if (!isManifestObject(object)) throw new TypeError('manifest: an object entry is malformed')
    if (seen.has(object.id)) throw new TypeError(`manifest: ${object.id} is listed twice`)
    seen.add(object.id)
  }
  return value as unknown as Manifest
}

function checkApplying(value: Record<string, unknown>): void {
  const { adoption, dependsOn, serviceAccount, timeout } = value
  if (adoption !== undefined && adoption !== 'IfNoDiff' && adoption !== 'Never') {
    throw new TypeError('manifest: adoption')
  }
  if (dependsOn !== undefined && !(Array.isArray(dependsOn) && dependsOn.every(isDependency))) {
    throw new TypeError('manifest: dependsOn')
  }
  if (serviceAccount !== undefined && !isServiceAccount(serviceAccount)) {
    throw new TypeError('manifest: serviceAccount')
  }
  if (timeout !== undefined && !(Number.isSafeInteger(timeout) && (timeout as number) > 0)) {
    throw new TypeError('manifest: timeout')
  }
}

function isDependency(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    value['name'] !== '' &&
    (value['ready'] === undefined || typeof value['ready'] === 'string')
  )
}

/** Whether parsed JSON is `namespace/name`. */
export function isServiceAccount(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-.a-z0-9]*$/.test(value)
}

function isPruneLimit(value: unknown): boolean {
  return (
    value === undefined ||
    (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) ||
    (typeof value === 'string' && /^(100|[1-9]?[0-9])%$/.test(value))
  )
}

function isConfirmed(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isDigest))
}

function checkMember(member: unknown, parse: (member: unknown) => unknown): void {
  if (member === undefined) return
  try {
    parse(member)
  } catch (cause) {
    throw new TypeError(`manifest: ${(cause as Error).message}`, { cause })
  }
}

function isManifestObject(value: unknown): value is ManifestObject {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    value['id'].split('/').length === 4 &&
    typeof value['apiVersion'] === 'string' &&
    isDigest(value['digest']) &&
    Number.isSafeInteger(value['size']) &&
    (value['size'] as number) >= 0 &&
    (value['size'] as number) <= manifestLimits.objectBytes &&
    typeof value['file'] === 'string' &&
    (value['rules'] === undefined || isApplyRules(value['rules']))
  )
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new TypeError('manifest: not JSON', { cause })
  }
}
