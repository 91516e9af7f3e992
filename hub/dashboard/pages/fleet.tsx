import { useEffect, useMemo } from 'preact/hooks'
import { call } from '../data/client.ts'
import { countCells, listLines } from '../data/lines.ts'
import {
  applications,
  isWhole,
  matrixError,
  matrixRows,
  setVisible,
  watchMatrix,
} from '../data/matrix.ts'
import { lookOf, looks, standings } from '../data/standing.ts'
import { useWatched } from '../data/watched.ts'
import { Faults } from '../parts/faults.tsx'
import { Grid } from '../parts/grid.tsx'
import { Link } from '../parts/link.tsx'
import { Fault } from '../parts/shown.tsx'
import { Short } from '../parts/words.tsx'
import { go } from '../route.ts'

const wordOf = (letter: string): string => lookOf(letter).word

/** The whole fleet at a glance: every cluster, every application, and what needs a person. */
export function Fleet({ filter }: { readonly filter: string }) {
  useEffect(watchMatrix, [])
  const rows = matrixRows.value
  const lines = useMemo(() => listLines(rows, filter, wordOf), [rows, filter])
  const counts = useMemo(() => countCells(rows), [rows])
  const fleet = useWatched(
    'fleet',
    () => call('getFleet', {}),
    ({ type }) => type.startsWith('fleet.'),
  )
  const toggle = (word: string): void =>
    go({ page: 'fleet', filter: filter === word ? '' : word }, 'replace')
  return (
    <main class="fleet">
      <header class="summary">
        <h1>Fleet</h1>
        {standings.map((letter) => {
          const { symbol, word, css, words } = looks[letter]
          return (
            <button
              key={letter}
              type="button"
              class={`count ${css}`}
              aria-pressed={filter === word}
              title={`An application on a cluster that ${words}`}
              onClick={() => toggle(word)}
            >
              <b>{counts.get(letter) ?? 0}</b> <span aria-hidden="true">{symbol}</span> {word}
            </button>
          )
        })}
        <input
          type="search"
          value={filter}
          placeholder="Filter: cluster, group, failed, stale…"
          aria-label="Filter clusters"
          onInput={(event) => go({ page: 'fleet', filter: event.currentTarget.value }, 'replace')}
        />
        <span class="quiet">
          {rows.length} clusters · {applications.value.length} applications · commit{' '}
          <Short text={fleet.value?.revision ?? null} />
          {!isWhole.value && ' · loading…'}
        </span>
      </header>
      {matrixError.value && <Fault error={matrixError.value} />}
      {fleet.value && <Faults refused={fleet.value.refused} faults={fleet.value.faults} />}
      {isWhole.value && lines.length === 0 ? (
        <Nothing filter={filter} />
      ) : (
        <Grid
          applications={applications.value}
          lines={lines}
          onVisible={setVisible}
          onOpen={(name, application) => go({ page: 'cluster', name, application })}
        />
      )}
    </main>
  )
}

/** What to do where there is no cluster to show. */
function Nothing({ filter }: { readonly filter: string }) {
  if (filter === '') {
    return (
      <p role="status">
        There is no cluster yet. One is declared in the fleet repository, by a file of{' '}
        <code>kind: Cluster</code>; then a token lets its agent in, on the page{' '}
        <Link to={{ page: 'clusters' }}>Clusters</Link>.
      </p>
    )
  }
  return (
    <p role="status">
      No cluster fits <code>{filter}</code>: its name, its groups, or how one of its applications
      stands.{' '}
      <button type="button" onClick={() => go({ page: 'fleet', filter: '' }, 'replace')}>
        Show all
      </button>
    </p>
  )
}
