import { digestOf } from '@groundswell/proto/digest.ts'
import {
  type Adoption,
  type DeletionPolicy,
  type Dependency,
  type DriftPolicy,
  type Manifest,
  encodeManifest,
  manifestLimits,
} from '@groundswell/proto/manifest.ts'
import type { IgnoreRule } from '@groundswell/proto/ignore-rule.ts'
import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { allowsNamespace, type Scope, whyNamespaceRefused } from '@groundswell/proto/scope.ts'
import { type Fault, HubError } from '../errors.ts'
import type { RenderedObject } from '../render/engine.ts'
import type { Blob } from './content.ts'
import { fingerprintIds } from './fingerprint.ts'
import { findHealthFaults, type HealthOptions, selectHealthChecks } from './health-checks.ts'
import { type OrderOptions, orderObjects } from './object-order.ts'
import { whyRenderedOutside } from './outside-scope.ts'

/** How an application's objects are to be kept on the cluster. */
export interface BundleOptions extends OrderOptions, HealthOptions {
  readonly prune: boolean
  readonly allowEmpty: boolean
  /** More deletions than this wait for a person. */
  readonly pruneLimit?: number | string
  /** Sets of objects whose deletions a person has confirmed. */
  readonly confirmPrune?: readonly string[]
  readonly drift: DriftPolicy
  readonly deletionPolicy: DeletionPolicy
  /** What its objects may be; absent where nothing limits the application. */
  readonly scope?: Scope
  /** What becomes of objects that are there already; `Always` when absent. */
  readonly adoption?: Adoption
  /** Applications that are healthy on the cluster first. */
  readonly dependsOn?: readonly Dependency[]
  /** `namespace/name` of the ServiceAccount objects are written as. */
  readonly serviceAccount?: string
  /** Milliseconds a hook, a wave or a deletion may take. */
  readonly timeout?: number
  /** Fields of its objects that are left to others. */
  readonly ignore?: readonly IgnoreRule[]
}

/** Desired state of one application on one cluster, ready to be stored and named in a snapshot. */
export interface Bundle {
  readonly manifest: Blob
  readonly objects: readonly Blob[]
  /** The same for manifests that name the same objects. */
  readonly fingerprint: string
}

/**
 * Rendered objects → content-addressed bundle. Same input, same bytes.
 *
 * @throws HubError `render_failed` for too many or too large objects, too many health checks, for two objects of one id,
 *   for an object outside of the scope, for an order that cannot be kept, and for an empty render
 *   that was not allowed: an empty render must never prune.
 */
export function buildBundle(rendered: readonly RenderedObject[], options: BundleOptions): Bundle {
  const ordered = orderObjects(rendered, options)
  const objects = ordered.objects.map(({ rendered }) => rendered)
  const healthChecks = selectHealthChecks(objects, options)
  const faults = [
    ...findFaults(objects, options),
    ...findHealthFaults(healthChecks, options),
    ...ordered.faults,
  ]
  if (faults.length > 0) {
    throw new HubError('render_failed', `application ${options.application} cannot be bundled`, {
      faults,
    })
  }
  const entries = ordered.objects
    .map(({ rendered: object, rules }) => {
      const bytes = Buffer.from(object.json)
      const digest = digestOf(bytes)
      return {
        blob: { digest, bytes },
        entry: {
          id: formatObjectId(object.id),
          apiVersion: object.apiVersion,
          digest,
          size: bytes.byteLength,
          file: object.file,
          ...(Object.keys(rules).length > 0 && { rules }),
        },
      }
    })
    .sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1))
  const manifest: Manifest = {
    v: 1,
    application: options.application,
    targetNamespace: options.targetNamespace,
    prune: {
      enabled: options.prune,
      allowEmpty: options.allowEmpty,
      ...(options.pruneLimit !== undefined && { limit: options.pruneLimit }),
      // Sorted, so that the same confirmations are the same bytes.
      ...(options.confirmPrune && { confirmed: [...new Set(options.confirmPrune)].sort() }),
    },
    drift: options.drift,
    deletionPolicy: options.deletionPolicy,
    ...(options.scope && { scope: options.scope }),
    ...toApplying(options),
    ...(options.ignore?.length && { ignore: options.ignore }),
    ...(healthChecks.length > 0 && { healthChecks }),
    objects: entries.map(({ entry }) => entry),
  }
  const bytes = Buffer.from(encodeManifest(manifest))
  if (bytes.byteLength > manifestLimits.bytes) {
    throw new HubError(
      'render_failed',
      `application ${options.application}: its manifest is larger than 1 MiB; split the application`,
    )
  }
  return {
    manifest: { digest: digestOf(bytes), bytes },
    objects: entries.map(({ blob }) => blob),
    fingerprint: fingerprintIds(manifest),
  }
}

