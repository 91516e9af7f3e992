import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { isExecutable, root } from '../../deploy/setup/paths.mjs'
import type { DemoCluster } from './cluster.ts'
import type { Stack } from './stack.ts'
import { changeTag, released } from './steps/release.ts'

/** Writes the environment for a second terminal, and gives the text that says what to try. */
export async function writeGuide(stack: Stack): Promise<string> {
  const { directory, hub, fleet, clusters } = stack
  const environment = join(directory, 'env')
  const token = await hub.token()
  await writeFile(environment, `export SWELL_SERVER=${hub.url} SWELL_TOKEN=${token}\n`, {
    mode: 0o600,
  })
  const { file, good, bad, first } = released
  const last = clusters.at(-1)!
  const change = (from: string, to: string) => {
    const { from: old, to: next } = changeTag(from, to)
    return `sed -i 's/${old}/${next}/' ${file} && git commit -am 'Release ${to}' && git push`
  }
  return `
Groundswell runs. Ctrl-C ends it and removes everything.

  dashboard       ${hub.url}/ui/
  API             ${hub.url}/api/v1/clusters
  token           ${token}
  fleet clone     ${fleet.path}
${clusters.map((cluster) => `  ${cluster.ring.padEnd(15)} ${cluster.name}: ${kubectl(cluster)}`).join('\n')}
  logs            ${directory}/*.log

What to try, in another terminal:

  cd ${root.replace(/\/$/, '')} && . ${environment}
  npx swell get clusters
  npx swell get applications
  npx swell get rollouts
  npx swell events --follow
  curl -H "Authorization: Bearer $SWELL_TOKEN" $SWELL_SERVER/api/v1/applications

A release, to the canary first:
  cd ${fleet.path}
  ${change(first, good)}

A bad one; it stops at the canary and is taken back, and production never sees it:
  ${change(good, bad)}
  git revert --no-edit HEAD && git push

Drift; the agent puts it back (npx swell events says so):
  ${formatDrift(last)}
`
}

function kubectl({ kubeconfig, context }: DemoCluster): string {
  return `kubectl --kubeconfig ${kubeconfig} --context ${context} get deployments -A`
}

function formatDrift({ kubeconfig, context }: DemoCluster): string {
  const patch = `'{"data":{"message":"gone"}}'`
  const words = `kubectl --kubeconfig ${kubeconfig} --context ${context} -n notice patch configmap notice --type merge -p ${patch}`
  return hasKubectl() ? words : `${words}\n  (there is no kubectl on your PATH)`
}

function hasKubectl(): boolean {
  const places = (process.env['PATH'] ?? '').split(delimiter)
  return places.some((place) => place !== '' && isExecutable(join(place, 'kubectl')))
}
