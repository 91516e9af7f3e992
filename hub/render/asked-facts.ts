import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { RenderInput } from './engine.ts'

/** What a render wanted to know of its cluster, as the engine noted it. */
export interface AskedFacts {
  /** The version of Kubernetes. */
  readonly version: boolean
  /** All that the cluster serves. */
  readonly served: boolean
  /** What it asked for by name; sorted. */
  readonly apis: readonly string[]
}

/** Names a list once, however often it is asked: a fleet's clusters share theirs. */
const listed = new WeakMap<readonly string[], Digest>()

export function nameList(names: readonly string[]): Digest {
  const known = listed.get(names)
  if (known) return known
  const name = digestOf(JSON.stringify(names))
  listed.set(names, name)
  return name
}

/** An input as it is for a cluster nobody knows anything of. */
export function withoutFacts(input: RenderInput): RenderInput {
  const { helm } = input
  if (helm.kubeVersion === '' && helm.apiVersions.length === 0 && !helm.served) return input
  const { served: _, ...rest } = helm
  return { ...input, helm: { ...rest, kubeVersion: '', apiVersions: [] } }
}

/** The facts of an input, spelled shortly; the same text, the same facts. */
export function nameFacts({ helm }: RenderInput): string {
  return `${helm.kubeVersion} ${helm.served === true} ${nameList(helm.apiVersions)}`
}

/**
 * What a cluster answers to what a render asked. Rendering is decided by its input and by what it
 * asks, so clusters that answer alike get the same objects, whatever else they are.
 */
export function answerAsked(asked: AskedFacts, { helm }: RenderInput): string {
  const isNamed = asked.apis.length > 0
  // Beside what a cluster is declared to serve stands what the engine takes for usual.
  const whole = asked.served || (isNamed && helm.served !== true)
  return JSON.stringify([
    asked.version ? helm.kubeVersion : null,
    whole ? [helm.served === true, nameList(helm.apiVersions)] : null,
    isNamed && !whole ? answerByName(asked.apis, helm.apiVersions) : null,
  ])
}

function answerByName(asked: readonly string[], served: readonly string[]) {
  const names = new Set(served)
  return asked.map((name) => [name, names.has(name)])
}
