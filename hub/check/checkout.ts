import { HubError } from '../errors.ts'
import type { FleetFacts } from '../fleet/resolve/cluster-facts.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import type { RepositorySpec } from '../fleet/kinds/repository.ts'
import { loadFleet } from '../fleet/load/load.ts'
import type { PolicyLoader } from '../policy/load.ts'
import { tellPolicies } from '../policy/tell-policies.ts'
import type { RenderEngine } from '../render/engine.ts'
import { type CheckReport, reportConfiguration, reportFleet } from './check.ts'
import type { FetchedCharts } from './fetched-charts.ts'
import { type Finding, findConfigurationFaults } from './finding.ts'
import { readFleetFiles } from './fleet-files.ts'
import { diffFleets, type FleetDiff } from './fleet-diff.ts'
import { type AskLive, tryFleet } from './live.ts'
import type { LocalRepository, Snapshot } from './local-repository.ts'
import { type RenderedFleet, renderFleet } from './rendered-fleet.ts'

/** What of a fleet is meant; all of it when left out. */
export interface Selection {
  readonly applications?: readonly string[]
  readonly clusters?: readonly string[]
}

/** Two states of a fleet. */
export interface DiffRange {
  /** A commit by any name Git knows. */
  readonly base: string
  /** Undefined: the files as they lie there. */
  readonly head?: string | undefined
  /** Compares with where `head` parted from `base`, so that what came to `base` since is left out. */
  readonly sinceParting: boolean
}

export interface CheckoutDeps {
  readonly fleet: LocalRepository
  /** Directory of the fleet repository that holds the configuration. */
  readonly path: string
  /**
   * Of another repository.
   *
   * @throws HubError `source_unreachable`, `source_refused` or `revision_not_found` when it is not at
   *   hand, with what to do about it
   */
  readonly snapshot: (repository: Declared<RepositorySpec>) => Promise<Snapshot>
  readonly engine: RenderEngine
  /** Charts that are not of Git. */
  readonly charts: FetchedCharts
  /** What agents reported of their clusters, as far as it is at hand. */
  readonly facts: FleetFacts
  /**
   * What policies say of rendered objects; they are read from the snapshot the fleet is of.
   *
   * @throws HubError `fleet_invalid`
   */
  readonly judge: (
    rendered: RenderedFleet,
    own: Snapshot,
    signal: AbortSignal,
  ) => Promise<readonly Finding[]>
  readonly loadPolicies: PolicyLoader
}

/** A fleet repository on this machine, and all that can be told of it without a hub. */
export interface Checkout {
  /**
   * Lint, schema, render and policy, of the working tree or of a commit; with `live`, what the
   * clusters themselves would say, too.
   */
  check(
    selection: Selection & { readonly at?: string; readonly live?: AskLive },
    signal: AbortSignal,
  ): Promise<CheckReport>
  /** @throws HubError `fleet_invalid` */
  render(
    selection: Selection & { readonly at?: string },
    signal: AbortSignal,
  ): Promise<RenderedFleet>
  /**
   * What the way from one state to another does to every cluster.
   *
   * @throws HubError `revision_not_found`, `fleet_invalid`
   */
  diff(selection: Selection & DiffRange, signal: AbortSignal): Promise<FleetDiff>
}

/** Where a checkout is and what it may use. */
export interface CheckoutOptions {
  /** Any directory within it. */
  readonly directory: string
  /** Directory of it that holds the configuration. */
  readonly path: string
  /** Checkouts of other repositories, by name. */
  readonly repositories: ReadonlyMap<string, string>
  /** Fetches repositories that are given by no directory. */
  readonly fetch: boolean
  readonly credentialsFile: string | undefined
  /** Hosts that charts may be fetched from; empty: all whose addresses are public. */
  readonly sourceHosts: readonly string[]
  /** What agents reported of their clusters, as `swell get facts` tells it. */
  readonly factsFile: string | undefined
  /** Its binary; undefined: the one of the environment. */
  readonly engine: string | undefined
  /** Keeps renders for the next time. */
  readonly cache: boolean
}

