import { posix } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../../errors.ts'
import type { Mirror, Tree } from '../../source/source.ts'
import type { Fleet } from '../fleet.ts'
import { readKustomization } from './kustomize-references.ts'

/** A Repository that an application's kustomizations may take bases of. */
export interface BaseRepository {
  readonly name: string
  readonly url: string
  /** What the hub follows of it: `main@sha1:…`. */
  readonly revision: string
  /** The branch, tag, range or commit that the Repository names. */
  readonly ref: string
  readonly mirror: Pick<Mirror, 'readTree' | 'readBlobs'> & Partial<Pick<Mirror, 'has'>>
}

/** What an entry such as `https://host/repo//path?ref=v1` asks for. */
export interface BaseReference {
  readonly repository: BaseRepository
  /** Within the repository. */
  readonly path: string
  readonly ref: string | undefined
}

/** A base that was found: files of another repository that stand in the tree at `at`. */
export interface RemoteBase {
  /** As the kustomization has it. */
  readonly entry: string
  readonly repository: string
  /** Directory of the tree its files are put into. */
  readonly at: string
  /** The base itself, within `at`; `.` for its root. */
  readonly path: string
  readonly tree: Tree
}

/**
 * Repositories that bases may be taken of, by name.
 *
 * @param why reasons for those that are not at hand
 * @throws HubError `source_unreachable` when one was not read yet
 */
export function baseRepositories(
  fleet: Pick<Fleet, 'repositories'>,
  names: readonly string[],
  at: (name: string) => Pick<BaseRepository, 'revision' | 'mirror'> | undefined,
  why: ReadonlyMap<string, string> = new Map(),
): BaseRepository[] {
  return names.map((name) => {
    const [found, spec] = [at(name), fleet.repositories.get(name)?.spec]
    if (!found || !spec) {
      const reason = why.get(name) ?? `was not read yet; \`swell describe source ${name}\` says why`
      throw new HubError('source_unreachable', `repository ${name}: ${reason}`)
    }
    const { branch, tag, commit, semver } = spec.ref ?? {}
    const ref = commit ?? tag ?? semver ?? branch ?? 'main'
    return { name, url: spec.url, ref, revision: found.revision, mirror: found.mirror }
  })
}

/** Entries of a kustomization that name what is built with it, wherever that is. */
export function listBaseEntries(text: string): string[] {
  const value = readKustomization(text)
  if (!value) return []
  const lists = ['resources', 'components', 'bases'].map((name) => value[name])
  return lists
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
    .filter((entry): entry is string => typeof entry === 'string' && !entry.includes('\n'))
}

/** The repository an entry is of, if it is one that may be taken from; the longest address wins. */
export function matchBase(
  entry: string,
  repositories: readonly BaseRepository[],
): BaseReference | undefined {
  const [address = '', query = ''] = entry.split('?', 2)
  const parameters = new URLSearchParams(query)
  const ref = parameters.get('ref') ?? parameters.get('version') ?? undefined
  const wanted = canonical(address)
  const found = repositories
    .map((repository) => ({ repository, own: canonical(repository.url) }))
    .filter(({ own }) => wanted === own || wanted.startsWith(`${own}/`))
    .toSorted((a, b) => b.own.length - a.own.length)[0]
  if (!found) return undefined
  const below = wanted.slice(found.own.length).replace(/^\/+/, '')
  const path = posix.normalize(below || '.').replace(/\/$/, '')
  if (path === '..' || path.startsWith('../')) return undefined
  return { repository: found.repository, path, ref }
}

/** One spelling of an address: no protocol, user or `.git`. */
function canonical(address: string): string {
  const plain = address.replace(/^git::/, '').replace(/^[a-z+]+:\/\//, '')
  const hosted = plain.replace(/^[\w.-]+@/, '')
  // `user@host:path`, unless what follows is a port.
  const slashed = hosted === plain ? hosted : hosted.replace(/^([^/:]+):(?!\d+\/)/, '$1/')
  return slashed.replace(/\.git(?=\/|$)/, '').replace(/\/$/, '')
}

/**
 * The commit an entry means: the one the hub follows, when it asks for nothing else or for just
 * that; or a commit in full that the mirror has. Undefined when it asks for anything that would have
 * to be fetched.
 */
export async function resolveBase({ repository, ref }: BaseReference): Promise<string | undefined> {
  const followed = parseRevision(repository.revision)
  const known = [undefined, followed.ref, followed.commit, repository.ref]
  if (known.includes(ref)) return followed.commit
  const isCommit = ref !== undefined && /^[0-9a-f]{40}$/.test(ref)
  return isCommit && (await repository.mirror.has?.(ref)) ? ref : undefined
}
