/* A fleet to look at: shops at the edge in four regions, a dozen applications, some of them on their way. */

import type { OpenPull } from '../support/forge-pulls.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'

export const regions = ['canary', 'eu-west', 'us-east', 'ap-south'] as const
const perRegion = { canary: 3, 'eu-west': 16, 'us-east': 14, 'ap-south': 9 } as const
/** Of each region's last, so many never joined. */
export const absent = 1

const applications = [
  ...['cart', 'catalog', 'checkout', 'cert-manager', 'ingress', 'inventory', 'loyalty'],
  ...['metrics', 'payments', 'printer', 'search', 'terminal'],
] as const
/** These wait for an approval after the canaries. */
const waiting: readonly string[] = ['checkout', 'payments', 'search']
/** This stays healthy on the canaries for a while before it goes on. */
export const soaking: readonly string[] = ['catalog']
/** This one's drift is told and left as it is. */
export const drifting = 'loyalty'
/** On this cluster a container of its newest release does not start. */
export const failing = { application: 'inventory', cluster: 'canary-2', release: 42 } as const
/** These have a whole agent and objects in memory, all others only say that they have what they got. */
export const inhabited = ['canary-1', 'canary-2'] as const

export function clusterNames(region: (typeof regions)[number]): string[] {
  return Array.from({ length: perRegion[region] }, (_, at) => `${region}-${at + 1}`)
}

/** Path → text of the fleet repository. */
export function fleetFiles(): Record<string, string> {
  const clusters = regions.flatMap((region) =>
    clusterNames(region).map(
      (name) =>
        `${api}\nkind: Cluster\nmetadata:\n  name: ${name}\n  labels: { region: ${region} }\nspec: {}\n`,
    ),
  )
  const groups = regions.map(
    (region) =>
      `${api}\nkind: ClusterGroup\nmetadata:\n  name: ${region}\nspec:\n  selector: { matchLabels: { region: ${region} } }\n`,
  )
  const files: Record<string, string> = {
    'fleet/clusters.yaml': [...clusters, ...groups].join('---\n'),
    'fleet/project.yaml': project,
    'fleet/policy.yaml': policy,
    'policies/owner.rego': rule,
  }
  for (const name of applications) {
    files[`apps/${name}/${name}.yaml`] = workload(name, 41)
    files[`fleet/${name}.yaml`] = application(name)
  }
  return files
}

const project = `${api}
kind: Project
metadata:
  name: shops
spec:
  sources:
    - repository: fleet
  destinations:
    - clusterSelector: {}
      namespaces: ['*']
  windows:
    - { kind: allow, schedule: '0 0 * * *', duration: 24h }
    - kind: deny
      schedule: '0 16 * * 5'
      duration: 62h
      timeZone: Europe/Berlin
      applications: [checkout, payments]
      reason: nobody changes tills over the weekend
    - { kind: deny, schedule: '0 0 20 12 *', duration: 336h, reason: the Christmas trade }
`

const policy = `${api}
kind: Policy
metadata:
  name: owner
spec:
  action: warn
  files: [policies/owner.rego]
`

const rule = `package owner

import rego.v1

warn contains "say whose it is: the label team" if {
	input.metadata.name in {"payments", "printer", "search"}
	not input.metadata.labels.team
}
`

/** A Deployment with its Service and settings, as most applications are. */
export function workload(name: string, release: number): string {
  const labels = `{ app: ${name} }`
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: 2
  selector: { matchLabels: ${labels} }
  template:
    metadata: { labels: ${labels} }
    spec:
      containers:
        - name: ${name}
          image: registry.shops.example/${name}:1.${release}.0
        - name: proxy
          image: registry.shops.example/proxy:2.3.1
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  selector: ${labels}
  ports: [{ port: 80 }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name} }
data:
  release: "${release}"
  greeting: Welcome
`
}

function application(name: string): string {
  const gate = waiting.includes(name) ? '\n        before:\n          - approval: {}' : ''
  const soak = soaking.includes(name) ? '\n        soak: 20m' : ''
  const drift = name === drifting ? '\n  drift: report' : ''
  return `${api}
kind: Application
metadata:
  name: ${name}
spec:
  source:
    path: apps/${name}
  targets:
    - clusterSelector: {}
  targetNamespace: ${name}
  createNamespace: true${drift}
  rollout:
    offline: skip
    waves:
      - name: canary
        clusterGroup: canary${soak}
      - name: eu-west
        clusterGroup: eu-west
        maxConcurrent: 5${gate}
      - name: us-east
        clusterGroup: us-east
        maxConcurrent: 50%
      - name: ap-south
        clusterGroup: ap-south
`
}

/** What is open on the Git host, as of `now` in milliseconds. */
export function openPulls(now: number): OpenPull[] {
  const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString()
  const into = { base: 'main' }
  return [
    {
      ...{ ...into, number: 318, title: 'loyalty: count points', author: 'grace' },
      ...{ branch: 'points', updatedAt: ago(14) },
    },
    {
      ...{ ...into, number: 317, title: 'search: 43, with the new index', author: 'alan' },
      ...{ branch: 'search-43', updatedAt: ago(95), isDraft: true },
    },
    {
      ...{ ...into, number: 312, title: 'Open eu-west-17', author: 'shop-builder' },
      ...{ branch: 'eu-west-17', updatedAt: ago(1_500), isFork: true },
    },
    {
      ...{ number: 309, title: 'Release notes of spring', author: 'ada', base: 'docs' },
      ...{ branch: 'notes', updatedAt: ago(4_000) },
    },
  ]
}
