/* What somebody who comes from another tool has: its configuration, which names the repository `apps`. */

const apps = 'https://git.example/apps.git'
const secret = (name: string) => `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  labels: { argocd.argoproj.io/secret-type: cluster, env: prod }
data:
  name: ${Buffer.from(name).toString('base64')}
  server: ${Buffer.from(`https://${name}.example:6443`).toString('base64')}
`

/** Of the repository `apps`. */
export const appsFiles: Readonly<Record<string, string>> = {
  'web/settings.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: web }
data: { text: hello }
`,
}

/** Tool → the directory that the guide calls its configuration's → files. */
export const otherTools: Readonly<
  Record<string, { readonly directory: string; readonly files: Readonly<Record<string, string>> }>
> = {
  fleet: {
    directory: 'rancher-fleet',
    files: {
      'repo.yaml': `apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: { name: apps }
spec:
  repo: ${apps}
  paths: [web]
  targets: [{ clusterName: edge-1 }]
`,
      'web/fleet.yaml': 'defaultNamespace: web\n',
    },
  },
  argocd: {
    directory: 'argocd',
    files: {
      'clusters.yaml': secret('eu-1'),
      'app.yaml': `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: { name: web, namespace: argocd }
spec:
  project: default
  source: { repoURL: ${apps}, targetRevision: main, path: web }
  destination: { server: "https://eu-1.example:6443", namespace: web }
  syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: [CreateNamespace=true] }
`,
    },
  },
  flux: {
    directory: 'flux',
    files: {
      'clusters/prod/apps.yaml': `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: { name: apps, namespace: flux-system }
spec:
  url: ${apps}
  ref: { branch: main }
  interval: 1m
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: web, namespace: flux-system }
spec:
  sourceRef: { kind: GitRepository, name: apps }
  path: ./web
  prune: true
  interval: 10m
`,
    },
  },
  'jenkins-x': {
    directory: '.',
    files: {
      'jx-requirements.yml': `apiVersion: core.jenkins-x.io/v4beta1
kind: Requirements
spec:
  cluster: { clusterName: edge-1, provider: gke, registry: r.example }
  environments:
    - { key: dev }
    - { key: staging, promotionStrategy: Auto }
`,
      'config-root/namespaces/jx-staging/web/settings.yaml': appsFiles['web/settings.yaml']!,
    },
  },
}
