import { readFault } from './fault.ts'
import type { Answer } from './http.ts'
import type { LiveObject } from './port.ts'

type Get = (path: string, signal: AbortSignal) => Promise<Answer>

/** Enough to find one that says what is wrong, of however many. */
const mostPods = 50
const mostEvents = 50

/** Some pods of a namespace by their labels. */
export function readPods(
  namespace: string,
  labelSelector: string,
  get: Get,
  signal: AbortSignal,
): Promise<readonly LiveObject[]> {
  const query = new URLSearchParams({ labelSelector, limit: String(mostPods) })
  return readItems(`/api/v1/namespaces/${namespace}/pods?${query.toString()}`, 'pods', get, signal)
}

/** Some warnings about the object of a uid. */
export function readEvents(
  namespace: string,
  uid: string,
  get: Get,
  signal: AbortSignal,
): Promise<readonly LiveObject[]> {
  const fieldSelector = `involvedObject.uid=${uid},type=Warning`
  const query = new URLSearchParams({ fieldSelector, limit: String(mostEvents) })
  const path = `/api/v1/namespaces/${namespace}/events?${query.toString()}`
  return readItems(path, 'events', get, signal)
}

async function readItems(
  path: string,
  what: string,
  get: Get,
  signal: AbortSignal,
): Promise<readonly LiveObject[]> {
  const answer = await get(path, signal)
  if (answer.status !== 200) throw readFault(`list ${what}`, answer)
  return (JSON.parse(answer.body) as { items?: readonly LiveObject[] }).items ?? []
}
