import { describeObject } from '@groundswell/proto/object-id.ts'
import { knowCluster } from '../fleet/resolve/cluster-facts.ts'
import type { PolicyGate } from '../policy/gate.ts'
import { selectPolicies } from '../policy/policy.ts'
import type { Violation } from '../policy/violation.ts'
import { type Finding, type Severity, placeFinding } from './finding.ts'
import type { Snapshot } from './local-repository.ts'
import type { RenderedFleet } from './rendered-fleet.ts'

const severities: Readonly<Record<Violation['action'], Severity>> = {
  deny: 'error',
  warn: 'warning',
  audit: 'note',
}

/**
 * What the hub's policies would say of a rendered fleet: the same judgement, once for each content.
 *
 * @throws HubError `fleet_invalid` when a policy cannot be judged by
 */
export async function findViolations(
  gate: PolicyGate,
  { fleet, facts, contents }: RenderedFleet,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { policies, warnings } = await gate.load(fleet, snapshot, signal)
  const findings: Finding[] = warnings.map(({ file = '', line = 0, object = '', message }) => ({
    ...{ severity: 'warning', rule: 'configuration', message, file, line, column: 0, object },
    ...{ repository: 'fleet', anchor: { file, line }, application: '', clusters: [] },
  }))
  for (const [application, on] of contents) {
    const declared = fleet.applications.get(application)!
    for (const [cluster, { digest, objects }] of on) {
      signal.throwIfAborted()
      const { spec = {} } = fleet.clusters.get(cluster) ?? {}
      const kubernetesVersion = knowCluster(spec, facts.get(cluster)).judgedVersion
      const selected = selectPolicies(fleet, policies, { application, cluster })
      const one = { application, content: digest, objects, policies: selected, kubernetesVersion }
      const verdict = await gate.judge(one, signal)
      findings.push(
        ...verdict.map((violation) => placeFinding(toFinding(violation, cluster), declared)),
      )
    }
  }
  return findings
}

function toFinding({ policy, action, rule, object, file, message }: Violation, cluster: string) {
  return {
    ...{ severity: severities[action], rule: `policy ${policy}`, message: `${rule}: ${message}` },
    ...{ file, line: 0, column: 0, repository: 'fleet', anchor: { file, line: 0 } },
    ...{ object: object ? describeObject(object) : '', application: '', clusters: [cluster] },
  }
}
