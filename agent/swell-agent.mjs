#!/usr/bin/env node
// The sources are TypeScript, which Node runs by itself from version 24 on.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import('./main.ts')
} else {
  process.stderr.write(
    `swell-agent: needs Node 24 or newer, this is ${process.version}; \`npm run agent\` in the project brings it\n`,
  )
  process.exitCode = 2
}
