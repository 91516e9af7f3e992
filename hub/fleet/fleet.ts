import type { Fault } from '../errors.ts'
import type { ApplicationSpec } from './kinds/application.ts'
import type { ClusterGroupSpec, ClusterSpec } from './kinds/cluster.ts'
import type { HealthCheckSpec } from './kinds/health-check.ts'
import type { MetricTemplateSpec } from './kinds/metric-template.ts'
import type { AlertSpec, NotificationProviderSpec } from './kinds/notification.ts'
import type { PolicySpec } from './kinds/policy.ts'
import type { ProjectSpec } from './kinds/project.ts'
import type { RepositorySpec } from './kinds/repository.ts'
import type { RolloutStrategySpec } from './kinds/rollout-strategy.ts'

/** A configuration object and where it was read. */
export interface Declared<S> {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: S
  readonly file: string
  readonly line: number
}

/** The whole fleet repository at one commit, validated: names resolve, nothing is ambiguous. */
export interface Fleet {
  /** `main@sha1:…` of the fleet repository. */
  readonly revision: string
  readonly repositories: ReadonlyMap<string, Declared<RepositorySpec>>
  readonly clusters: ReadonlyMap<string, Declared<ClusterSpec>>
  readonly groups: ReadonlyMap<string, Declared<ClusterGroupSpec>>
  readonly applications: ReadonlyMap<string, Declared<ApplicationSpec>>
  readonly strategies: ReadonlyMap<string, Declared<RolloutStrategySpec>>
  readonly projects: ReadonlyMap<string, Declared<ProjectSpec>>
  readonly policies: ReadonlyMap<string, Declared<PolicySpec>>
  readonly healthChecks: ReadonlyMap<string, Declared<HealthCheckSpec>>
  readonly metricTemplates: ReadonlyMap<string, Declared<MetricTemplateSpec>>
  readonly notificationProviders: ReadonlyMap<string, Declared<NotificationProviderSpec>>
  readonly alerts: ReadonlyMap<string, Declared<AlertSpec>>
  /** What was written and is right, but does not do what its author may expect. */
  readonly warnings: readonly Fault[]
}
