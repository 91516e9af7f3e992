import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { BundleOptions } from '../bundle/build.ts'
import { toBundleOptions, withCommonHealth } from '../bundle/options.ts'
import type { CommonHealth } from '../fleet/load/fleet-health.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { toRenderInput } from '../fleet/input/render-input.ts'
import type { RenderSource } from '../fleet/input/render-source.ts'
import type { ResolvedTarget } from '../fleet/resolve/resolve.ts'
import { type Case, judgedBy } from '../policy/judge.ts'
import { type Policy, selectPolicies } from '../policy/policy.ts'
import { nameFacts, withoutFacts } from './asked-facts.ts'
import type { RenderInput } from './engine.ts'
import { renderInputDigest } from './input.ts'

/** What decides a bundle's bytes, and what names it. */
export interface BundleSource {
  readonly source: RenderSource
  readonly input: RenderInput
  readonly options: BundleOptions
  /** Undefined: it was let through when it was first delivered. */
  readonly judged: Pick<Case, 'policies' | 'kubernetesVersion'> | undefined
  /** Names all of it but what is known of the cluster. */
  readonly base: Digest
  /** Names all of it. */
  readonly name: string
}

/** What holds for all targets of one look at a fleet. */
export interface Common {
  readonly fleet: Fleet
  /** Undefined: no later rule may keep back what runs already. */
  readonly policies: readonly Policy[] | undefined
  /** How the fleet judges kinds. */
  readonly health: CommonHealth | undefined
}

/** Spells what a target's bundle is made of; once for a target while nothing it is made of changes. */
export function createBundleSources(rendererVersion: string) {
  const known = new WeakMap<
    ResolvedTarget,
    { readonly source: RenderSource; readonly rules: string; readonly made: BundleSource }
  >()

  /** What a bundle is made of, as it happens to be spelled → its digest: most clusters ask the same. */
  function nameBase(
    bare: RenderInput,
    kept: readonly unknown[],
    keys: Map<string, Digest>,
  ): Digest {
    const spelled = JSON.stringify([bare, ...kept])
    const base =
      keys.get(spelled) ??
      digestOf(JSON.stringify([renderInputDigest(bare, rendererVersion), ...kept]))
    keys.set(spelled, base)
    return base
  }

  function make(
    { fleet, policies, health }: Common,
    target: ResolvedTarget,
    source: RenderSource,
    keys: Map<string, Digest>,
  ): BundleSource {
    const input = toRenderInput(target, source)
    const spec = fleet.applications.get(target.application)!.spec
    const options = toBundleOptions(spec, target)
    const { judgedVersion: kubernetesVersion } = target
    const judged = policies && {
      policies: selectPolicies(fleet, policies, target),
      kubernetesVersion,
    }
    const by = judged && judgedBy(judged.policies, kubernetesVersion)
    // By its digest: it is the same for all of them, and may be long.
    const kept = [source.root, options, by, ...(health ? [health.digest] : [])]
    const base = nameBase(withoutFacts(input), kept, keys)
    const name = `${base} ${nameFacts(input)}`
    return { source, input, options: withCommonHealth(options, health), judged, base, name }
  }

  return {
    /** For one look at a fleet: `common` is the same for all that are asked of it. */
    look(common: Common) {
      const keys = new Map<string, Digest>()
      // All else that a target is held to is in it, or was compared when it was resolved.
      const rules = JSON.stringify([
        common.policies?.map(({ digest }) => digest) ?? null,
        common.health?.digest ?? null,
      ])
      return (target: ResolvedTarget, source: RenderSource): BundleSource => {
        const before = known.get(target)
        if (before?.source === source && before.rules === rules) return before.made
        const made = make(common, target, source, keys)
        known.set(target, { source, rules, made })
        return made
      }
    },
  }
}
