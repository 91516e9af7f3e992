import assert from 'node:assert/strict'
import { waitForRollout } from './api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from './fleet-files.ts'
import { type SmallFleet, startSmallFleet } from './small-fleet.ts'
import { runSwell, type SwellAnswer } from './swell.ts'
import { until } from './until.ts'

export interface RolloutDetail {
  readonly id: string
  readonly phase: string
  readonly message: string
  readonly revision: string
  readonly waitingFor: readonly string[]
  readonly trigger: { readonly kind: string; readonly actor: string; readonly reason: string }
  readonly waves: readonly {
    readonly name: string
    readonly before: readonly { readonly approvedBy: string | null }[]
    readonly clusters: readonly {
      readonly name: string
      readonly state: string
      readonly outcome: string | null
      readonly message: string
    }[]
  }[]
}

export interface ApplicationDetail {
  readonly counts: Readonly<Record<string, number>>
  readonly hold: {
    readonly revision: string
    readonly rollout: string
    readonly reason: string
  } | null
}

/** A small fleet with what operating it takes; each test begins with `settle`. */
export interface SettledFleet extends SmallFleet {
  /** Everything up, strategy and files as given, and every cluster says the new text that is returned. */
  settle(more?: string): Promise<string>
  /** Commits a text of application `web`. */
  say(text: string, files?: Readonly<Record<string, string | null>>): Promise<string>
  /** Runs `swell`; fails unless it exits with 0. */
  swell(...words: readonly string[]): Promise<string>
  trySwell(...words: readonly string[]): Promise<SwellAnswer>
  /** The newest rollout of `web`, when this is true of it. */
  rolloutWhen(what: string, is: (rollout: RolloutDetail) => boolean): Promise<RolloutDetail>
  rollout(id: string): Promise<RolloutDetail>
  application(name?: string): Promise<ApplicationDetail>
  assertTexts(texts: Readonly<Record<string, string | undefined>>): Promise<void>
  textsBecome(texts: Readonly<Record<string, string | undefined>>): Promise<void>
  /** Waits until the hub has looked at Git so often again: then whatever it would do, it did. */
  polls(times?: number): Promise<void>
  connected(cluster: string, state?: string): Promise<void>
}

const clusters = ['a', 'b', 'c']

export async function startSettledFleet(): Promise<SettledFleet> {
  const fleet = await startSmallFleet('1s')
  const { api } = fleet.hub
  let serial = 0

  async function readTexts(): Promise<Record<string, string | undefined>> {
    const texts = await Promise.all(clusters.map((name) => fleet.readText(name, 'web')))
    return Object.fromEntries(clusters.map((name, at) => [name, texts[at]]))
  }

  const rollout = (id: string) => api.get<RolloutDetail>(`rollouts/${id}`)
  const trySwell = (...words: readonly string[]) => runSwell(fleet.hub, ...words)
  const self: SettledFleet = {
    ...fleet,
    async settle(more = '') {
      serial += 1
      const text = `settled ${serial}`
      const commit = await fleet.repository.commit({
        ...clusterFiles,
        ...strategyFile('1s', more),
        ...applicationFiles('web', text),
        'apps/web/extra.yaml': null,
      })
      await waitForRollout(api, 'web', 'Succeeded', { commit })
      await self.textsBecome({ a: text, b: text, c: text })
      return text
    },
    say: (text, files = {}) =>
      fleet.repository.commit({ 'apps/web/settings.yaml': configMap('settings', text), ...files }),
    async swell(...words) {
      const { code, out, said } = await trySwell(...words)
      assert.equal(code, 0, `swell ${words.join(' ')}: ${out}${said}`)
      return out
    },
    trySwell,
    async rolloutWhen(what, is) {
      return until(
        async () => {
          const { items } = await api.get<{ items: { id: string }[] }>(
            'rollouts?application=web&limit=1',
          )
          const found = await rollout(items[0]!.id)
          if (is(found)) return found
          throw new Error(`${found.id} is ${found.phase}: ${found.message}`)
        },
        { deadlineMs: 60_000, intervalMs: 50, what },
      )
    },
    rollout,
    application: (name = 'web') => api.get<ApplicationDetail>(`applications/${name}`),
    async assertTexts(texts) {
      const found = await readTexts()
      for (const [name, text] of Object.entries(texts)) assert.equal(found[name], text, name)
    },
    async textsBecome(texts) {
      await until(
        async () => {
          await self.assertTexts(texts)
          return true
        },
        { deadlineMs: 30_000, intervalMs: 100, what: `clusters to say ${JSON.stringify(texts)}` },
      )
    },
    async polls(times = 3) {
      const before = fleet.git.requests
      // A poll is two requests at most.
      await until(() => fleet.git.requests >= before + 2 * times, {
        deadlineMs: 30_000,
        what: `${times} polls of Git`,
      })
    },
    async connected(cluster, state = 'Connected') {
      await until(
        async () => {
          const view = await api.get<{ connection: { state: string } }>(`clusters/${cluster}`)
          return view.connection.state === state
        },
        { deadlineMs: 40_000, what: `cluster ${cluster} to be ${state}` },
      )
    },
  }
  return self
}

/** Where a cluster is in a rollout. */
export function clusterOf(rollout: RolloutDetail, name: string) {
  return rollout.waves.flatMap((wave) => wave.clusters).find((cluster) => cluster.name === name)!
}
