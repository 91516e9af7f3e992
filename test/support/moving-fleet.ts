import { configMap } from './fleet-files.ts'

/* Applications whose objects move: all of ConfigMaps, in namespaces that several may share. */

const api = 'apiVersion: groundswell.dev/v1alpha1'

export const movingStrategies = `${api}
kind: RolloutStrategy
metadata: { name: gated }
spec:
  waves:
    - { name: all, selector: {}, before: [{ approval: { role: operator } }] }
---
${api}
kind: RolloutStrategy
metadata: { name: plain }
spec:
  onFailure: rollback
  waves:
    - { name: all, selector: {}, maxConcurrent: 3, maxFailures: 0 }
---
${api}
kind: RolloutStrategy
metadata: { name: upward }
spec:
  waves:
    - { name: all, clusters: [a, b, c], maxConcurrent: 1, maxFailures: 0 }
---
${api}
kind: RolloutStrategy
metadata: { name: downward }
spec:
  waves:
    - { name: all, clusters: [c, b, a], maxConcurrent: 1, maxFailures: 0 }
---
${api}
kind: RolloutStrategy
metadata: { name: soaking }
spec:
  waves:
    - { name: all, clusters: [a, b, c], maxConcurrent: 1, maxFailures: 0, soak: 2s }
`

export type MovingStrategy = 'gated' | 'plain' | 'upward' | 'downward' | 'soaking'

/** An application of ConfigMaps in a namespace that others may share. */
export function movingApplication(
  name: string,
  namespace: string,
  strategy: MovingStrategy,
  objects: readonly string[],
): Record<string, string> {
  const spec = { source: { path: `apps/${name}` }, targets: [{ clusterSelector: {} }] }
  const rest = { targetNamespace: namespace, createNamespace: true, rolloutStrategy: strategy }
  return {
    [`fleet/${name}.yaml`]: `${api}\nkind: Application\nmetadata: { name: ${name} }\nspec: ${JSON.stringify({ ...spec, ...rest })}\n`,
    ...Object.fromEntries(
      objects.map((one) => [`apps/${name}/${one}.yaml`, configMap(one, `of ${name}`)]),
    ),
  }
}
