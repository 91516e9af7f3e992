import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Differs } from './differs.tsx'
import { Shown } from './shown.tsx'

/** What of one application differs on one cluster. */
export function ClusterDrift({
  cluster,
  application,
}: {
  readonly cluster: string
  readonly application: string
}) {
  const diff = useWatched(
    `drift ${cluster} ${application}`,
    () => call('diffApplication', { path: { name: application }, query: { cluster } }),
    ({ actor, subject }) => actor === cluster || subject === `cluster/${cluster}`,
  )
  return (
    <Shown of={diff}>
      {({ clusters }) =>
        clusters
          .filter((one) => one.cluster === cluster)
          .map(({ drift, driftedObjects }) => (
            <>
              {drift.map(({ object, ...rest }) => (
                <section key={object} class="card" aria-label={object}>
                  <b>{application}</b> <code>{object}</code>
                  <Differs drift={rest} />
                </section>
              ))}
              {driftedObjects > drift.length && (
                <p class="quiet">
                  and {driftedObjects - drift.length} objects of {application} more
                </p>
              )}
            </>
          ))
      }
    </Shown>
  )
}
