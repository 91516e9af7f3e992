import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import type { RolloutSummary } from '../../client/gen/api.ts'
import { type PastRollout, listDurations } from '../data/durations.ts'
import { sayLong } from './words.tsx'

/** Pixels. */
const height = 140
const widest = 640
/** Fewer show no course of anything. */
const fewest = 2

/** How long rollouts of an application took, by when they ended; the history has each as a line. */
export function Durations({ rollouts }: { readonly rollouts: readonly RolloutSummary[] }) {
  const past = listDurations(rollouts)
  if (past.length < fewest) return null
  const longest = Math.max(...past.map(({ seconds }) => seconds))
  return (
    <section>
      <h2>How long rollouts took</h2>
      <p class="quiet">
        The last {past.length}: {sayLong(past.at(-1)!.seconds)} the newest, {sayLong(longest)} the
        longest.
      </p>
      <Chart past={past} />
    </section>
  )
}

function Chart({ past }: { readonly past: readonly PastRollout[] }) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = host.current
    if (!element) return
    let end: (() => void) | undefined
    let wanted = true
    // Read where there is something to draw: no other page needs it.
    const begin = async (): Promise<void> => {
      const { default: UPlot } = await import('uplot')
      if (wanted) end = draw(UPlot, element, past)
    }
    // Without it the words beside it say as much.
    begin().catch(() => undefined)
    return () => {
      wanted = false
      end?.()
    }
  }, [JSON.stringify(past)])
  const words = past.map(({ seconds }) => sayLong(seconds)).join(', ')
  return <div ref={host} class="chart" role="img" aria-label={`Oldest first: ${words}`} />
}

/** Gives what takes it away again. */
function draw(
  UPlot: typeof uPlot,
  element: HTMLDivElement,
  past: readonly PastRollout[],
): () => void {
  // As they are when it is drawn: people change colours.
  const stroke = () => getComputedStyle(element).color
  const quiet = () => getComputedStyle(element.parentElement!).color
  const axis = { stroke: quiet, grid: { show: false }, ticks: { stroke: quiet } }
  const plot = new UPlot(
    {
      width: Math.min(widest, element.clientWidth),
      height,
      legend: { show: false },
      cursor: { show: false },
      series: [{}, { stroke, points: { show: true, size: 7, stroke } }],
      axes: [axis, { ...axis, values: (_, ticks) => ticks.map((tick) => sayLong(tick)) }],
      scales: { y: { range: (_, _least, most) => [0, Math.max(1, most * 1.1)] } },
    },
    [past.map(({ endedAt }) => endedAt), past.map(({ seconds }) => seconds)],
    element,
  )
  const themes = new MutationObserver(() => plot.redraw())
  themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    themes.disconnect()
    plot.destroy()
  }
}
