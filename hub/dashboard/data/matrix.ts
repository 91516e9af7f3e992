import { computed, effect, signal } from '@preact/signals'
import type { MatrixRow, MatrixView } from '../../client/gen/api.ts'
import { ApiError, call } from './client.ts'
import { session } from '../session.ts'
import { listen, onBeginning, onGap } from './live.ts'

const pageSize = 1_000
/** Rows looked at again when something happened: those on the screen. */
const mostNames = 100
const gatherMs = 250
/** What is off the screen is as old as this, at most, while things happen. */
const wholeEveryMs = 20_000

export const applications = signal<readonly string[]>([])
const rows = signal<ReadonlyMap<string, MatrixRow>>(new Map())
export const matrixError = signal<ApiError | null>(null)
/** Whether every page has come at least once. */
export const isWhole = signal(false)
export const matrixRows = computed(() => [...rows.value.values()])

// What one person may see is not for the next who signs in.
effect(() => {
  void session.value
  applications.value = []
  rows.value = new Map()
  isWhole.value = false
})

/** Names of the rows on the screen; the grid says. */
let visible: readonly string[] = []

export function setVisible(names: readonly string[]): void {
  visible = names.slice(0, mostNames)
}

/** Keeps the matrix as the hub has it until the returned function is called. */
export function watchMatrix(): () => void {
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let happened = false
  let loading: Promise<unknown> | undefined

  const loadWhole = (): void => {
    happened = false
    loading ??= load(() => stopped).then(() => (loading = undefined))
  }
  const refresh = (): void => {
    timer = undefined
    if (visible.length > 0) loadNamed(visible).catch(() => {})
  }
  loadWhole()
  const every = setInterval(() => happened && loadWhole(), wholeEveryMs)
  const stops = [
    listen(() => {
      happened = true
      timer ??= setTimeout(refresh, gatherMs)
    }),
    onBeginning(loadWhole),
    onGap(loadWhole),
    () => clearInterval(every),
    () => clearTimeout(timer),
  ]
  return () => {
    stopped = true
    for (const stop of stops) stop()
  }
}

let needed: Promise<unknown> | undefined

/** For who asks for names away from the matrix: reads it, unless that was done. */
export function needMatrix(): void {
  if (isWhole.value) return
  needed ??= load(() => false).then(() => (needed = undefined))
}

/** Never rejects: why it did not come is told. */
async function load(isStopped: () => boolean): Promise<void> {
  try {
    await loadPages(isStopped)
    matrixError.value = null
  } catch (error) {
    matrixError.value = error instanceof ApiError ? error : new ApiError(0, String(error))
  }
}

/** Shows each page as it comes; clusters that are gone go when all have come. */
async function loadPages(isStopped: () => boolean): Promise<void> {
  const found = new Map<string, MatrixRow>()
  let next: string | null = ''
  while (next !== null && !isStopped()) {
    const query = { limit: pageSize, ...(next !== '' && { continue: next }) }
    const page: MatrixView = await call('getMatrix', { query })
    applications.value = page.applications
    for (const row of page.items) found.set(row.cluster, row)
    rows.value = next === '' && !isWhole.value ? new Map(found) : new Map([...rows.value, ...found])
    next = page.continue
  }
  if (isStopped()) return
  rows.value = found
  isWhole.value = true
}

async function loadNamed(names: readonly string[]): Promise<void> {
  const page = await call('getMatrix', { query: { clusters: names.join(',') } })
  // Columns moved: nothing fits but all of it anew.
  if (page.applications.join() !== applications.value.join()) return loadPages(() => false)
  const next = new Map(rows.value)
  for (const row of page.items) if (next.has(row.cluster)) next.set(row.cluster, row)
  rows.value = next
}
