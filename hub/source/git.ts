import { mkdir } from 'node:fs/promises'
import { formatRevision, parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../errors.ts'
import { runProgram } from '../fork-server/process.ts'
import type { RunProgram } from '../fork-server/run.ts'
import { parseAddress } from './address.ts'
import { listAuthors } from './authors.ts'
import { parseCommit } from './commit.ts'
import type { Credential } from './credential.ts'
import type { Stopwatch } from '../stopwatch.ts'
import type { ReadSecret } from './fs.ts'
import type { HostRules } from './host-rules.ts'
import { createObjectReader } from './process.ts'
import { type QualifiedRef, qualifyRef, qualifyVersion, versionSpace } from './ref.ts'
import { type GitRequest, createRemote } from './remote/git.ts'
import type { Mirror, SourceSpec, Tree } from './source.ts'
import { treeLimits } from './tree-entries.ts'
import { parseTag } from './signature/outcome.ts'
import { createVerifier } from './signature/git.ts'
import type { Signers } from './signature/signers.ts'
import { createTreeReader } from './tree-reader.ts'
import { pickVersion } from './version-range.ts'
import { type VisitedRef, qualifyVisit } from './visit.ts'

export interface MirrorOptions {
  /** The bare repository; made when it is not there. One hub process at a time. */
  readonly directory: string
  /** By name; looked up anew for each fetch. */
  readonly credential: (name: string) => Credential | undefined
  readonly readSecret?: ReadSecret
  /** By name; looked up anew for each check. */
  readonly signers?: (name: string) => Signers | undefined
  /** Without them, every host is fetched from. */
  readonly hosts?: HostRules
  /** Bytes that one fetch may bring. */
  readonly fetchBytes?: number
  /** For tests: `file://` URLs too. */
  readonly allowFile?: boolean
  readonly log?: (message: string) => void
  /** Times each conversation with the server. */
  readonly time?: Stopwatch<GitRequest>
  /** Runs Git; a child of this process when left out. */
  readonly run?: RunProgram
}

/** Where an object waits until its signature was found good. */
const incoming = 'refs/mirror/incoming'
const fetchBytes = 2 * 1024 * 1024 * 1024

/**
 * Opens, or makes, the mirror of one repository. Nothing is fetched yet.
 *
 * @throws HubError `source_refused` when URL or ref are not acceptable, `internal` when the
 *   directory cannot be made a repository
 */
export async function createMirror(spec: SourceSpec, options: MirrorOptions): Promise<Mirror> {
  const address = parseAddress(spec.url, { allowFile: options.allowFile ?? false })
  const fixed = 'semver' in spec.ref ? undefined : qualifyRef(spec.ref)
  const { directory, log = () => undefined, run = runProgram } = options

  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw fail('internal', `cannot make the mirror directory ${directory}`, cause)
  })
  const remote = await createRemote({
    name: spec.name,
    address,
    directory,
    timeout: spec.timeout,
    fetchBytes: options.fetchBytes ?? fetchBytes,
    credential: findCredential,
    readSecret: options.readSecret ?? refuseSecrets,
    hosts: options.hosts ?? { allowed: [address.host], fleet: '' },
    time: options.time ?? (() => () => {}),
    run,
  })
  await remote.run(['init', '--quiet', '--bare'])

  const objects = createObjectReader(directory, remote.environment)
  const trees = createTreeReader({ name: spec.name, objects, fetchMissing })
  const { verify } = spec
  const verifier = createVerifier({
    name: spec.name,
    directory,
    environment: remote.environment,
    signers: findSigners,
    run,
  })
  let turn: Promise<unknown> = Promise.resolve()
  let missing = new Set<string>()
  let fetching: Promise<void> | undefined
  let signer: string | null = null

  function fail(code: HubError['code'], message: string, cause?: unknown): HubError {
    return new HubError(code, `repository ${spec.name}: ${message}`, {
      cause,
      faults: cause instanceof HubError ? cause.faults : [],
    })
  }

  function findCredential(): Credential | undefined {
    if (spec.credential === undefined) return undefined
    const found = options.credential(spec.credential)
    if (found) return found
    throw fail('source_refused', `the hub has no credential named ${spec.credential}`)
  }

  function findSigners(): Signers {
    const found = options.signers?.(verify!.signers)
    if (found) return found
    throw fail('source_refused', `the hub has no signers named ${verify!.signers}`)
  }

  async function refuseSecrets(): Promise<never> {
    throw fail('source_refused', 'its credential is a Secret, and this hub reads none')
  }

  /** One Git writer at a time: two fetches would fight for the same lock files. */
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  /** Those that ask while another fetch runs are asked for together. */
  async function fetchMissing(oids: readonly string[]): Promise<void> {
    for (const oid of oids) missing.add(oid)
    fetching ??= inTurn(async () => {
      fetching = undefined
      const input = [...missing].map((oid) => `${oid}\n`).join('')
      log(`repository ${spec.name}: ${missing.size} blobs to fetch`)
      missing = new Set()
      await remote.fetch(['--stdin', 'origin'], { input })
    })
    await fetching
  }

  async function fetchRef(signal: AbortSignal): Promise<string> {
    const ref = fixed ?? (await findVersion(signal))
    if ('commit' in spec.ref && (await isHere(spec.ref.commit))) {
      await requireSignature(ref, spec.ref.commit)
      return formatRevision({ ref: ref.label, commit: spec.ref.commit })
    }
    // What is not verified yet is nowhere that anybody goes on from after a crash.
    const place = verify ? incoming : ref.local
    const refspec = `+${ref.remote}:${place}`
    await remote.fetch(['--end-of-options', 'origin', refspec], { signal, words: ref.words })
    if (verify) {
      const [object] = await objects.inspect([incoming])
      await requireSignature(ref, object?.oid ?? '')
      const lines = `update ${ref.local} ${object!.oid}\ndelete ${incoming}\n`
      await remote.run(['update-ref', '--stdin'], { input: lines })
    }
    const found = await commitOf(ref)
    if (found === null) throw fail('revision_not_found', `${ref.words} is not a commit`)
    if (!fixed) await forgetVersions(ref)
    return found
  }

  /** Each place where it may be, until it is found. */
  async function fetchVisit(ref: VisitedRef, signal: AbortSignal): Promise<string> {
    if ('commit' in ref && (await isHere(ref.commit))) {
      return formatRevision({ ref: 'commit', commit: ref.commit })
    }
    let missing: unknown
    for (const { remote: there, local, label, words } of qualifyVisit(ref)) {
      try {
        await remote.fetch(['--end-of-options', 'origin', `+${there}:${local}`], { signal, words })
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== 'revision_not_found') throw error
        missing ??= error
        continue
      }
      const commit = await findCommit(local)
      if (commit === undefined) throw fail('revision_not_found', `${words} is not a commit`)
      return formatRevision({ ref: label, commit })
    }
    throw missing
  }

  /** @throws HubError `source_refused` when what has to be signed is not, or not by a signer */
  async function requireSignature(ref: QualifiedRef, oid: string): Promise<void> {
    if (!verify) return
    const refuse = (why: string) =>
      fail('source_refused', `${ref.words}: ${why}; signers: ${verify.signers}`)
    const target = verify.object === 'tag' ? await findTag(ref, oid, refuse) : await findCommit(oid)
    if (target === undefined) throw fail('revision_not_found', `${ref.words} is not a commit`)
    const outcome = await verifier.verify(verify.object, target)
    if (!outcome.good) throw refuse(`the ${verify.object} is refused: ${outcome.why}`)
    ;({ signer } = outcome)
  }

  async function findCommit(oid: string): Promise<string | undefined> {
    return (await objects.inspect([`${oid}^{commit}`]))[0]?.oid
  }

  /** A signed tag under another name says nothing of that name: an old release may be put there. */
  async function findTag(
    ref: QualifiedRef,
    oid: string,
    refuse: (why: string) => HubError,
  ): Promise<string> {
    const [info] = await objects.inspect([oid])
    if (info?.type !== 'tag') throw refuse('it is no annotated tag, so it cannot be signed')
    const [bytes] = await objects.read([oid], 1024 * 1024)
    const { tag, type } = parseTag(bytes?.toString() ?? '')
    if (type !== 'commit') throw refuse('the tag is not of a commit')
    if (tag !== ref.label) throw refuse(`the tag was signed under another name, ${tag}`)
    return oid
  }

  async function findVersion(signal: AbortSignal): Promise<QualifiedRef> {
    const { semver } = spec.ref as { semver: string }
    const tags = await remote.listTags(signal)
    const tag = pickVersion([...tags.keys()], semver)
    if (tag !== undefined) return qualifyVersion(semver, tag)
    const words = `semver ${semver}: none of ${tags.size} tags is a version of this range`
    throw fail('revision_not_found', words)
  }

  /** Versions that the mirror holds of the range; more than one only when a fetch was cut off. */
  async function listVersions(): Promise<string[]> {
    const space = versionSpace((spec.ref as { semver: string }).semver)
    const lines = await remote.run(['for-each-ref', '--format=%(refname)', space])
    return lines.split('\n').flatMap((line) => (line ? [line.slice(space.length)] : []))
  }

  async function forgetVersions({ label }: QualifiedRef): Promise<void> {
    const { semver } = spec.ref as { semver: string }
    const others = (await listVersions()).filter((tag) => tag !== label)
    if (others.length === 0) return
    const lines = others.map((tag) => `delete ${qualifyVersion(semver, tag).local}\n`)
    await remote.run(['update-ref', '--stdin'], { input: lines.join('') })
  }

  async function head(): Promise<string | null> {
    const ref = await localRef()
    const revision = ref && (await commitOf(ref))
    if (!ref || !revision || !verify) return revision ?? null
    // Keys may have changed while nobody looked.
    const [object] = await objects.inspect(['commit' in spec.ref ? spec.ref.commit : ref.local])
    return requireSignature(ref, object?.oid ?? '').then(
      () => revision,
      (error: unknown) => {
        log(`the mirror holds what is not gone on from: ${String(error)}`)
        return null
      },
    )
  }

  async function localRef(): Promise<QualifiedRef | undefined> {
    if (fixed) return fixed
    const { semver } = spec.ref as { semver: string }
    const tag = pickVersion(await listVersions(), semver)
    return tag === undefined ? undefined : qualifyVersion(semver, tag)
  }

  async function commitOf({ local, label }: QualifiedRef): Promise<string | null> {
    const name = 'commit' in spec.ref ? spec.ref.commit : local
    // A tag is followed to its commit; a tree or blob under a tag has none.
    const [found] = await objects.inspect([`${name}^{commit}`])
    return found ? formatRevision({ ref: label, commit: found.oid }) : null
  }

  async function isHere(commit: string): Promise<boolean> {
    requireCommit(commit)
    const [found] = await objects.inspect([commit])
    return found?.type === 'commit'
  }

  async function has(commit: string): Promise<boolean> {
    if (!(await isHere(commit))) return false
    if (!verify) return true
    if (verify.object === 'commit') return (await verifier.verify('commit', commit)).good
    const revision = await head()
    return revision !== null && parseRevision(revision).commit === commit
  }

  function requireCommit(commit: string): void {
    if (!/^[0-9a-f]{40}$/.test(commit)) throw fail('revision_not_found', 'not a commit id')
  }

  return {
    fetch: (signal) => inTurn(() => fetchRef(signal)),
    visit: (ref, signal) => inTurn(() => fetchVisit(ref, signal)),
    async meet(one, other) {
      for (const commit of [one, other]) requireCommit(commit)
      // Git fails without a word when there is none.
      const found = await remote.run(['merge-base', one, other]).catch(() => '')
      return /^[0-9a-f]{40}$/.test(found.trim()) ? found.trim() : null
    },
    async contains(commit, older) {
      if (!(await isHere(commit))) throw fail('source_unreachable', `${commit} is not here`)
      if (!(await isHere(older))) return false
      // What is older and not in it: nothing. So a failure of Git is none of its answers.
      return (await remote.run(['rev-list', '--max-count=1', older, `^${commit}`])) === ''
    },
    head,
    has,
    signer: () => signer,
    async readTree(commit, at): Promise<Tree> {
      requireCommit(commit)
      return trees.readTree(commit, at)
    },
    readBlobs: (oids) => trees.readBlobs(oids, treeLimits.bytes),
    async authors(range) {
      for (const commit of [range.to, ...range.since]) requireCommit(commit)
      return listAuthors(range, isHere, (args) => remote.run(args))
    },
    async describe(commit) {
      requireCommit(commit)
      const [bytes] = await objects.read([commit], 1024 * 1024)
      if (!bytes) throw fail('revision_not_found', `commit ${commit} is not in the mirror`)
      return parseCommit(bytes.toString())
    },
    async close() {
      objects.close()
      await turn
    },
  }
}
