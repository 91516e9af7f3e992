import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunProgram } from '../../hub/fork-server/run.ts'
import { createMirror } from '../../hub/source/git.ts'
import type { Signers } from '../../hub/source/signature/signers.ts'
import type { Mirror, SourceSpec } from '../../hub/source/source.ts'
import type { TestRepository } from '../support/git-repository.ts'
import {
  asFlags,
  createOpenpgpHome,
  createSshHand,
  type OpenpgpHome,
  type SigningHand,
} from '../support/git-signing.ts'
import { createLosing } from '../support/lost-git.ts'
import { createMirrorWorld, type MirrorWorld, never, rejectsWith } from '../support/mirror-world.ts'

let world: MirrorWorld
let home: OpenpgpHome
let ann: SigningHand
let mallory: SigningHand
let bob: SigningHand
let late: SigningHand
let signers: Signers
const mirrors: Mirror[] = []

before(async () => {
  world = await createMirrorWorld()
  const at = (name: string) => join(world.temp.path, name)
  home = await createOpenpgpHome(at('gnupg'))
  ann = await createSshHand(world.temp.path, 'ann')
  mallory = await createSshHand(world.temp.path, 'mallory')
  bob = await home.createHand('bob@example.com')
  late = await home.createHand('late@example.com', { expired: true })
  await writeFile(at('allowed'), `ann@example.com namespaces="git" ${ann.publicKey}\n`)
  await writeFile(at('keys.asc'), `${bob.publicKey}${late.publicKey}`)
  await writeFile(at('revoked'), '')
  signers = {
    allowedSignersFile: at('allowed'),
    openpgpKeysFile: at('keys.asc'),
    revokedKeysFile: at('revoked'),
  }
})

after(async () => {
  await Promise.all(mirrors.map(async (mirror) => mirror.close()))
  await home.close()
  await world[Symbol.asyncDispose]()
})

/** A commit by the hand, or by none, on main. */
async function commit(repository: TestRepository, hand?: SigningHand): Promise<string> {
  const flags = hand ? [...asFlags(hand), 'commit', '-S'] : ['commit']
  await repository.git(...flags, '--quiet', '--allow-empty', '--message', 'Change')
  await repository.git('push', '--quiet', '--force', 'origin', 'HEAD:main')
  return repository.git('rev-parse', 'HEAD')
}

async function tag(repository: TestRepository, name: string, hand?: SigningHand): Promise<void> {
  const flags = hand ? [...asFlags(hand), 'tag', '--sign'] : ['tag', '--annotate']
  await repository.git(...flags, '--message', name, name)
  await repository.git('push', '--quiet', 'origin', name)
}

async function openMirror(
  repository: TestRepository,
  spec: Partial<SourceSpec> = {},
  options: {
    readonly directory?: string
    readonly signers?: () => Signers | undefined
    readonly run?: RunProgram
  } = {},
) {
  const directory = options.directory ?? join(world.temp.path, `s${mirrors.length}.git`)
  const mirror = await createMirror(
    {
      name: repository.name,
      url: world.server.url(repository.name),
      ref: { branch: 'main' },
      timeout: 20_000,
      credential: 'bot',
      verify: { signers: 'team', object: 'commit' },
      ...spec,
    },
    {
      directory,
      credential: () => world.credentials['bot'],
      signers: options.signers ?? ((name) => (name === 'team' ? signers : undefined)),
      ...(options.run && { run: options.run }),
    },
  )
  mirrors.push(mirror)
  return { ...mirror, directory }
}

