import { type Draft, toName } from './draft.ts'
import { type ForeignDocument, type Members, membersOf, textOf } from './foreign-document.ts'
import { toLabels } from './fleet.ts'

/** What a destination says → name of a Cluster. */
export interface Clusters {
  find(destination: Members): string | undefined
}

const inCluster = 'in-cluster'

/** Clusters that Secrets declare; others are declared as they are spoken of. */
export function readClusters(draft: Draft, documents: readonly ForeignDocument[]): Clusters {
  const byServer = new Map<string, string>()
  for (const document of documents) {
    const metadata = membersOf(document.value['metadata'])
    const { 'argocd.argoproj.io/secret-type': type, ...labels } = toLabels(metadata['labels'])
    if (document.kind !== 'Secret' || type !== 'cluster') continue
    const decode = (name: string) => {
      const encoded = textOf(membersOf(document.value['data'])[name])
      const plain = textOf(membersOf(document.value['stringData'])[name])
      return (
        plain ?? (encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString())
      )
    }
    const name = toName(decode('name') ?? document.name)
    draft.add('Cluster', name, {}, labels)
    const server = decode('server')
    if (server !== undefined) byServer.set(server, name)
    draft.gap(
      document,
      [],
      `its agent joins the hub as "${name}"; nothing of this Secret is needed any more`,
    )
  }
  return {
    find(destination) {
      const [name, server] = [textOf(destination['name']), textOf(destination['server'])]
      if (name !== undefined && name !== '') return draft.cluster(name)
      if (server === undefined || server === '') return undefined
      const known = byServer.get(server)
      if (known !== undefined) return known
      if (server === 'https://kubernetes.default.svc') return draft.cluster(inCluster)
      return draft.cluster(URL.parse(server)?.hostname ?? server)
    },
  }
}
