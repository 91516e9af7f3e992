import { healthCheckLimit } from '@groundswell/proto/health-check.ts'
import { ignoreLimits } from '@groundswell/proto/ignore-rule.ts'
import { CelError, parseCel } from '@groundswell/proto/cel.ts'
import { dependencyVariables } from '@groundswell/proto/manifest.ts'
import { type Static, Type } from 'typebox'
import { ApplicationSource, checkSource } from './application-source.ts'
import {
  closed,
  CountOrPercent,
  DigestText,
  DurationText,
  LabelSelector,
  Name,
  ServiceAccountName,
  TemplatedName,
  Values,
} from './fields.ts'
import { checkHealthExpressions, HealthCheckExpr } from './health-check-expr.ts'
import { checkIgnoreDifferences, IgnoreDifference } from './ignore-difference.ts'
import {
  checkName,
  checkPickers,
  checkValuesFile,
  type Names,
  type Path,
  type Report,
} from './names.ts'
import { Patch } from './patch.ts'
import { checkWaves, RolloutStrategySpec } from './rollout-strategy.ts'

/** Picks clusters (all given conditions hold) and says what differs there. */
export const ApplicationTarget = Type.Object(
  {
    name: Type.Optional(Name),
    clusterSelector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
    /** Matching clusters do not get the application, whatever later targets say. */
    exclude: Type.Optional(Type.Boolean()),
    values: Type.Optional(Values),
    valuesFiles: Type.Optional(Type.Array(Type.String())),
    patches: Type.Optional(Type.Array(Patch)),
    namespace: Type.Optional(TemplatedName),
  },
  closed,
)

export const ApplicationSpec = Type.Object(
  {
    /** The Project whose limits hold; `default` when left out, if there is one of that name. */
    project: Type.Optional(Name),
    source: ApplicationSource,
    targets: Type.Array(ApplicationTarget, { minItems: 1 }),
    targetNamespace: Type.Optional(TemplatedName),
    createNamespace: Type.Optional(Type.Boolean()),
    prune: Type.Optional(Type.Boolean()),
    /** More deletions at once on a cluster than this wait for `confirmPrune`. */
    pruneLimit: Type.Optional(CountOrPercent),
    /** What an agent asked for when it held deletions back. */
    confirmPrune: Type.Optional(Type.Array(DigestText, { maxItems: 20 })),
    /** An application that renders to nothing is refused unless this is true. */
    allowEmpty: Type.Optional(Type.Boolean()),
    deletionPolicy: Type.Optional(Type.Union([Type.Literal('Delete'), Type.Literal('Orphan')])),
    drift: Type.Optional(
      Type.Union([Type.Literal('correct'), Type.Literal('report'), Type.Literal('ignore')]),
    ),
    /** Fields that are left to others. */
    ignoreDifferences: Type.Optional(
      Type.Array(IgnoreDifference, { maxItems: ignoreLimits.rules }),
    ),
    /** How kinds fare for which kstatus has no rule, or the wrong one. */
    healthCheckExprs: Type.Optional(Type.Array(HealthCheckExpr, { maxItems: healthCheckLimit })),
    suspend: Type.Optional(Type.Boolean()),
    /** Applications that have to be healthy on a cluster before this one is applied there. */
    dependsOn: Type.Optional(
      Type.Array(Type.Object({ name: Name, ready: Type.Optional(Type.String()) }, closed)),
    ),
    /** What becomes of objects that are there already; `Always` when left out. */
    adoption: Type.Optional(
      Type.Union([Type.Literal('Always'), Type.Literal('IfNoDiff'), Type.Literal('Never')]),
    ),
    /** Objects that are deleted and made anew where the API server refuses a change. */
    replace: Type.Optional(
      Type.Array(
        Type.Object(
          {
            group: Type.Optional(Type.String()),
            kind: Type.String({ minLength: 1 }),
            name: Type.Optional(Type.String({ minLength: 1 })),
          },
          closed,
        ),
      ),
    ),
    /** Whose rights on the cluster objects are written with; the agent's when left out. */
    serviceAccount: Type.Optional(ServiceAccountName),
    /** How long a hook, a wave of objects or a deletion may take on a cluster. */
    timeout: Type.Optional(DurationText),
    /** Name of a RolloutStrategy; all clusters in one wave when neither this nor `rollout` is given. */
    rolloutStrategy: Type.Optional(Name),
    rollout: Type.Optional(RolloutStrategySpec),
  },
  closed,
)

export type ApplicationSpec = Static<typeof ApplicationSpec>
export type ApplicationTarget = Static<typeof ApplicationTarget>

export function checkApplication(spec: ApplicationSpec, names: Names, report: Report): void {
  checkSource(spec.source, names, report)
  spec.targets.forEach((target, index) => {
    checkTarget(spec, target, ['spec', 'targets', index], names, report)
  })
  if (spec.project !== undefined) {
    checkName(spec.project, names.projects, 'Project', ['spec', 'project'], report)
  }
  spec.dependsOn?.forEach(({ name, ready }, index) => {
    const path = ['spec', 'dependsOn', index]
    checkName(name, names.applications, 'Application', [...path, 'name'], report)
    if (ready !== undefined) checkReady(ready, [...path, 'ready'], report)
  })
  checkIgnoreDifferences(spec.ignoreDifferences, ['spec', 'ignoreDifferences'], report)
  checkHealthExpressions(spec.healthCheckExprs, ['spec', 'healthCheckExprs'], report)
  if (spec.rolloutStrategy !== undefined) {
    const path = ['spec', 'rolloutStrategy']
    checkName(spec.rolloutStrategy, names.strategies, 'RolloutStrategy', path, report)
    if (spec.rollout) report(path, 'give `rolloutStrategy` or `rollout`, not both')
  }
  if (spec.rollout) checkWaves(spec.rollout, ['spec', 'rollout'], names, report)
  if (spec.createNamespace && spec.targetNamespace === undefined) {
    if (spec.targets.every((target) => target.namespace === undefined)) {
      report(['spec', 'createNamespace'], 'needs `targetNamespace`')
    }
  }
}

function checkReady(text: string, path: Path, report: Report): void {
  try {
    parseCel(text, dependencyVariables)
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    report(path, `not an expression that is true or false: ${error.message}`)
  }
}

function checkTarget(
  { source, targets }: ApplicationSpec,
  target: ApplicationTarget,
  path: Path,
  names: Names,
  report: Report,
): void {
  if (!target.clusterSelector && target.clusterGroup === undefined && !target.clusters) {
    report(
      path,
      'picks no cluster: give `clusterSelector`, `clusterGroup` or `clusters` (`clusterSelector: {}` takes every cluster)',
    )
  }
  checkPickers(target.clusterSelector, 'clusterSelector', target, path, names, report)
  const helmOnly = (['values', 'valuesFiles'] as const).filter((field) => target[field])
  if ((source.directory || source.kustomize) && helmOnly[0]) {
    report([...path, helmOnly[0]], `\`${helmOnly[0]}\` is for helm sources only`)
  }
  target.valuesFiles?.forEach((file, index) =>
    checkValuesFile(source.path, file, [...path, 'valuesFiles', index], report),
  )
  const first = targets.findIndex((other) => other.name !== undefined && other.name === target.name)
  if (first >= 0 && targets[first] !== target) {
    report([...path, 'name'], `target "${target.name}" is there already`)
  }
}
