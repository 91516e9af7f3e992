import type { PlannedView } from '../../client/gen/api.ts'
import { Patch } from './patch.tsx'

export type PlannedChanges = NonNullable<PlannedView['changes']>
type Variant = PlannedChanges['objects'][number]['variants'][number]

const mostNamed = 5

/** `2 removed, 1 changed` of objects. */
export function sayChanges({
  removed,
  changed,
  added,
}: Pick<PlannedChanges, 'removed' | 'changed' | 'added'>): string {
  const parts = Object.entries({ removed, changed, added }).filter(([, count]) => count > 0)
  return parts.map(([word, count]) => `${count} ${word}`).join(', ') || 'no object changes'
}

/** What each object becomes; the same change on many clusters once. `open` shows the lines at once. */
export function Changes({
  changes,
  open,
}: {
  readonly changes: PlannedChanges
  readonly open: boolean
}) {
  const { objects, objectsLeftOut, notCompared, held } = changes
  return (
    <div class="changes">
      {held.length > 0 && (
        <p class="notice">
          Agents hold these deletions back until they are confirmed: {held.join(', ')}
        </p>
      )}
      {objects.map(({ id, object, file, variants }) => (
        <section key={id} aria-label={object}>
          <h3>
            {object} <code class="quiet">{file}</code>
          </h3>
          {variants.map((one, at) => (
            <details key={at} open={open}>
              <summary>
                <Change of={one} /> on {sayNames(one.clusters)}
                {one.fate !== null && ` · ${one.fate}`}
              </summary>
              {one.patch !== '' && <Patch text={one.patch} />}
            </details>
          ))}
        </section>
      ))}
      {objectsLeftOut > 0 && <p class="quiet">and {objectsLeftOut} objects more</p>}
      {notCompared.length > 0 && <p class="notice">Nothing is said of {sayNames(notCompared)}.</p>}
    </div>
  )
}

const looks = {
  added: { sign: '+', css: 'updated' },
  changed: { sign: '≠', css: 'pending' },
  removed: { sign: '✕', css: 'failed' },
} as const satisfies Record<Variant['change'], unknown>

function Change({ of: { change } }: { readonly of: Variant }) {
  const { sign, css } = looks[change]
  return (
    <span class={`word ${css}`}>
      <span aria-hidden="true">{sign}</span> {change}
    </span>
  )
}

/** The first of them, and how many more. */
export function sayNames(names: readonly string[]): string {
  const more = names.length - mostNamed
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
