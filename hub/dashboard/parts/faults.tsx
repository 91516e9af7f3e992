import type { FleetView } from '../../client/gen/api.ts'
import { shorten } from './words.tsx'

const mostShown = 20

/** What keeps the newest commit, or a part of it, from being rolled out. */
export function Faults({
  refused,
  faults,
}: {
  readonly refused?: string | null
  readonly faults: FleetView['faults']
}) {
  if (faults.length === 0 && !refused) return null
  return (
    <details class="faults" open={faults.length <= 3}>
      <summary>
        {refused
          ? `Commit ${shorten(refused)} is refused, the last good one stays`
          : 'Not all of the newest commit is rolled out'}
        : {faults.length} {faults.length === 1 ? 'fault' : 'faults'}
      </summary>
      <ul>
        <Told of={faults} />
      </ul>
    </details>
  )
}

/** What policies say that keeps nothing back. */
export function Warnings({ warnings }: { readonly warnings: FleetView['warnings'] }) {
  if (warnings.length === 0) return null
  return (
    <details class="card" open={warnings.length <= 3}>
      <summary>
        {warnings.length} {warnings.length === 1 ? 'warning' : 'warnings'}; nothing is kept back for
        it
      </summary>
      <ul>
        <Told of={warnings} />
      </ul>
    </details>
  )
}

function Told({ of: faults }: { readonly of: FleetView['faults'] }) {
  return (
    <>
      {faults.slice(0, mostShown).map((fault) => (
        <li key={JSON.stringify(fault)}>
          {fault.file && (
            <code>
              {[fault.file, fault.line, fault.column]
                .filter((part) => part !== undefined)
                .join(':')}
            </code>
          )}{' '}
          {[[fault.object, fault.cluster].filter(Boolean).join(', '), fault.message]
            .filter(Boolean)
            .join(': ')}
        </li>
      ))}
      {faults.length > mostShown && <li>and {faults.length - mostShown} more</li>}
    </>
  )
}