describe('commits', () => {
  test('are taken from signers by SSH and OpenPGP, and from nobody else', async () => {
    const repository = await world.createRepository()
    const first = await commit(repository, ann)
    const mirror = await openMirror(repository)
    assert.equal(await mirror.fetch(never), `main@sha1:${first}`)
    assert.match(mirror.signer() ?? '', /^ann@example\.com SHA256:/)
    const second = await commit(repository, bob)
    assert.equal(await mirror.fetch(never), `main@sha1:${second}`)
    assert.match(mirror.signer() ?? '', /^bob@example\.com [0-9A-F]{40}$/)

    const refused: [SigningHand | undefined, RegExp][] = [
      [undefined, /branch main: the commit is refused: it is not signed; signers: team$/],
      [mallory, /the commit is refused: its key is none of the signers; signers: team$/],
      [late, /the commit is refused: its key has expired; signers: team$/],
    ]
    for (const [hand, words] of refused) {
      const bad = await commit(repository, hand)
      await rejectsWith(mirror.fetch(never), 'source_refused', words)
      // The last good one stays, over a restart too.
      assert.equal(await mirror.head(), `main@sha1:${second}`)
      assert.deepEqual([await mirror.has(second), await mirror.has(bad)], [true, false])
    }
    const third = await commit(repository, ann)
    assert.equal(await mirror.fetch(never), `main@sha1:${third}`)
  })

  test('that were altered after they were signed are refused', async () => {
    const repository = await world.createRepository()
    await commit(repository, ann)
    const text = await repository.git('cat-file', 'commit', 'HEAD')
    const file = join(world.temp.path, 'altered')
    await writeFile(file, `${text.replace(/Change$/, 'Chance')}\n`)
    const altered = await repository.git('hash-object', '-t', 'commit', '-w', file)
    await repository.git('push', '--quiet', '--force', 'origin', `${altered}:refs/heads/main`)
    const mirror = await openMirror(repository)
    const words = /the commit is refused: its signature does not hold/
    await rejectsWith(mirror.fetch(never), 'source_refused', words)
    assert.equal(await mirror.head(), null)
  })

  test('of a key that is taken out, or revoked, count no more, without a restart', async () => {
    const repository = await world.createRepository()
    const head = await commit(repository, ann)
    const mirror = await openMirror(repository)
    assert.equal(await mirror.fetch(never), `main@sha1:${head}`)
    const { allowedSignersFile, revokedKeysFile } = signers as Required<Signers>
    await writeFile(revokedKeysFile, `${ann.publicKey}\n`)
    await rejectsWith(
      mirror.fetch(never),
      'source_refused',
      /its signature does not hold, or its key was revoked/,
    )
    assert.equal(await mirror.head(), null)
    await writeFile(revokedKeysFile, '')
    const before = await readFile(allowedSignersFile)
    await writeFile(allowedSignersFile, `x@example.com ${mallory.publicKey}\n`)
    await rejectsWith(mirror.fetch(never), 'source_refused', /its key is none of the signers/)
    await writeFile(allowedSignersFile, before)
    assert.equal(await mirror.fetch(never), `main@sha1:${head}`)
  })

  test('that a mirror took before signatures were asked for are not gone on from', async () => {
    const repository = await world.createRepository()
    const unsigned = await commit(repository)
    const { verify: _, ...plain } = { verify: undefined }
    const open = await createMirror(
      {
        ...{ name: repository.name, url: world.server.url(repository.name), timeout: 20_000 },
        ...{ ref: { branch: 'main' }, credential: 'bot', ...plain },
      },
      {
        directory: join(world.temp.path, 'before.git'),
        credential: () => world.credentials['bot'],
      },
    )
    assert.equal(await open.fetch(never), `main@sha1:${unsigned}`)
    await open.close()
    const mirror = await openMirror(
      repository,
      {},
      { directory: join(world.temp.path, 'before.git') },
    )
    assert.equal(await mirror.head(), null)
    assert.equal(await mirror.has(unsigned), false)
  })

  test('pinned by their id have to be signed too', async () => {
    const repository = await world.createRepository()
    const unsigned = await commit(repository)
    const signed = await commit(repository, ann)
    const bad = await openMirror(repository, { ref: { commit: unsigned } })
    for (const _ of [1, 2]) await rejectsWith(bad.fetch(never), 'source_refused', /not signed/)
    const good = await openMirror(repository, { ref: { commit: signed } })
    for (const _ of [1, 2]) assert.equal(await good.fetch(never), `commit@sha1:${signed}`)
  })

  test('of which a lost check says nothing are checked again, and not called unsigned', async () => {
    const repository = await world.createRepository()
    const head = await commit(repository, ann)
    for (const lost of ['verify-commit', '--import']) {
      let left = 1
      const run = createLosing(lost, () => left-- > 0)
      const mirror = await openMirror(repository, {}, { run })
      const words = /its signature was not checked: the process ended$/
      await rejectsWith(mirror.fetch(never), 'source_unreachable', words)
      assert.equal(await mirror.fetch(never), `main@sha1:${head}`)
    }
  })

  test('are refused while the hub has no such signers', async () => {
    const repository = await world.createRepository()
    await commit(repository, ann)
    let known: Signers | undefined
    const mirror = await openMirror(repository, {}, { signers: () => known })
    await rejectsWith(mirror.fetch(never), 'source_refused', /no signers named team/)
    known = { allowedSignersFile: '/nowhere/allowed' }
    await rejectsWith(mirror.fetch(never), 'source_refused', /\/nowhere\/allowed cannot be read/)
    known = signers
    await mirror.fetch(never)
  })
})

describe('tags', () => {
  const verify = { signers: 'team', object: 'tag' } as const

  test('are taken by their own signature, whoever made the commit', async () => {
    const repository = await world.createRepository()
    const head = await commit(repository)
    await tag(repository, 'v1.0.0', ann)
    const mirror = await openMirror(repository, { ref: { semver: '^1' }, verify })
    assert.equal(await mirror.fetch(never), `v1.0.0@sha1:${head}`)
    assert.match(mirror.signer() ?? '', /^ann@example\.com /)
    await commit(repository, ann)
    for (const [name, hand, words] of [
      ['v1.1.0', undefined, /tag v1\.1\.0: the tag is refused: it is not signed/],
      ['v1.2.0', mallory, /tag v1\.2\.0: the tag is refused: its key is none of the signers/],
      ['v1.3.0', late, /tag v1\.3\.0: the tag is refused: its key has expired/],
    ] as const) {
      await tag(repository, name, hand)
      await rejectsWith(mirror.fetch(never), 'source_refused', words)
      assert.equal(await mirror.head(), `v1.0.0@sha1:${head}`)
    }
    const newest = await commit(repository)
    await tag(repository, 'v1.4.0', bob)
    assert.equal(await mirror.fetch(never), `v1.4.0@sha1:${newest}`)
    assert.deepEqual([await mirror.has(newest), await mirror.has(head)], [true, false])
  })

  test('that were signed under another name are refused: an old release cannot pose as a new one', async () => {
    const repository = await world.createRepository()
    await commit(repository)
    await tag(repository, 'v1.0.0', ann)
    await repository.git('push', '--quiet', 'origin', 'v1.0.0:refs/tags/v9.0.0')
    const mirror = await openMirror(repository, { ref: { tag: 'v9.0.0' }, verify })
    const words = /tag v9\.0\.0: the tag was signed under another name, v1\.0\.0/
    await rejectsWith(mirror.fetch(never), 'source_refused', words)
  })

  test('that are only names of a commit are refused', async () => {
    const repository = await world.createRepository()
    await commit(repository, ann)
    await repository.git('tag', 'v1')
    await repository.git('push', '--quiet', 'origin', 'v1')
    const mirror = await openMirror(repository, { ref: { tag: 'v1' }, verify })
    await rejectsWith(mirror.fetch(never), 'source_refused', /it is no annotated tag/)
  })
})
