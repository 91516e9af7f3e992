import { call } from './client.ts'
import { useWatched } from './watched.ts'

/** Where the repository of an application is, for links to commits; undefined where it is not known. */
export function useRepositoryUrl(application: string | undefined): string | undefined {
  const url = useWatched(
    `repository of ${application}`,
    async () => {
      if (application === undefined) return undefined
      const { source } = await call('getApplication', { path: { name: application } })
      return (await call('getSource', { path: { name: source.repository } })).url
    },
    ({ type }) => type === 'fleet.accepted',
  )
  return url.value
}
