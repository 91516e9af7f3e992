import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix, relative } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../deploy/setup/paths.mjs'
import type { RenderFiles } from '../../hub/render/engine.ts'

/** A directory somebody else wrote. */
export interface Sample {
  /** For people: module and path in it. */
  readonly name: string
  /** On disk, for programs that read it themselves. */
  readonly directory: string
  /** Of the tree `directory` is in. */
  readonly files: RenderFiles
  /** Of `directory` within the tree. */
  readonly path: string
}

/** Directory of a Go module that one of ours is built from, fetched when the cache lost it. */
export async function findGoModule(of: string, name: string): Promise<string> {
  const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', name], {
    cwd: join(root, of),
  })
  return (JSON.parse(stdout) as { Dir: string }).Dir
}

/** A Go module that nothing of ours is built from, as its checksum says it is. */
export async function fetchGoModule(version: string, sum: string): Promise<string> {
  const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', version], {
    cwd: tmpdir(),
    env: { ...process.env, GOWORK: 'off', GOFLAGS: '' },
  })
  const { Dir, Sum } = JSON.parse(stdout) as { readonly Dir: string; readonly Sum: string }
  if (Sum !== sum) throw new Error(`${version} is ${Sum}, and was ${sum}`)
  return Dir
}

/** Every directory below `top` that holds one of `names`, with all of `top` as its tree. */
export async function findSamples(
  label: string,
  top: string,
  names: readonly string[],
): Promise<Sample[]> {
  const files = await readFiles(top)
  const directories = [...files.keys()]
    .filter((path) => names.includes(posix.basename(path)))
    .map((path) => posix.dirname(path))
  return [...new Set(directories)].sort().map((path) => ({
    name: posix.join(label, path),
    directory: join(top, path),
    files,
    path,
  }))
}

/** The files below a directory, as a tree has them. */
export async function readFiles(top: string): Promise<RenderFiles> {
  const entries = await readdir(top, { recursive: true })
  const files = new Map<string, Uint8Array>()
  for (const entry of entries.sort()) {
    const path = join(top, entry)
    if ((await stat(path).catch(() => undefined))?.isFile()) {
      files.set(relative(top, path), await readFile(path))
    }
  }
  return files
}

/** A sample with nothing but its own directory as tree. */
export function alone(sample: Sample): Sample {
  const inside = sample.path === '.' ? '' : `${sample.path}/`
  const files = new Map(
    [...sample.files]
      .filter(([path]) => path.startsWith(inside))
      .map(([path, bytes]) => [path.slice(inside.length), bytes]),
  )
  return { ...sample, files, path: '.' }
}

/** Writes trees given as text, for programs that read directories. */
export async function writeSamples(
  directory: string,
  trees: Readonly<Record<string, Readonly<Record<string, string>>>>,
  path: string,
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const [index, [name, texts]] of Object.entries(trees).entries()) {
    const place = join(directory, String(index))
    const files = new Map<string, Uint8Array>()
    for (const [file, text] of Object.entries(texts)) {
      files.set(file, Buffer.from(text))
      await mkdir(dirname(join(place, file)), { recursive: true })
      await writeFile(join(place, file), text)
    }
    samples.push({ name, directory: join(place, path), files, path })
  }
  return samples
}
