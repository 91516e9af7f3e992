import { applicationFiles, type FleetFiles } from '../support/fleet-files.ts'
import { agentFleetFiles } from './agent-fleet.ts'

export const driftObjects = 1_000

/** Where objects are that others may change as they like, and one that is written without end. */
export const foreignApplication = 'web'
export const stormApplication = 'storm'

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

/** Some 1,000 objects to be changed, a Deployment with fields of others, and a ConfigMap for the storm. */
export function driftFleetFiles(): FleetFiles {
  return {
    ...agentFleetFiles(driftObjects),
    ...applicationFiles(foreignApplication, 'w'),
    [`apps/${foreignApplication}/web.yaml`]: deployment,
    ...applicationFiles(stormApplication, 's', '  drift: report\n'),
  }
}