/** What is said only where it is not as usual, so that most manifests stay the bytes they were. */
function toApplying({ adoption, dependsOn, serviceAccount, timeout }: BundleOptions) {
  return {
    ...(adoption !== undefined && adoption !== 'Always' && { adoption }),
    ...(dependsOn && dependsOn.length > 0 && { dependsOn }),
    ...(serviceAccount !== undefined && { serviceAccount }),
    ...(timeout !== undefined && { timeout }),
  }
}

/** Whether it is the Namespace that `createNamespace` adds: manifests that are all gone leave it behind. */
function isNamespaceAdded(
  { id, file, json }: RenderedObject,
  { targetNamespace }: BundleOptions,
): boolean {
  const isHome = id.group === '' && id.kind === 'Namespace' && id.name === targetNamespace
  return (
    isHome && file === '' && json.includes('"annotations":{"groundswell.dev/prune":"disabled"}')
  )
}

function findFaults(objects: readonly RenderedObject[], options: BundleOptions): Fault[] {
  const object = `Application ${options.application}`
  const faults: Fault[] = []
  const isEmpty = objects.every((one) => isNamespaceAdded(one, options))
  if (isEmpty && !options.allowEmpty) {
    const but = objects.length > 0 ? ' but the Namespace of `createNamespace`' : ''
    faults.push({
      object,
      message: `renders to no objects${but}; nothing is removed because of it. Set allowEmpty: true if that is meant, or delete the Application`,
    })
  }
  if (objects.length > manifestLimits.objects) {
    faults.push({
      object,
      message: `renders to ${objects.length} objects, at most ${manifestLimits.objects} are allowed; split the application`,
    })
    // What else is wrong with each, of half a million perhaps, is for when there are fewer.
    return faults
  }
  const home = options.serviceAccount?.split('/')[0] ?? ''
  if (home !== '' && options.scope && !allowsNamespace(options.scope, home)) {
    const refused = whyNamespaceRefused(options.scope, home)
    faults.push({ object, message: `serviceAccount ${options.serviceAccount}: ${refused}` })
  }
  const seen = new Map<string, RenderedObject>()
  for (const rendered of objects) {
    const id = formatObjectId(rendered.id)
    const first = seen.get(id)
    if (first) {
      faults.push({
        object,
        file: rendered.file,
        message: `${id} is rendered twice, in ${first.file || 'a generator'} and here`,
      })
    }
    seen.set(id, rendered)
    const outside = options.scope && whyRenderedOutside(rendered, options.scope, options)
    if (outside) faults.push({ object, file: rendered.file, message: outside })
    const size = Buffer.byteLength(rendered.json)
    if (size > manifestLimits.objectBytes) {
      faults.push({
        object,
        file: rendered.file,
        message: `${id} has ${size} bytes; Kubernetes stores at most ${manifestLimits.objectBytes}`,
      })
    } else if (size > manifestLimits.annotationBytes) {
      const noted = measureAnnotations(rendered)
      if (noted > manifestLimits.annotationBytes) {
        faults.push({
          object,
          file: rendered.file,
          message: `${id} has annotations of ${noted} bytes; Kubernetes takes at most ${manifestLimits.annotationBytes}`,
        })
      }
    }
  }
  return faults
}

function measureAnnotations({ json }: RenderedObject): number {
  const { metadata } = JSON.parse(json) as { metadata?: { annotations?: Record<string, unknown> } }
  return Object.entries(metadata?.annotations ?? {}).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(String(value)),
    0,
  )
}
