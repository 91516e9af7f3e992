import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { escapeLetters } from './escape-letters.mjs'
import { constructLate } from './late-package.mjs'
import { root, shipped } from './options.mjs'
import { requireLate } from './required-late.mjs'

/* The agent as one file that Node 24 runs with nothing beside it. */

/**
 * Packages written for CommonJS ask for Node's own modules by `require`.
 *
 * The second is what protobuf-es asks the platform for and Node 24 has not got. Without it a loop over the
 * descriptors gets hot as the agent starts, and V8's last compiler comes into memory for it: 5 MB. What is not
 * as long as it says is left to the loop, which judges it.
 */
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as createRequireOfAgent } from 'node:module';",
  'const require = createRequireOfAgent(import.meta.url);',
  'function setFromBase64OfAgent(text) {',
  "  const bytes = Buffer.from(text, 'base64');",
  '  if (bytes.byteLength !== this.byteLength) return { read: 0, written: 0 };',
  '  this.set(bytes);',
  '  return { read: text.length, written: bytes.byteLength };',
  '}',
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
 * What is asked for by code that the agent never runs: the Kubernetes client's fetch, and what grpc-js
 * reads .proto files with, for services the agent has not got.
 */
const unused = {
  name: 'unused',
  /** @param {import('esbuild').PluginBuild} bundler */
  setup(bundler) {
    bundler.onResolve({ filter: /^(undici|@grpc\/proto-loader)$/ }, ({ path }) => ({
      path,
      namespace: 'unused',
    }))
    bundler.onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents:
        path === 'undici'
          ? 'export const fetch = undefined, Agent = undefined, ProxyAgent = undefined'
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
  const { outputFiles } = await build({
    ...shipped,
    entryPoints: ['agent/main.ts'],
    outfile,
    // Of those who encrypt for OpenPGP keys only, and under a licence that a bundle would have to follow.
    external: ['openpgp'],
    banner: { js: banner },
    define: { 'Uint8Array.prototype.setFromBase64': 'setFromBase64OfAgent' },
    plugins: [
      unused,
      requireLate(/^(node:)?(http|child_process)$/),
      constructLate('@marcbachmann/cel-js', 'Environment'),
      slimKubernetesClient,
    ],
  })
  const bytes = Buffer.from(escapeLetters(outputFiles[0]?.text ?? ''))
  await mkdir(dirname(outfile), { recursive: true })
  await writeFile(outfile, bytes)
  return { bytes: bytes.byteLength, digest: createHash('sha256').update(bytes).digest('hex') }
}
