import type { EventView } from '../../../hub/api/views.ts'
import { until } from '../../support/until.ts'
import { expectThat } from '../expectation.ts'
import type { Stack } from '../stack.ts'

interface ConfigMap {
  readonly metadata: { readonly resourceVersion: string }
  readonly data: Readonly<Record<string, string>>
}

const path = '/api/v1/namespaces/notice/configmaps/notice'
const hand = 'somebody'

/** Changes a ConfigMap by hand: the agent says so and puts it back. */
export async function driftByHand(stack: Stack): Promise<Record<string, unknown>> {
  const cluster = stack.clusters.at(-1)!
  const before = await readConfigMap(stack)
  const since = (await listEvents(stack, 'limit=1')).at(-1)?.id ?? '0'
  const changed = { message: 'Changed by hand.' }
  await cluster.patch(path, hand, { data: changed })

  const detected = await awaitEvent(stack, since, 'drift.detected')
  const healedAt = await until(
    async () => {
      const now = await readConfigMap(stack)
      return now.data['message'] === before.data['message'] && now
    },
    { deadlineMs: 60_000, what: `${path} on ${cluster.name} to be put back` },
  )
  const { resourceVersion } = before.metadata
  const rewritten = healedAt.metadata.resourceVersion !== resourceVersion
  expectThat(rewritten, 'the ConfigMap to have been changed and put back', healedAt)
  const healed = await awaitEvent(stack, since, 'drift.healed')
  return {
    cluster: cluster.name,
    changed,
    detected: detected.message,
    healed: healed.message,
    message: healedAt.data['message'],
  }
}

async function readConfigMap({ clusters }: Stack): Promise<ConfigMap> {
  const found = await clusters.at(-1)!.read<ConfigMap>(path)
  expectThat(found !== undefined, `ConfigMap ${path}`, 'none')
  return found
}

async function listEvents({ hub }: Stack, query: string): Promise<readonly EventView[]> {
  return (await hub.api.get<{ items: EventView[] }>(`events?${query}`)).items
}

async function awaitEvent(stack: Stack, since: string, type: string): Promise<EventView> {
  const cluster = stack.clusters.at(-1)!.name
  return until(
    async () => {
      const events = await listEvents(stack, `after=${since}&limit=100`)
      const isOurs = (event: EventView) =>
        event.type === type &&
        event.subject === 'application/notice' &&
        event.message.startsWith(`${cluster}:`)
      const found = events.find(isOurs)
      if (found) return found
      throw new Error(`saw ${events.map((event) => `${event.type} ${event.message}`).join('; ')}`)
    },
    { deadlineMs: 60_000, intervalMs: 100, what: `event ${type} for ${cluster}` },
  )
}
