import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Faults, Warnings } from '../parts/faults.tsx'
import { Link, toApplication } from '../parts/link.tsx'
import { PolicyList } from '../parts/policy-list.tsx'
import { Shown } from '../parts/shown.tsx'

const mostShown = 500

/** What is said of an application stands below its name. */
const isOfFleet = ({ object }: { readonly object?: string }): boolean =>
  !/^Application \S+$/.test(object ?? '')

/** What policies and renders say of the newest commit: what is denied, and what is only warned of. */
export function Policies() {
  const concerns = ({ type }: { readonly type: string }): boolean =>
    type.startsWith('fleet.') || type.startsWith('application.')
  const fleet = useWatched('policies of the fleet', () => call('getFleet', {}), concerns)
  const applications = useWatched(
    'policies',
    () => call('listApplications', { query: { limit: mostShown } }),
    concerns,
  )
  const policies = useWatched(
    'list of policies',
    () => call('listPolicies', { query: { limit: mostShown } }),
    concerns,
  )
  return (
    <main>
      <h1>Policies</h1>
      <Shown of={policies}>{({ items }) => <PolicyList items={items} />}</Shown>
      <h2>What they say</h2>
      <p class="quiet">
        Of the newest commit, judged over what was rendered. What is denied keeps what runs, on
        every cluster, and deletes nothing.
      </p>
      <Shown of={fleet}>
        {({ refused, faults, warnings }) => (
          <>
            <Faults refused={refused} faults={faults.filter(isOfFleet)} />
            <Warnings warnings={warnings.filter(isOfFleet)} />
          </>
        )}
      </Shown>
      <Shown of={applications}>
        {({ items, continue: more }) => {
          const told = items.filter(
            ({ faults = [], warnings = [] }) => faults.length + warnings.length > 0,
          )
          return (
            <>
              {told.length === 0 && <p>Nothing is said of any application.</p>}
              {told.map(({ name, faults = [], warnings = [] }) => (
                <section key={name} aria-label={name}>
                  <h2>
                    <Link to={toApplication(name)}>{name}</Link>
                  </h2>
                  <Faults faults={faults} />
                  <Warnings warnings={warnings} />
                </section>
              ))}
              {more !== null && <p class="quiet">Of the first {mostShown} applications.</p>}
            </>
          )
        }}
      </Shown>
    </main>
  )
}
