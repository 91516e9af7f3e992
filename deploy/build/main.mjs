import { buildAgent } from './agent.mjs'
import { buildSwell } from './swell.mjs'

/* `npm run build`: what is shipped, into dist/. */

for (const [file, build] of Object.entries({ 'agent.mjs': buildAgent, 'swell.mjs': buildSwell })) {
  const { bytes, digest } = await build()
  process.stdout.write(`dist/${file}  ${Math.ceil(bytes / 1024)} KiB  sha256:${digest}\n`)
}
