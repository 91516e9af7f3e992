/**
 * An import of `http` reads all that it exports, and so loads Node's fetch and WebSocket; one of
 * `child_process` is hoisted, though only some of what is bundled runs anything. A call of `require`
 * does neither.
 *
 * @param {RegExp} costly modules of Node's own that an import statement loads more of than is used
 * @returns {import('esbuild').Plugin}
 */
export function requireLate(costly) {
  return {
    name: 'required-late',
    setup(bundler) {
      bundler.onResolve({ filter: costly }, ({ path, kind }) =>
        kind === 'require-call' ? undefined : { path, namespace: 'required-late' },
      )
      bundler.onLoad({ filter: /./, namespace: 'required-late' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)})`,
      }))
    },
  }
}
