import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ControlPlane, formatKubeconfig } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { accessAs } from './kube-manifest.ts'
import { kubeCall } from './kube-request.ts'
import { type ServerProcess, startProcess } from './process.ts'

const program = fileURLToPath(new URL('../../agent/main.ts', import.meta.url))
const namespace = 'groundswell-system'
const name = 'groundswell-agent'

/** Runs the agent as the pod of its Deployment would: with the arguments that the API server has, as that account. */
export async function startAgentPod(
  plane: ControlPlane,
  directory: string,
): Promise<ServerProcess> {
  const account = await accessAs(plane, namespace, name)
  const kubeconfig = join(directory, `${plane.name}.kubeconfig`)
  await writeFile(kubeconfig, formatKubeconfig(plane.name, account), { mode: 0o600 })
  const secrets = `/api/v1/namespaces/${namespace}/secrets`
  const { data } = await kubeCall<{ data: { token: string } }>(
    plane,
    'GET',
    `${secrets}/${name}-join`,
  )
  const tokenFile = join(directory, `${plane.name}.token`)
  await writeFile(tokenFile, Buffer.from(data.token, 'base64'))
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`
  const live = await kubeCall<{
    spec: { template: { spec: { containers: [{ args: string[] }] } } }
  }>(plane, 'GET', deployment)
  const places: Readonly<Record<string, string>> = {
    '--token-file': tokenFile,
    '--data': join(directory, `${plane.name}.data`),
    '--health-port': String(await freePort()),
  }
  const args = live.spec.template.spec.containers[0].args.map((argument) => {
    const [flag] = argument.split('=') as [string]
    return places[flag] === undefined ? argument : `${flag}=${places[flag]}`
  })
  // What a pod is told by where it runs.
  const within = ['--kubeconfig', kubeconfig, '--hold-namespace', namespace]
  return startProcess(process.execPath, [program, ...args, ...within], {
    ...{ name: `agent ${plane.name}`, logFile: join(directory, `${plane.name}-agent.log`) },
  })
}
