import { type TSchema, Type } from 'typebox'
import { ApplicationSpec } from './kinds/application.ts'
import { ClusterGroupSpec, ClusterSpec } from './kinds/cluster.ts'
import { closed, Labels, Name } from './kinds/fields.ts'
import { HealthCheckSpec } from './kinds/health-check.ts'
import { MetricTemplateSpec } from './kinds/metric-template.ts'
import { AlertSpec, NotificationProviderSpec } from './kinds/notification.ts'
import { PolicySpec } from './kinds/policy.ts'
import { ProjectSpec } from './kinds/project.ts'
import { RepositorySpec } from './kinds/repository.ts'
import { RolloutStrategySpec } from './kinds/rollout-strategy.ts'

/* The configuration kinds in Git. One schema each: validation, JSON Schema for
   editors, OpenAPI and docs all come from here. */

export const apiVersion = 'groundswell.dev/v1alpha1'

const metadata = Type.Object(
  {
    name: Name,
    labels: Type.Optional(Labels),
    annotations: Type.Optional(Labels),
  },
  closed,
)

function kind<K extends string, S extends TSchema>(name: K, spec: S) {
  return Type.Object(
    { apiVersion: Type.Literal(apiVersion), kind: Type.Literal(name), metadata, spec },
    closed,
  )
}

/** Every kind the hub reads, by its name. */
export const kinds = {
  Repository: kind('Repository', RepositorySpec),
  Cluster: kind('Cluster', ClusterSpec),
  ClusterGroup: kind('ClusterGroup', ClusterGroupSpec),
  Application: kind('Application', ApplicationSpec),
  RolloutStrategy: kind('RolloutStrategy', RolloutStrategySpec),
  Project: kind('Project', ProjectSpec),
  Policy: kind('Policy', PolicySpec),
  HealthCheck: kind('HealthCheck', HealthCheckSpec),
  MetricTemplate: kind('MetricTemplate', MetricTemplateSpec),
  NotificationProvider: kind('NotificationProvider', NotificationProviderSpec),
  Alert: kind('Alert', AlertSpec),
} as const

export type Kind = keyof typeof kinds
