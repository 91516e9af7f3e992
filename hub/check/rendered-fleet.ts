import { posix } from 'node:path'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { buildBundle } from '../bundle/build.ts'
import { toBundleOptions, withCommonHealth } from '../bundle/options.ts'
import { HubError } from '../errors.ts'
import type { FleetFacts } from '../fleet/resolve/cluster-facts.ts'
import { type CommonHealth, readCommonHealth } from '../fleet/load/fleet-health.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ApplicationSpec } from '../fleet/kinds/application.ts'
import { baseRepositories } from '../fleet/input/remote-base.ts'
import { readRenderFiles } from '../fleet/input/render-files.ts'
import { type PlannedRender, planRenders } from '../fleet/input/plan-renders.ts'
import {
  type ResolvedTarget,
  type SkippedTarget,
  resolveTargets,
} from '../fleet/resolve/resolve.ts'
import type { RenderedObject, RenderEngine } from '../render/engine.ts'
import { renderInputDigest } from '../render/input.ts'
import type { FetchedCharts } from './fetched-charts.ts'
import { type Finding, findRenderFaults, mergeFindings, placeFinding } from './finding.ts'
import type { Snapshot } from './local-repository.ts'

/** What an application is on one or more clusters. */
export interface RenderedContent {
  /** Of the manifest the hub would deliver. */
  readonly digest: Digest
  /** Files are named from their repository's root. */
  readonly objects: readonly RenderedObject[]
  readonly warnings: readonly string[]
  /** For namespaced objects that name none; empty when every object must. */
  readonly targetNamespace?: string
}

/** An application that could not be looked at. It is never taken for a good one. */
export interface Unchecked {
  readonly application: string
  readonly reason: string
}

/** A fleet at one state of its repositories, rendered for every cluster. */
export interface RenderedFleet {
  readonly fleet: Fleet
  readonly facts: FleetFacts
  /** Application → cluster → content. */
  readonly contents: ReadonlyMap<string, ReadonlyMap<string, RenderedContent>>
  /** Application → clusters for which it could not be rendered or looked at: absent is not unwanted. */
  readonly unknown: ReadonlyMap<string, ReadonlySet<string>>
  /** Faults and warnings of renders. */
  readonly findings: readonly Finding[]
  readonly unchecked: readonly Unchecked[]
  readonly skipped: readonly SkippedTarget[]
  /** Distinct renders that were needed, whether or not they were in the cache. */
  readonly renders: number
}

export interface RenderFleetRequest {
  readonly fleet: Fleet
  /** By Repository, `fleet` for the fleet repository. */
  readonly snapshots: ReadonlyMap<string, Snapshot>
  /** Why a repository is not at hand, and what to do about it. */
  readonly absent: ReadonlyMap<string, string>
  readonly charts: FetchedCharts
  /** What agents reported of their clusters. */
  readonly facts: FleetFacts
  /** Only these when given. */
  readonly applications?: readonly string[]
  readonly clusters?: readonly string[]
}

type Planned = Extract<PlannedRender, { input: unknown }>

const rendersAtOnce = 16

/**
 * Renders every application for every cluster as the hub does, but goes on after a failure: one
 * answer tells of all of them. Clusters whose inputs are the same share a render.
 */
