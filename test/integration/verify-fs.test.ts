import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Vector, parseVectors } from '../../agent/verify/vector.ts'
import { generateVectors } from '../vectors/generate.ts'

const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url))
const directory = fileURLToPath(new URL('../vectors/', import.meta.url))

function agent(...argv: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'verify', ...argv], (error, stdout) => {
      resolve({ code: error ? Number(error.code) : 0, said: stdout })
    })
  })
}

describe('agent verify', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verify-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('the files of vectors are what the generator makes, byte for byte', async () => {
    for (const [name, text] of generateVectors()) {
      const found = await readFile(join(directory, name), 'utf8')
      assert.ok(found === text, `${name} differs: node test/vectors/write.ts`)
    }
  })

  it('the README says how many stand for each row', async () => {
    const table = await readFile(join(directory, 'README.md'), 'utf8')
    const said = [...table.matchAll(/^\| ([TB]\d+) +\| (\d+) +\|$/gm)]
    const counted = new Map<string, number>()
    const rows = [...generateVectors().values()].flatMap(parseVectors).flatMap(({ rows }) => rows)
    for (const row of rows) counted.set(row, (counted.get(row) ?? 0) + 1)
    assert.deepEqual(
      Object.fromEntries(said.map(([, row, count]) => [row, Number(count)])),
      Object.fromEntries(counted),
    )
  })

  it('gives each vector its verdict, all in one process', async () => {
    const { code, said } = await agent('--vectors', directory)
    assert.equal(code, 0, said)
    const lines = said.trimEnd().split('\n')
    assert.equal(lines.length, [...generateVectors().values()].flatMap(parseVectors).length)
    assert.ok(lines.every((line) => line.startsWith('ok  ')))
  })

  const vectors = [...generateVectors().values()].flatMap(parseVectors)
  const picked = [
    'an envelope of the profile',
    'header: alg none',
    'an answer to another question',
    'two approvers, an envelope each',
    'three rotations slept through, then a compromise',
    'all content is there',
    'an object is missing',
  ]
  for (const name of picked) {
    it(`judges files in a process of its own: ${name}`, async () => {
      const vector = vectors.find((found) => found.name.endsWith(name))!
      const { code, said } = await agent(...(await written(vector)))
      assert.equal(said, `${vector.expected}\n`)
      assert.equal(code, vector.expected === 'accept' ? 0 : 1)
    })
  }

  async function written({ given }: Vector): Promise<string[]> {
    const home = await mkdtemp(join(folder, 'v-'))
    let serial = 0
    const file = async (bytes: Uint8Array | string): Promise<string> => {
      const path = join(home, String((serial += 1)))
      await writeFile(path, bytes)
      return path
    }
    const argv = ['--root', await file(given.root), '--at', String(given.at)]
    argv.push('--state', await file(JSON.stringify(given.state)))
    argv.push('--identity', await file(JSON.stringify(given.identity)))
    for (const bytes of given.rootChain) argv.push('--root-chain', await file(bytes))
    for (const bytes of given.approvals) argv.push('--approval', await file(bytes))
    if (given.snapshot) argv.push('--snapshot', await file(given.snapshot))
    if (given.freshness) argv.push('--freshness', await file(given.freshness))
    if (given.nonce !== undefined) argv.push('--nonce', given.nonce)
    if (given.content) {
      const content = await mkdtemp(join(home, 'content-'))
      for (const [digest, bytes] of given.content) {
        await writeFile(join(content, digest.slice(7)), bytes)
      }
      argv.push('--content', content)
    }
    return argv
  }
})
