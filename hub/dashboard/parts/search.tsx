import { useEffect, useRef, useState } from 'preact/hooks'
import { applications, isWhole, matrixError, matrixRows, needMatrix } from '../data/matrix.ts'
import type { Route } from '../address.ts'
import { go } from '../route.ts'
import { toApplication, toCluster } from './link.tsx'

interface Found {
  readonly label: string
  readonly kind: string
  readonly to: Route
}

const mostFound = 12
const pages: readonly Found[] = [
  ...(['clusters', 'applications', 'rollouts', 'drift'] as const),
  ...(['holds', 'windows', 'policies', 'events'] as const),
]
  .map((page): Found => ({ label: page, kind: 'page', to: { page } }))
  .concat({ label: 'fleet', kind: 'page', to: { page: 'fleet', filter: '' } })
  .concat({ label: 'pull requests', kind: 'page', to: { page: 'proposal', of: null } })
  .concat({ label: 'audit', kind: 'page', to: { page: 'audit', after: null } })

/** Finds a page, an application or a cluster by a part of its name; ⌘K or Ctrl K. */
export function Search() {
  const dialog = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  function begin(): void {
    setText('')
    setAt(0)
    needMatrix()
    if (!dialog.current?.open) dialog.current?.showModal()
  }
  useEffect(() => {
    const open = (event: KeyboardEvent): void => {
      if (event.key !== 'k' || !(event.metaKey || event.ctrlKey)) return
      event.preventDefault()
      begin()
    }
    addEventListener('keydown', open)
    return () => removeEventListener('keydown', open)
  }, [])
  const found = find(text)
  const choose = (one: Found | undefined): void => {
    if (!one) return
    dialog.current?.close()
    go(one.to)
  }
  function onKey(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      event.preventDefault()
      setAt(Math.max(0, Math.min(found.length - 1, at + step)))
    }
    if (event.key === 'Enter') choose(found[at])
  }
  return (
    <>
      <button type="button" class="search-open" onClick={begin}>
        Search <kbd>⌘K</kbd>
      </button>
      <dialog ref={dialog} class="search" aria-label="Search">
        <input
          type="text"
          placeholder="Cluster, application or page"
          aria-label="Cluster, application or page"
          role="combobox"
          list={undefined}
          aria-expanded="true"
          aria-controls="found"
          aria-activedescendant={found[at] && `found-${at}`}
          autocomplete="off"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value)
            setAt(0)
          }}
          onKeyDown={onKey}
        />
        <ul id="found" role="listbox" aria-label="Found">
          {found.map((one, index) => (
            <li
              key={`${one.kind} ${one.label}`}
              id={`found-${index}`}
              role="option"
              aria-selected={index === at}
              class={index === at ? 'chosen' : ''}
              onClick={() => choose(one)}
            >
              {one.label} <small>{one.kind}</small>
            </li>
          ))}
        </ul>
        {!isWhole.value && (
          <p class="quiet" role="status">
            {matrixError.value
              ? `Clusters and applications cannot be read: ${matrixError.value.message}`
              : 'Reading clusters and applications…'}
          </p>
        )}
      </dialog>
    </>
  )
}

function find(text: string): Found[] {
  const word = text.toLowerCase().trim()
  const all = [
    ...pages,
    ...applications.value.map((name) => ({
      label: name,
      kind: 'application',
      to: toApplication(name),
    })),
    ...matrixRows.value.map(({ cluster }) => ({
      label: cluster,
      kind: 'cluster',
      to: toCluster(cluster),
    })),
  ]
  const hits: Found[] = []
  for (const one of all) {
    if (one.label.includes(word)) hits.push(one)
    if (hits.length === mostFound) return hits
  }
  // Groups, standings and names in part are what the matrix is filtered by.
  if (word !== '') {
    hits.push({ label: word, kind: 'filter the fleet', to: { page: 'fleet', filter: word } })
  }
  return hits
}