export type OpenCheckout = (
  options: CheckoutOptions,
  signal: AbortSignal,
) => Promise<Checkout & { close(): Promise<void> }>

export function createCheckout(deps: CheckoutDeps): Checkout {
  async function renderSnapshot(
    own: Snapshot,
    { applications, clusters }: Selection,
    signal: AbortSignal,
  ): Promise<RenderedFleet> {
    const fleet = loadFleet(own.revision, await readFleetFiles(own, deps.path))
    const snapshots = new Map([['fleet', own]])
    const absent = new Map<string, string>()
    for (const repository of fleet.repositories.values()) {
      try {
        snapshots.set(repository.name, await deps.snapshot(repository))
      } catch (error) {
        if (!(error instanceof HubError) || !isAbsent(error)) throw error
        absent.set(repository.name, error.message)
      }
    }
    const wanted = { ...(applications && { applications }), ...(clusters && { clusters }) }
    const { engine, charts, facts } = deps
    const request = { fleet, snapshots, absent, charts, facts, ...wanted }
    return renderFleet(engine, request, signal)
  }

  /** A policy that cannot be read is told beside what was found without it. */
  async function judge(
    rendered: RenderedFleet,
    own: Snapshot,
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    try {
      return await deps.judge(rendered, own, signal)
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'fleet_invalid') throw error
      return findConfigurationFaults(error)
    }
  }

  return {
    async check({ at, live, ...selection }, signal) {
      const own = await deps.fleet.at(at)
      try {
        const rendered = await renderSnapshot(own, selection, signal)
        requireNames(selection, rendered)
        const violations = await judge(rendered, own, signal)
        const tried = live && (await tryFleet(rendered, live, signal))
        const findings = [...violations, ...(tried?.findings ?? [])]
        return reportFleet(rendered, findings, tried?.unchecked)
      } catch (error) {
        const load = (fleet: Fleet) => deps.loadPolicies(fleet, own, signal)
        const told = await tellPolicies(error, load)
        if (!(told instanceof HubError) || told.code !== 'fleet_invalid') throw told
        return reportConfiguration(own.revision, told)
      }
    },
    async render({ at, ...selection }, signal) {
      const rendered = await renderSnapshot(await deps.fleet.at(at), selection, signal)
      requireNames(selection, rendered)
      return rendered
    },
    async diff({ base, head, sinceParting, ...selection }, signal) {
      const from = sinceParting ? await deps.fleet.mergeBase(base, head ?? 'HEAD') : base
      const snapshots = [await deps.fleet.at(from), await deps.fleet.at(head)]
      // One after the other: the second finds in the cache what did not change.
      const sides: RenderedFleet[] = []
      for (const own of snapshots) {
        sides.push(await renderSnapshot(own, selection, signal))
      }
      requireNames(selection, ...sides)
      return diffFleets(sides[0]!, sides[1]!)
    },
  }
}

/** A name that is nowhere would select nothing, and nothing passes every check. */
function requireNames(
  { applications = [], clusters = [] }: Selection,
  ...sides: readonly RenderedFleet[]
): void {
  const refuse = (kind: string, names: readonly string[]): void => {
    if (names.length === 0) return
    throw new HubError('not_found', `there is no ${kind} ${names.join(', ')} in this fleet`)
  }
  const lacks = (kind: 'applications' | 'clusters') => (name: string) =>
    !sides.some(({ fleet }) => fleet[kind].has(name))
  refuse('application', applications.filter(lacks('applications')))
  refuse('cluster', clusters.filter(lacks('clusters')))
}

/** Its applications are named as not checked; those of other repositories are. */
function isAbsent({ code }: HubError): boolean {
  return code === 'source_unreachable' || code === 'source_refused' || code === 'revision_not_found'
}
