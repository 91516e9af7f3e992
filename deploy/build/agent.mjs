import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/* The agent as one file that Node 24 runs with nothing beside it. */

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Packages written for CommonJS ask for Node's own modules by `require`. */
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as createRequireOfAgent } from 'node:module';",
  'const require = createRequireOfAgent(import.meta.url);',
].join('\n')

/**
 * Of the Kubernetes client only what runs `exec` plugins is used. Its models and calls, 3 MB of them,
 * are left out; what the rest asks of them stays.
 */
const slimKubernetesClient = {
  name: 'slim-kubernetes-client',
  /** @param {import('esbuild').PluginBuild} bundler */
  setup(bundler) {
    bundler.onLoad({ filter: /client-node\/dist\/gen\/index\.js$/ }, () => ({
      contents: [
        "export { createConfiguration } from './configuration.js'",
        "export { ServerConfiguration } from './servers.js'",
      ].join(';'),
    }))
  },
}

/**
 * Of undici the agent uses the pool, and the Kubernetes client two agents; fetch, WebSocket, mocks and caches are left out, and so is what
 * grpc-js reads .proto files with, for services the agent has not got.
 */
const slimTransport = {
  name: 'slim-transport',
  /** @param {import('esbuild').PluginBuild} bundler */
  setup(bundler) {
    bundler.onResolve({ filter: /^(undici|@grpc\/proto-loader)$/ }, ({ path }) => ({
      path,
      namespace: 'slim',
    }))
    bundler.onLoad({ filter: /./, namespace: 'slim' }, ({ path }) => ({
      resolveDir: root,
      contents:
        path === 'undici'
          ? [
              // As its index does.
              "import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'",
              "import api from 'undici/lib/api/index.js'",
              'Object.assign(Dispatcher.prototype, api)',
              "export { default as Pool } from 'undici/lib/dispatcher/pool.js'",
              "export { default as Agent } from 'undici/lib/dispatcher/agent.js'",
              'export const fetch = globalThis.fetch',
              "export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js'",
            ].join(';')
          : 'export {}',
    }))
  },
}

/**
 * Bundles the agent; the same sources give the same bytes.
 *
 * @param {string} outfile
 * @returns {Promise<{ bytes: number, digest: string }>}
 */
export async function buildAgent(outfile = join(root, 'dist', 'agent.mjs')) {
  await build({
    absWorkingDir: root,
    entryPoints: ['agent/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // An uncaught error prints the line it came from.
    lineLimit: 160,
    // Stack traces of a bug report stay readable.
    keepNames: true,
    legalComments: 'none',
    banner: { js: banner },
    plugins: [slimTransport, slimKubernetesClient],
    logLevel: 'warning',
  })
  const bytes = await readFile(outfile)
  return { bytes: bytes.byteLength, digest: createHash('sha256').update(bytes).digest('hex') }
}
