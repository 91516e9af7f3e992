import { buildAgent } from './agent.mjs'
import { buildHub } from './hub.mjs'
import { buildSwell } from './swell.mjs'

/* `npm run build [agent|swell|hub ...]`: what is shipped, into dist/; all of it when nothing is named. */

const builds = new Map(
  Object.entries({
    agent: { file: 'agent.mjs', build: buildAgent },
    swell: { file: 'swell.mjs', build: buildSwell },
    hub: { file: 'hub/', build: buildHub },
  }),
)

const named = process.argv.slice(2)
const unknown = named.filter((name) => !builds.has(name))
if (unknown.length > 0) {
  process.stderr.write(
    `build: no ${unknown.join(', ')}; there is ${[...builds.keys()].join(', ')}\n`,
  )
  process.exit(2)
}
for (const [name, { file, build }] of builds) {
  if (named.length > 0 && !named.includes(name)) continue
  const { bytes, digest } = await build()
  process.stdout.write(`dist/${file}  ${Math.ceil(bytes / 1024)} KiB  sha256:${digest}\n`)
}
