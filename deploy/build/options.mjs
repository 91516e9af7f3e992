import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/**
 * How everything that is shipped is bundled: for Node 24, the same bytes each time. Names stay: a stack trace
 * of a bug report can be read, and to keep them otherwise costs a call each.
 *
 * @satisfies {import('esbuild').BuildOptions}
 */
export const shipped = /** @type {const} */ ({
  absWorkingDir: root,
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  // An uncaught error prints the line it came from.
  lineLimit: 160,
  legalComments: 'none',
  logLevel: 'warning',
})
