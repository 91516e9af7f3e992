import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCommand, runCommand, withAdvice } from './command.mjs'
import { SetupError } from './say.mjs'

/**
 * Builds Go programs of one module, reproducible, and static but for those with `cTags`.
 * @param {string} module directory with go.mod
 * @param {string} output a file, or a directory (with a slash at the end) for several programs
 * @param {readonly string[]} targets packages, or `tool` for all the module's tools
 * @param {string} [ldflags] added to `-s -w`
 * @param {string} [cTags] build tags that bring C code in: a C compiler is needed then
 */
export async function buildGo(module, output, targets, ldflags = '', cTags = '') {
  assertGo(module)
  await withAdvice(
    'Go says why above. Where it could not fetch something, it needs the network, or your proxy: HTTPS_PROXY, or a GOPROXY of your own. Where it was killed, memory ran out. What was built so far is kept: run the command again.',
    () =>
      runCommand(
        'go',
        [
          ...['build', '-trimpath', '-buildvcs=false', '-tags', cTags],
          ...['-ldflags', `-s -w ${ldflags}`, '-o', output, ...targets],
        ],
        { cwd: module, env: { ...process.env, CGO_ENABLED: cTags ? '1' : '0' } },
      ),
  )
}

/**
 * @param {string} module
 * @throws {SetupError} when there is no Go, or one too old that may not fetch a newer one by itself
 */
function assertGo(module) {
  const needed = /^go (\S+)/m.exec(readFileSync(join(module, 'go.mod'), 'utf8'))?.[1] ?? '1.25.0'
  const [version, toolchain] = (readCommand('go', ['env', 'GOVERSION', 'GOTOOLCHAIN']) ?? '').split(
    '\n',
  )
  if (!version) {
    throw new SetupError(
      `Go ${needed} or newer is needed to build this, and there is no \`go\` on PATH. Install it from https://go.dev/dl/ (distribution packages are often too old).`,
    )
  }
  // From 1.21 on, Go fetches the release a module asks for, unless told to stay local.
  const fetchesItself = isAtLeast(version, '1.21.0') && toolchain !== 'local'
  if (!isAtLeast(version, needed) && !fetchesItself) {
    throw new SetupError(
      `Go is ${version.replace('go', '')}; ${needed} or newer is needed (https://go.dev/dl/)`,
    )
  }
}

/**
 * @param {string} version `go1.26.8` or `1.26.8`
 * @param {string} needed
 */
export function isAtLeast(version, needed) {
  const [have, want] = [version, needed].map((text) =>
    text
      .replace('go', '')
      .split('.')
      .map((part) => Number.parseInt(part, 10)),
  )
  for (let index = 0; index < 3; index++) {
    const difference = (have?.[index] ?? 0) - (want?.[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
