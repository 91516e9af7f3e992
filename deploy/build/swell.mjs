import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { escapeLetters } from './escape-letters.mjs'
import { latePackages } from './late-packages.mjs'
import { root, shipped } from './options.mjs'

/* `swell` as one file that Node 24 runs with nothing beside it. */

/** Packages written for CommonJS ask for Node's own modules by `require`. */
const banner = [
  "import { createRequire as createRequireOfPart } from 'node:module';",
  'const require = createRequireOfPart(import.meta.url);',
].join('\n')

/**
 * What a command needs is read when the command is run. So the bundle is a text for each part of it, and
 * a start that hands Node the parts it imports: a text costs next to nothing until then, while code is
 * parsed as a whole. Each part is an address of its own, and Node keeps what it compiled.
 */
const start = `
import node from 'node:module';
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write('swell: needs Node 24 or newer, this is ' + process.version + '\\n');
  process.exit(2);
}
node.enableCompileCache();
const addressOf = (name) => import.meta.url + '?' + name;
node.registerHooks({
  resolve(specifier, context, next) {
    const name = specifier.startsWith('./') ? specifier.slice(2) : '';
    if (!Object.hasOwn(parts, name)) return next(specifier, context);
    return { url: addressOf(name), format: 'module', shortCircuit: true };
  },
  load(url, context, next) {
    const name = url.startsWith(addressOf('')) ? url.slice(addressOf('').length) : '';
    if (!Object.hasOwn(parts, name)) return next(url, context);
    return { source: parts[name], format: 'module', shortCircuit: true };
  },
});
await import('./main.js');
`

/**
 * Bundles the CLI; the same sources give the same bytes.
 *
 * @param {string} outfile
 * @returns {Promise<{ bytes: number, digest: string, parts: Record<string, number> }>} sizes of the parts
 */
export async function buildSwell(outfile = join(root, 'dist', 'swell.mjs')) {
  const { outputFiles } = await build({
    ...shipped,
    entryPoints: ['hub/cli/main.ts'],
    outdir: dirname(outfile),
    splitting: true,
    banner: { js: banner },
    plugins: [latePackages],
  })
  const parts = outputFiles
    .map(({ path, text }) => /** @type {const} */ ([basename(path), escapeLetters(text)]))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const texts = parts.map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`)
  const bytes = Buffer.from(
    `#!/usr/bin/env node\nconst parts = {\n${texts.join(',\n')}\n};${start}`,
  )
  await mkdir(dirname(outfile), { recursive: true })
  await writeFile(outfile, bytes, { mode: 0o755 })
  return {
    bytes: bytes.byteLength,
    digest: createHash('sha256').update(bytes).digest('hex'),
    parts: Object.fromEntries(parts.map(([name, text]) => [name, text.length])),
  }
}
