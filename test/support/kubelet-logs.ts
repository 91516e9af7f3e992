import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createIssuer, serverUsage, signLeaf } from './certificates.ts'
import type { ControlPlane } from './control-plane.ts'
import { kubeCall } from './kube-request.ts'

/** A pod that somebody made by hand, and a kubelet that has its log. */
export interface PlayedPod extends AsyncDisposable {
  readonly pod: string
}

/**
 * Makes a pod of a Deployment as its controller would, on a node whose kubelet answers `kubectl logs` and nothing else. The
 * process that runs in it is the test's.
 */
export async function playPod(
  plane: ControlPlane,
  namespace: string,
  deployment: string,
  readLog: () => string,
): Promise<PlayedPod> {
  const issuer = await createIssuer('CN=kubelet')
  const { key, cert } = await signLeaf(issuer, 'kubelet', {
    names: [{ type: 'ip', value: '127.0.0.1' }],
    usages: [serverUsage],
  })
  const kubelet = createServer({ key, cert }, (request, response) => {
    if (request.url?.startsWith('/containerLogs/')) response.end(readLog())
    else response.writeHead(404).end()
  })
  kubelet.listen(0, '127.0.0.1')
  await once(kubelet, 'listening')
  const { port } = kubelet.address() as AddressInfo
  const node = `${plane.name}-kubelet`
  await kubeCall(plane, 'POST', '/api/v1/nodes', {
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: node } },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  })
  const live = await kubeCall<{
    spec: { template: { metadata: { labels: object }; spec: { containers: [{ name: string }] } } }
  }>(plane, 'GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`)
  const { metadata, spec } = live.spec.template
  const pod = `${deployment}-played`
  const pods = `/api/v1/namespaces/${namespace}/pods`
  await kubeCall(plane, 'POST', pods, {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, labels: metadata.labels } },
    spec: { nodeName: node, containers: [{ name: spec.containers[0].name, image: 'played' }] },
  })
  return {
    pod,
    async [Symbol.asyncDispose]() {
      kubelet.closeAllConnections()
      kubelet.close()
      await once(kubelet, 'close')
    },
  }
}
