import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { escapeLetters } from './escape-letters.mjs'
import { root, shipped } from './options.mjs'
import { latePackages } from './late-packages.mjs'
import { requireLate } from './required-late.mjs'

/*
 * The hub as few files: its sources and packages are some 2,600, and reading each took most of the time in
 * which a hub that starts again serves nobody.
 */

/** Packages written for CommonJS ask for Node's own modules by `require`, and some for where they lie. */
const banner = [
  "import { createRequire as createRequireOfHub } from 'node:module';",
  'const require = createRequireOfHub(import.meta.url);',
  'const __filename = import.meta.filename, __dirname = import.meta.dirname;',
].join('\n')

/**
 * Bundles the hub into a folder: `hub/main.js` and its parts, and beside it the dashboard as it was built
 * last. The same sources give the same bytes.
 *
 * @param {string} directory
 * @returns {Promise<{ program: string, bytes: number, digest: string }>} digest of all code
 */
export async function buildHub(directory = join(root, 'dist')) {
  const outdir = join(directory, 'hub')
  const { outputFiles } = await build({
    ...shipped,
    entryPoints: { main: 'hub/main.ts', 'fork-server': 'hub/fork-server/main.ts' },
    outdir,
    // What is needed only sometimes, as the Kubernetes client, stays a file of its own that is read then.
    splitting: true,
    banner: { js: banner },
    plugins: [latePackages, requireLate(/^(node:)?https?$/)],
  })
  await rm(outdir, { recursive: true, force: true })
  await mkdir(outdir, { recursive: true })
  const hash = createHash('sha256')
  let bytes = 0
  for (const { path, text } of outputFiles.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const code = escapeLetters(text)
    hash.update(`${basename(path)}\n${code}`)
    bytes += code.length
    await writeFile(path, code)
  }
  const digest = hash.digest('hex')
  const { version } = JSON.parse(await readFile(join(root, 'hub', 'package.json'), 'utf8'))
  await writeFile(
    join(outdir, 'package.json'),
    `${JSON.stringify({ name: 'groundswell-hub', version, build: digest, private: true, type: 'module' })}\n`,
  )
  await copyDashboard(directory)
  return { program: join(outdir, 'main.js'), bytes, digest }
}

/**
 * To where the hub looks for it, from its own files.
 *
 * @param {string} directory
 */
async function copyDashboard(directory) {
  const to = join(directory, 'dashboard', 'dist')
  await rm(to, { recursive: true, force: true })
  try {
    await cp(join(root, 'hub', 'dashboard', 'dist'), to, { recursive: true })
  } catch (error) {
    // A hub without its pages says so itself.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
  }
}
