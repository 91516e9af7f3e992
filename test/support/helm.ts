import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { type ManifestObject, readManifest } from './kube-manifest.ts'
import { runOracle } from './oracles.ts'

/* The charts in deploy/charts, by the official helm. */

export type ChartName = 'agent' | 'hub'

/** Values as a user would write them. */
export type ChartValues = Readonly<Record<string, unknown>>

export const chartPath = (name: ChartName): string =>
  fileURLToPath(new URL(`../../deploy/charts/${name}`, import.meta.url))

/** The least that each chart needs. */
export const leastValues: Readonly<Record<ChartName, ChartValues>> = {
  agent: { hub: 'hub.example:8443', image: { repository: 'registry.example/agent', tag: '1' } },
  hub: {
    settings: { fleet: 'https://git.example/fleet.git', advertise: 'hub.example' },
    image: { repository: 'registry.example/hub', tag: '1' },
  },
}

/** Runs helm on a chart with these values on its standard input; what it prints, or why it does not. */
export async function runHelm(
  words: readonly string[],
  chart: ChartName,
  values: ChartValues,
  flags: readonly string[] = [],
) {
  return runOracle(
    'helm',
    [...words, chartPath(chart), '--values', '-', ...flags],
    stringify({ ...leastValues[chart], ...values }),
  )
}

/** The objects of a release called `groundswell`. @throws Error with helm's words */
export async function renderChart(
  chart: ChartName,
  values: ChartValues = {},
  namespace = 'groundswell-system',
): Promise<readonly ManifestObject[]> {
  const printed = await runHelm(['template', 'groundswell'], chart, values, [
    ...['--namespace', namespace],
  ])
  if ('error' in printed) throw new Error(printed.error)
  return readManifest(printed.text).filter((object) => object !== null)
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  readonly spec: {
    readonly containers: readonly Container[]
    readonly initContainers?: readonly Container[]
    readonly volumes: readonly { readonly name: string; readonly [member: string]: unknown }[]
  }
}

export interface Container {
  readonly name: string
  readonly args: readonly string[]
  readonly command?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly volumeMounts: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
  }[]
}

/** Of each Deployment and StatefulSet, by its name. */
export function podTemplates(objects: readonly ManifestObject[]): Map<string, PodTemplate> {
  return new Map(
    objects
      .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
      .map(({ metadata, spec }) => [metadata.name, (spec as { template: PodTemplate }).template]),
  )
}

/** What a chart's values may be. */
export async function readValuesSchema(chart: ChartName): Promise<Record<string, unknown>> {
  return parse(await readFile(`${chartPath(chart)}/values.schema.json`, 'utf8')) as Record<
    string,
    unknown
  >
}
