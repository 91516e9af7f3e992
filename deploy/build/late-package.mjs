import { join } from 'node:path'
import { root } from './options.mjs'

/**
 * A package whose module costs milliseconds to run, and of which only some agents need the one class they
 * make an object of: it runs when the first is made.
 *
 * @param {string} name of the package
 * @param {string} exported the class
 * @returns {import('esbuild').Plugin}
 */
export function constructLate(name, exported) {
  return {
    name: `late-${name}`,
    setup(bundler) {
      bundler.onResolve({ filter: new RegExp(`^${name}$`) }, ({ path, kind }) =>
        kind === 'require-call' ? undefined : { path, namespace: 'late-package' },
      )
      bundler.onLoad({ filter: /./, namespace: 'late-package' }, ({ path }) => ({
        contents: `export function ${exported}(...words) { return new (require(${JSON.stringify(path)}).${exported})(...words) }`,
        resolveDir: join(root, 'proto'),
      }))
    },
  }
}