export async function renderFleet(
  engine: RenderEngine,
  request: RenderFleetRequest,
  signal: AbortSignal,
): Promise<RenderedFleet> {
  const { fleet, snapshots, absent, facts, applications, clusters } = request
  const resolution = resolveTargets(fleet, facts)
  const isWanted = ({ application, cluster }: { application: string; cluster: string }) =>
    (applications?.includes(application) ?? true) && (clusters?.includes(cluster) ?? true)
  const unsaid = new Map(resolution.faults.map((fault) => [nameOf(fault), fault.message]))
  const wanted = resolution.targets.filter(isWanted)
  const targets = wanted.filter((target) => !unsaid.has(nameOf(target)))
  const findings: Finding[] = []
  const contents = new Map<string, Map<string, RenderedContent>>()
  const made = new Map<Digest, Promise<RenderedContent>>()
  const health = readCommonHealth(fleet)
  const renders = new Set<Digest>()

  const unknown = new Map<string, Set<string>>()
  const lack = ({ application, cluster }: ResolvedTarget): void => {
    unknown.set(application, (unknown.get(application) ?? new Set()).add(cluster))
  }
  const blame = (target: ResolvedTarget, error: unknown): void => {
    lack(target)
    const declared = fleet.applications.get(target.application)!
    findings.push(...findRenderFaults(error, declared, target.cluster))
  }

  const unchecked: Unchecked[] = []
  const leave = (target: ResolvedTarget, reason: string): void => {
    lack(target)
    const { application } = target
    if (unchecked.some((one) => one.application === application && one.reason === reason)) return
    unchecked.push({ application, reason })
  }
  for (const target of wanted) {
    const message = unsaid.get(nameOf(target))
    if (message !== undefined) leave(target, `${message}; --facts tells what agents reported`)
  }

  async function make(planned: Planned): Promise<RenderedContent> {
    const { target, source, input } = planned
    const { targetNamespace: _, ...options } = toBundleOptions(specOf(fleet, target), target)
    const render = renderInputDigest(input, engine.version)
    renders.add(render)
    const key = digestOf(JSON.stringify([render, source.root, target.namespace, options]))
    const making = made.get(key) ?? renderContent(engine, planned, request, health, signal)
    made.set(key, making)
    return making
  }

  const planned = await planRenders(
    targets,
    (name) => snapshots.get(name),
    (names) => baseRepositories(fleet, names, (name) => snapshots.get(name), absent),
    request.charts.find,
  )
  for (let at = 0; at < planned.length; at += rendersAtOnce) {
    signal.throwIfAborted()
    await Promise.all(
      planned.slice(at, at + rendersAtOnce).map(async (each) => {
        const { application, cluster } = each.target
        if ('error' in each) {
          const { error, target } = each
          if (!isAway(error)) return blame(target, error)
          return leave(target, error.message)
        }
        try {
          const content = await make(each)
          const on = contents.get(application) ?? new Map<string, RenderedContent>()
          contents.set(application, on.set(cluster, content))
          findings.push(...warn(fleet, each.target, content))
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof HubError && error.code === 'engine_unavailable') throw error
          blame(each.target, error)
        }
      }),
    )
  }
  const without = targets.filter(({ repository }) => !snapshots.has(repository))
  for (const target of without) lack(target)
  return {
    ...{ fleet, facts },
    contents,
    unknown,
    findings: mergeFindings(findings),
    unchecked: [...unchecked, ...listUnchecked(without, absent)],
    skipped: resolution.skipped.filter(isWanted),
    renders: renders.size,
  }
}

async function renderContent(
  engine: RenderEngine,
  { target, source, input }: Planned,
  { fleet, snapshots, charts }: RenderFleetRequest,
  health: CommonHealth | undefined,
  signal: AbortSignal,
): Promise<RenderedContent> {
  const { mirror } = snapshots.get(target.repository)!
  const place = (file: string) => file && posix.join(source.root, file)
  const result = await engine
    .render(
      input,
      () => readRenderFiles(mirror, source, (name) => snapshots.get(name)?.mirror, charts),
      signal,
    )
    .catch((error: unknown) => {
      if (!(error instanceof HubError)) throw error
      // The engine names files within the tree it was given; people look for them in the repository.
      const faults = error.faults.map((fault) =>
        fault.file ? { ...fault, file: place(fault.file) } : fault,
      )
      throw new HubError(error.code, error.message, { cause: error, faults })
    })
  const objects = result.objects.map((object) => ({ ...object, file: place(object.file) }))
  const options = withCommonHealth(toBundleOptions(specOf(fleet, target), target), health)
  const { manifest } = buildBundle(objects, options)
  const { warnings } = result
  return { digest: manifest.digest, objects, warnings, targetNamespace: target.namespace }
}

/** Nothing is wrong with what could not be asked for. */
function isAway(error: unknown): error is HubError {
  return error instanceof HubError && error.code === 'source_unreachable'
}

function nameOf({ application, cluster }: { application: string; cluster: string }): string {
  return JSON.stringify([application, cluster])
}

function specOf(fleet: Fleet, { application }: ResolvedTarget): ApplicationSpec {
  return fleet.applications.get(application)!.spec
}

function warn(fleet: Fleet, target: ResolvedTarget, { warnings }: RenderedContent): Finding[] {
  return warnings.map((message) =>
    placeFinding(
      {
        ...{ severity: 'warning', rule: 'render', message, file: '', line: 0, column: 0 },
        ...{ repository: 'fleet', anchor: { file: '', line: 0 }, object: '', application: '' },
        clusters: [target.cluster],
      },
      fleet.applications.get(target.application)!,
    ),
  )
}

function listUnchecked(
  targets: readonly ResolvedTarget[],
  absent: RenderFleetRequest['absent'],
): Unchecked[] {
  const names = new Map(targets.map(({ application, repository }) => [application, repository]))
  return [...names].map(([application, repository]) => ({
    application,
    reason: `repository ${repository}: ${absent.get(repository) ?? 'is not at hand'}`,
  }))
}
