import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Marks what this plugin asks itself. */
const asked = Symbol('late-packages')

/**
 * Refuses `import('package')` of one written for CommonJS: in a bundle with parts it gives `default` alone,
 * so that all names of it are undefined, and only where the bundle is run.
 *
 * @type {import('esbuild').Plugin}
 */
export const latePackages = {
  name: 'late-packages',
  setup(bundler) {
    bundler.onResolve({ filter: /^[@\w]/ }, async ({ path, kind, pluginData, ...from }) => {
      if (
        kind !== 'dynamic-import' ||
        pluginData === asked ||
        from.importer.includes('node_modules')
      ) {
        return undefined
      }
      const found = await bundler.resolve(path, { ...from, kind, pluginData: asked })
      if (found.errors.length > 0 || found.external || (await isModule(found.path)))
        return undefined
      const text = `${path} is a package of CommonJS: import a file of ours late that exports what is used of it`
      return { errors: [{ text }] }
    })
  },
}

/** @param {string} path */
async function isModule(path) {
  if (path.endsWith('.mjs')) return true
  if (path.endsWith('.cjs')) return false
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const text = await readFile(join(at, 'package.json'), 'utf8').catch(() => undefined)
    if (text !== undefined) return JSON.parse(text).type === 'module'
  }
  return false
}
