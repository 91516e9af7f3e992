import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { groupOf } from '@groundswell/proto/object-id.ts'
import type { Cluster, LiveObject, Resource } from '../../../agent/cluster/port.ts'
import { AgentError } from '../../../agent/errors.ts'
import { idOfName, widgetGroup } from '../desired-objects.ts'
import type { MemoryCluster } from '../memory-cluster.ts'
import type { Desired } from '../oracle.ts'

/** How the API server fares with a kind of its own. */
export interface Serving {
  /** Whether the server behind the group answers. */
  isDown: boolean
  /** The one version that is served. */
  version: string
  /** Questions about the kind until discovery has learnt of it. */
  lag: number
  readonly onFault: () => void
}

export const definitionId = formatObjectId(idOfName('k0', ''))

/** A definition and objects of it, in applications of their own. */
export const widgets: Desired = new Map([
  ['k0', { application: 'gear-shop', text: 'definition' }],
  ['w0', { application: 'gear-shop', text: '0' }],
  ['w1', { application: 'gear-shop', text: '1' }],
  ['w2', { application: 'tool-shop', text: '2' }],
  ['w3', { application: 'tool-shop', text: '3' }],
  ['ct', { application: 'tool-shop', text: 'beside' }],
])

export function isEstablished(definition: LiveObject | undefined): boolean {
  const status = definition?.['status'] as
    { readonly conditions?: readonly { type: string; status: string }[] } | undefined
  const isSo = ({ type, status }: { type: string; status: string }) =>
    type === 'Established' && status === 'True'
  return status?.conditions?.some(isSo) ?? false
}

/** Serves widgets only while their definition is established, in one version, and as long as its server answers. */
export function serveWidgets(under: Cluster, cluster: MemoryCluster, serving: Serving): Cluster {
  const isServed = () => isEstablished(cluster.read(definitionId))
  const fail = (error: AgentError): never => {
    serving.onFault()
    throw error
  }
  function discover(): boolean {
    if (serving.isDown)
      fail(new AgentError('cluster_unreachable', 'the server is unable to handle the request'))
    if (!isServed()) return false
    serving.lag -= 1
    return serving.lag < 0
  }
  function reach({ group, version }: Resource): void {
    if (group !== widgetGroup) return
    if (serving.isDown)
      fail(new AgentError('apply_failed', 'the server is unable to handle the request'))
    if (!isServed() || version !== serving.version)
      fail(new AgentError('kind_unknown', `${group} is not served`))
  }
  return {
    ...under,
    async resource(apiVersion, kind, signal) {
      if (groupOf(apiVersion) !== widgetGroup) return under.resource(apiVersion, kind, signal)
      if (!discover() || apiVersion !== `${widgetGroup}/${serving.version}`) {
        fail(new AgentError('kind_unknown', `${apiVersion} ${kind} is not served by this cluster`))
      }
      return under.resource(apiVersion, kind, signal)
    },
    async servedAs(group, kind, signal) {
      if (group !== widgetGroup) return under.servedAs(group, kind, signal)
      if (!discover()) return undefined
      return under.resource(`${widgetGroup}/${serving.version}`, kind, signal)
    },
    async get(...args) {
      reach(args[0])
      return under.get(...args)
    },
    async apply(...args) {
      reach(args[0])
      return under.apply(...args)
    },
    async delete(...args) {
      reach(args[0])
      return under.delete(...args)
    },
    async disown(...args) {
      reach(args[0])
      return under.disown(...args)
    },
  }
}
