import { spawn } from 'node:child_process'
import { type FileHandle, open } from 'node:fs/promises'
import { type Program, RunFailure, type RunFailureCode, type RunProgram } from './run.ts'

/** Milliseconds in which Git takes its lock files with it. */
const graceMs = 2_000
const lastWords = 500

/** Runs a program as a child of this very process. */
export const runProgram: RunProgram = async (program, args, options) => {
  const { input } = options
  if (input === undefined || typeof input === 'string' || input.bytes === 0) {
    return attend(program, args, options, (stdin) =>
      stdin.end(typeof input === 'string' ? input : ''),
    )
  }
  await using file = await open(input.path).catch((cause: unknown) => {
    throw new RunFailure('not_started', `what ${program} is to read cannot be opened`, { cause })
  })
  return await attend(program, args, options, (stdin, fail) => {
    const bytes = read(file, input.bytes)
    bytes.once('error', fail)
    bytes.pipe(stdin)
  })
}

function read(file: FileHandle, bytes: number): NodeJS.ReadableStream {
  return file.createReadStream({ start: 0, end: bytes - 1, autoClose: false })
}

async function attend(
  program: Program,
  args: readonly string[],
  { cwd, env, input, signal, maxBytes }: Parameters<RunProgram>[2],
  feed: (stdin: NodeJS.WritableStream, fail: (cause: unknown) => void) => void,
): ReturnType<RunProgram> {
  const done = Promise.withResolvers<Awaited<ReturnType<RunProgram>>>()
  if (signal.aborted) throw new RunFailure('stopped', `${program} was not started any more`)
  const child = start(program, args, { cwd, env, reads: input !== undefined })
  const { stdin } = child
  const [stdout, stderr] = [child.stdout!, child.stderr!]
  let failure: RunFailure | undefined
  let insist: NodeJS.Timeout | undefined

  function stop(code: RunFailureCode, message: string, cause?: unknown): void {
    failure ??= new RunFailure(code, message, { cause })
    // What it started may hold its output open after its own end.
    if (child.exitCode !== null || child.signalCode !== null) return letGo()
    child.kill('SIGTERM')
    insist ??= setTimeout(() => child.kill('SIGKILL'), graceMs)
  }
  function letGo(): void {
    stdout.destroy()
    stderr.destroy()
  }
  function gather(stream: NodeJS.ReadableStream): () => string {
    const chunks: Buffer[] = []
    let bytes = 0
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= maxBytes) chunks.push(chunk)
      else stop('too_much', `${program} printed more than ${maxBytes} bytes`)
    })
    return () => Buffer.concat(chunks).toString()
  }

  const printed = { stdout: gather(stdout), stderr: gather(stderr) }
  const onAbort = () => stop('stopped', `${program} was stopped`)
  signal.addEventListener('abort', onAbort)
  child.on('error', (cause: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return
    const words = `${program} could not be started (${cause.code})`
    done.reject(new RunFailure('not_started', words, { cause }))
  })
  child.once('exit', () => {
    clearTimeout(insist)
    if (failure) letGo()
  })
  child.once('close', (exitCode, by) => {
    const said = { stdout: printed.stdout(), stderr: printed.stderr() }
    if (failure) return done.reject(failure)
    if (exitCode === 0) return done.resolve(said)
    const words = `${program} was ended by ${by}`
    done.reject(
      exitCode === null
        ? new RunFailure('stopped', words, said)
        : new RunFailure('failed', describeExit(program, exitCode, said.stderr), {
            ...said,
            exitCode,
          }),
    )
  })
  if (stdin) {
    // Its end says what is wrong, not that it read no more.
    stdin.on('error', () => {})
    feed(stdin, (cause) => stop('not_started', `what ${program} is to read cannot be read`, cause))
  }
  try {
    return await done.promise
  } finally {
    clearTimeout(insist)
    signal.removeEventListener('abort', onAbort)
  }
}

function describeExit(program: Program, exitCode: number, stderr: string): string {
  const words = stderr.trim().slice(-lastWords)
  return words ? `${program} exit ${exitCode}: ${words}` : `${program} exit ${exitCode}`
}

function start(
  program: Program,
  args: readonly string[],
  { cwd, env, reads }: { readonly cwd: string; readonly env: object; readonly reads: boolean },
) {
  try {
    const stdio = [reads ? 'pipe' : 'ignore', 'pipe', 'pipe'] as const
    return spawn(program, args, { cwd, env: { ...env }, stdio: [...stdio] })
  } catch (cause) {
    // Node's words would quote what it does not take, which may be a secret.
    throw new RunFailure('not_started', `${program} could not be started`, {
      cause: (cause as NodeJS.ErrnoException).code,
    })
  }
}
