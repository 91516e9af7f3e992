import { describeObject, formatObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { DryRunView } from '../api/dry-run-view.ts'
import type { DryRunRequest } from '../api/hub.ts'
import type { RenderedObject } from '../render/engine.ts'
import { type Finding, placeFinding } from './finding.ts'
import type { RenderedFleet, Unchecked } from './rendered-fleet.ts'

/** Asks a cluster, through the hub, what it would say. @throws Error with words for people */
export type AskLive = (
  cluster: string,
  request: DryRunRequest,
  signal: AbortSignal,
) => Promise<DryRunView>

const clustersAtOnce = 8
/** Of what one question may hold, with room for its JSON. */
const chunk = { objects: 400, bytes: 900 * 1024 } as const

/**
 * What the API servers of all clusters would say to a rendered fleet: refusals are errors, what they
 * and their admission webhooks warn of are warnings. A cluster that cannot be asked is not checked.
 */
export async function tryFleet(
  { fleet, contents }: Pick<RenderedFleet, 'fleet' | 'contents'>,
  ask: AskLive,
  signal: AbortSignal,
): Promise<{ readonly findings: readonly Finding[]; readonly unchecked: readonly Unchecked[] }> {
  const findings: Finding[] = []
  const unchecked: Unchecked[] = []
  const clusters = [...new Set([...contents.values()].flatMap((on) => [...on.keys()]))].sort()

  async function tryCluster(cluster: string): Promise<void> {
    for (const [application, on] of contents) {
      const content = on.get(cluster)
      const declared = fleet.applications.get(application)
      if (!content || !declared) continue
      const { project, serviceAccount } = declared.spec
      const { targetNamespace = '' } = content
      const request = {
        ...{ application, targetNamespace },
        ...(project !== undefined && { project }),
        ...(serviceAccount !== undefined && { serviceAccount }),
      }
      try {
        for (const objects of split(content.objects)) {
          const { results } = await ask(cluster, { ...request, objects }, signal)
          for (const result of results) {
            findings.push(
              ...toFindings(result, cluster).map((finding) => placeFinding(finding, declared)),
            )
          }
        }
      } catch (error) {
        signal.throwIfAborted()
        const reason = `cluster ${cluster} could not be asked: ${(error as Error).message}`
        unchecked.push({ application, reason })
      }
    }
  }

  for (let at = 0; at < clusters.length; at += clustersAtOnce) {
    await Promise.all(clusters.slice(at, at + clustersAtOnce).map(tryCluster))
  }
  return { findings, unchecked }
}

function* split(objects: readonly RenderedObject[]): Generator<DryRunRequest['objects']> {
  let part: DryRunRequest['objects'][number][] = []
  let bytes = 0
  for (const { id, apiVersion, file, json } of objects) {
    const size = Buffer.byteLength(json)
    if (part.length > 0 && (part.length >= chunk.objects || bytes + size > chunk.bytes)) {
      yield part
      part = []
      bytes = 0
    }
    part.push({ id: formatObjectId(id), apiVersion, file, json })
    bytes += size
  }
  if (part.length > 0) yield part
}

function toFindings(result: DryRunView['results'][number], cluster: string): Finding[] {
  const { object, file, outcome, code, message, warnings } = result
  const about = {
    ...{ rule: 'live', file, line: 0, column: 0, repository: 'fleet', application: '' },
    ...{ anchor: { file, line: 0 }, object: nameOf(object), clusters: [cluster] },
  }
  const refused = `the API server refuses it: ${message} (${code})`
  return [
    ...(outcome === 'Refused' ? [{ ...about, severity: 'error' as const, message: refused }] : []),
    ...(outcome === 'NotTried'
      ? [{ ...about, severity: 'note' as const, message: `not tried: ${message}` }]
      : []),
    ...warnings.map((text) => ({ ...about, severity: 'warning' as const, message: text })),
  ]
}

function nameOf(object: string): string {
  try {
    return describeObject(parseObjectId(object))
  } catch {
    return object
  }
}
