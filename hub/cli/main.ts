import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliFailure } from './failure.ts'
import { fetchAnswer } from './http.ts'
import { runProgram } from './program.ts'

/* Wires the command line to the process. */

/** Bytes of a file that is read as a whole; an exported ledger is the largest of use. */
const largestFile = 256 * 1024 * 1024

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())

// A reader that has seen enough (`swell get clusters | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`swell: cannot write its output: ${error.message}\n`)
  process.exit(2)
})

const exitCode = await runProgram(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  say: (text) => void process.stderr.write(text),
  color: process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
  env: process.env,
  readFile: async (path) => {
    try {
      const { size } = await stat(path)
      if (size > largestFile)
        throw new Error(`it has ${size} bytes, and ${largestFile} are allowed`)
      return await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new CliFailure(2, `cannot read ${path}: ${(error as Error).message}`, { cause: error })
    }
  },
  writeFile: async (path, text, mode) => {
    await writeFile(path, text, { mode, flag: 'wx', flush: true }).catch((cause: Error) => {
      throw new CliFailure(2, `cannot write ${path}: ${cause.message}`, { cause })
    })
  },
  replaceFile: async (path, text) => {
    const next = `${path}.${process.pid}`
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeFile(next, text, { mode: 0o600, flush: true })
      await rename(next, path)
    } catch (error) {
      throw new CliFailure(2, `cannot write ${path}: ${(error as Error).message}`, { cause: error })
    }
  },
  removeFile: (path) => rm(path, { force: true }),
  openProvider: async (issuer, clientId) => {
    const { openProvider } = await import('./oidc.ts')
    return openProvider(issuer, clientId)
  },
  ...(process.stdin.isTTY && { ask }),
  fetch: fetchAnswer,
  openCheckout: async (options, signal) => {
    const { openCheckout } = await import('../wiring/checkout.ts')
    return openCheckout(options, signal)
  },
  openForge: async (project, token) => {
    const { openForge } = await import('../forge/http.ts')
    return openForge(project, { token: async () => token, wait, now: Date.now })
  },
  migration: {
    read: async (directory) => (await import('../migrate/fs.ts')).readForeignFiles(directory),
    write: async (directory, files) => {
      await (await import('../migrate/fs.ts')).writeFleetFiles(directory, files)
    },
  },
  now: Date.now,
  wait,
  signal: interrupted.signal,
})

async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined)
}

async function ask(question: string): Promise<string | undefined> {
  process.stderr.write(question)
  for await (const line of process.stdin) return String(line)
  return undefined
}

// As shells report a process that Ctrl-C ended.
process.exitCode = interrupted.signal.aborted ? 130 : exitCode
