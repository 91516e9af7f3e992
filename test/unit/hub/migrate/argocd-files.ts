/** A document of Argo CD's, up to its `spec`. */
export const head = (kind: string, name: string, more = '') =>
  `apiVersion: argoproj.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: argocd\n${more}`

/** The Secret by which Argo CD knows a cluster. */
const cluster = (name: string, server: string, env: string) => `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  labels: { argocd.argoproj.io/secret-type: cluster, env: ${env} }
data:
  name: ${Buffer.from(name).toString('base64')}
  server: ${Buffer.from(server).toString('base64')}
`
export const clusters = [
  cluster('eu-1', 'https://eu-1.example:6443', 'prod'),
  cluster('eu-2', 'https://eu-2.example:6443', 'dev'),
].join('---\n')
/** What is told of them: Secrets are not taken over. */
export const clusterGaps = [
  /Secret eu-1|eu-1"; nothing of this Secret/,
  /eu-2"; nothing of this Secret/,
]
