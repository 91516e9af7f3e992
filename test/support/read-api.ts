import type { HubProcess } from './hub-process.ts'

/**
 * What a hub answers to each GET that its own document lists, streams left out; `names` says who is
 * meant by `{name}` below `/applications` and so on. A refusal is an answer, too.
 */
export async function readApi(
  hub: HubProcess,
  names: Readonly<Record<string, string>>,
): Promise<Map<string, string>> {
  const document = await fetch(`${hub.url}/openapi.json`)
  const { paths } = (await document.json()) as { paths: Record<string, { get?: object }> }
  const { items } = await hub.api.get<{ items: { id: string }[] }>('rollouts')
  const headers = { authorization: `Bearer ${await hub.token()}` }
  const found = new Map<string, string>()
  for (const [template, { get }] of Object.entries(paths)) {
    if (!get) continue
    const path = template
      .replace('{application}', names['applications'] ?? '')
      .replace('{id}', items[0]?.id ?? '')
      .replace(/([a-z]+)\/\{name\}/, (_, kind: string) => `${kind}/${names[kind] ?? ''}`)
    const given = new AbortController()
    const response = await fetch(`${hub.url}${path}`, {
      ...{ headers, redirect: 'manual' },
      signal: AbortSignal.any([given.signal, AbortSignal.timeout(10_000)]),
    })
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) given.abort()
    else found.set(path, await response.text())
  }
  return found
}
