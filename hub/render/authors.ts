import { posix } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { readRenderSource } from '../fleet/input/render-source.ts'
import { resolveTargets } from '../fleet/resolve/resolve.ts'
import type { Mirror } from '../source/source.ts'

/** What a rollout brings, and what it takes the place of. */
export interface AuthorsRequest {
  readonly application: string
  readonly fleetRevision: string
  /** Of the application's own repository. */
  readonly revision: string
  /** What clusters were given before, by the same two. */
  readonly since: readonly {
    readonly fleetRevision: string | undefined
    readonly revision: string
  }[]
}

export interface AuthorsDeps {
  readonly readFleet: (revision: string) => Promise<Fleet>
  readonly mirror: (repository: string) => Mirror | undefined
}

/**
 * Who made the commits that a rollout brings, as Git has them: those that touched what its application is
 * rendered from in its repository, and those that touched the file it is written in. What only tells of
 * clusters, and bases and charts of other places, are left out.
 *
 * @throws HubError `source_unreachable` where a repository is not at hand, `revision_not_found`, `fleet_invalid`
 */
export async function listContentAuthors(
  { readFleet, mirror }: AuthorsDeps,
  { application, fleetRevision, revision, since }: AuthorsRequest,
): Promise<string[]> {
  const need = (repository: string): Mirror => {
    const found = mirror(repository)
    if (found) return found
    throw new HubError('source_unreachable', `repository ${repository} was not read yet`)
  }
  const fleet = await readFleet(fleetRevision)
  const declared = fleet.applications.get(application)
  const before = distinct(since.flatMap(({ fleetRevision: one }) => one ?? []))
  // Of one that left Git, whoever took it out of the file that it was in.
  const paths = declared
    ? [declared.file]
    : (await Promise.all(before.map(readFleet))).flatMap(
        ({ applications }) => applications.get(application)?.file ?? [],
      )
  if (paths.length === 0) return []
  const files = await need('fleet').authors({
    to: commitOf(fleetRevision),
    since: before.map(commitOf),
    paths: distinct(paths),
  })
  if (!declared) return files
  const { source } = declared.spec
  const repository = source.repository ?? 'fleet'
  // A chart of a registry is named by the file.
  if (source.helm?.chart !== undefined) return files
  const own = need(repository)
  const to = commitOf(revision)
  const made = await own.authors({
    to,
    since: distinct(since.map((one) => commitOf(one.revision))),
    paths: await listRoots(fleet, application, own, to),
  })
  return distinct([...files, ...made])
}

/** The directories that it is rendered from, those beside its own too. */
async function listRoots(
  fleet: Fleet,
  application: string,
  mirror: Mirror,
  commit: string,
): Promise<string[]> {
  const only = new Map([[application, fleet.applications.get(application)!]])
  const { targets } = resolveTargets({ ...fleet, applications: only })
  const sources = new Map(
    targets.map((target) => [
      JSON.stringify([target.path, target.kind, target.valuesFiles]),
      target,
    ]),
  )
  const roots = await Promise.all(
    [...sources.values()].map(async (target) =>
      readRenderSource(mirror, commit, target).then(
        ({ root }) => root,
        // What it has of other places is not looked for here.
        () => posix.normalize(target.path).replace(/\/$/, ''),
      ),
    ),
  )
  return distinct(roots)
}

function commitOf(revision: string): string {
  return parseRevision(revision).commit
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)]
}
