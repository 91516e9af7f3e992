import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/* Dockerfiles, where there is no Docker: read, and their stages carried out in plain directories by the tools of this machine. */

const repository = fileURLToPath(new URL('../..', import.meta.url))

export interface Instruction {
  readonly word: string
  readonly rest: string
}

/** A `FROM` and what follows it. */
export interface Stage {
  /** Of `AS name`; null for the image itself. */
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

export async function readDockerfile(name: string): Promise<Instruction[]> {
  const text = await readFile(`${repository}deploy/images/${name}.Dockerfile`, 'utf8')
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line.trim()) ?? []
      return { word, rest }
    })
}

/** What the image itself sets, by name. */
export async function readImageEnvironment(name: string): Promise<Record<string, string>> {
  const last = splitStages(await readDockerfile(name)).at(-1)
  const set = last?.instructions.filter(({ word }) => word === 'ENV') ?? []
  const pairs = set.flatMap(({ rest }) => rest.split(/\s+/).map((pair) => pair.split('=')))
  return Object.fromEntries(pairs.map(([key = '', ...value]) => [key, value.join('=')]))
}

export function splitStages(instructions: readonly Instruction[]): Stage[] {
  const starts = instructions.flatMap(({ word }, index) => (word === 'FROM' ? [index] : []))
  return starts.map((start, at) => {
    const [, name] = / AS (\w+)$/.exec(instructions[start]!.rest) ?? []
    return { name: name ?? null, instructions: instructions.slice(start + 1, starts[at + 1]) }
  })
}

/** How both images install packages. */
const install = 'npm ci --ignore-scripts --no-audit --no-fund'

/** What `COPY` says: `--from`, `--chmod`, sources and where they go. */
export function parseCopy(rest: string) {
  const words = rest.split(/\s+/)
  const flag = (name: string) =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3)
  const paths = words.filter((word) => !word.startsWith('--'))
  return {
    from: flag('from'),
    chmod: flag('chmod'),
    sources: paths.slice(0, -1),
    to: paths.at(-1)!,
  }
}

/** As Docker does it: a directory's content, or a file into a directory or under a name. */
export async function copyInto(source: string, to: string): Promise<void> {
  const isDirectory = (await stat(source)).isDirectory()
  const target = isDirectory || !/\/\.?$/.test(to) ? to : join(to, basename(source))
  await mkdir(isDirectory ? target : dirname(target), { recursive: true })
  // What .dockerignore leaves out, wherever it lies.
  const filter = (path: string) => !/^(node_modules|dist|\.build)$/.test(basename(path))
  await cp(source, target, {
    recursive: true,
    verbatimSymlinks: true,
    ...(source.startsWith(repository) && { filter }),
  })
}

/**
 * Carries out a stage's COPY and RUN below a directory. Paths that other stages take from it are below that directory, too.
 *
 * @param outputs absolute paths of the stage that are copied from it
 */
export async function buildStage(
  { instructions }: Stage,
  root: string,
  outputs: readonly string[],
): Promise<void> {
  let workdir = '/'
  await mkdir(root, { recursive: true })
  const place = (path: string) =>
    join(root, posix.resolve(workdir, path)) + (/\/\.?$/.test(path) ? '/' : '')
  for (const { word, rest } of instructions) {
    if (word === 'WORKDIR') {
      workdir = posix.resolve(workdir, rest)
      await mkdir(place('.'), { recursive: true })
    }
    if (word === 'COPY') {
      const { sources, to } = parseCopy(rest)
      for (const source of sources) {
        await copyInto(join(repository, source), sources.length > 1 ? `${place(to)}/` : place(to))
      }
    }
    if (word !== 'RUN') continue
    if (rest === install) {
      // By the same lock, these packages are there already; installing takes minutes.
      await promisify(execFile)('cp', ['-al', join(repository, 'node_modules'), place('.')])
      continue
    }
    const commands = outputs.reduce(
      (text, path) => text.replaceAll(new RegExp(`(?<![\\w.])${path}\\b`, 'g'), join(root, path)),
      rest,
    )
    await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], {
      cwd: place('.'),
      maxBuffer: 64 * 1024 * 1024,
      env: process.env,
    }).catch((error: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${rest}\n${error.stdout}\n${error.stderr}`, { cause: error })
    })
  }
}
