import { buildAgent } from './agent.mjs'

/* `npm run build`: what is shipped, into dist/. */

const { bytes, digest } = await buildAgent()
process.stdout.write(`dist/agent.mjs  ${Math.ceil(bytes / 1024)} KiB  sha256:${digest}\n`)
