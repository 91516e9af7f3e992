import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { HubError } from '../errors.ts'

/** What Git knows of an object without reading it. */
export interface ObjectInfo {
  readonly oid: string
  readonly type: string
  readonly size: number
}

/** Reads objects of one repository through one Git process that stays, started when first needed. */
export interface ObjectReader {
  /** By object name (`<oid>`, `<commit>:<path>`), in order; undefined where there is none. */
  inspect(names: readonly string[]): Promise<(ObjectInfo | undefined)[]>
  /** By object id, in order; undefined where there is none. At most `limit` bytes together. */
  read(oids: readonly string[], limit: number): Promise<(Buffer | undefined)[]>
  close(): void
}

const batchSize = 256
const batchTimeout = 30_000

/**
 * It is given no remote: an object that is not here is missing, never fetched behind our back.
 */
export function createObjectReader(
  directory: string,
  environment: Readonly<Record<string, string>>,
): ObjectReader {
  let child: ChildProcessWithoutNullStreams | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let closed = false

  async function ask<T>(commands: readonly string[], each: (stream: Answers) => Promise<T>) {
    if (closed) throw new HubError('internal', 'the mirror is closed')
    child ??= start()
    const current = child
    const answers = createAnswers(current)
    const timer = setTimeout(() => current.kill('SIGKILL'), batchTimeout)
    try {
      const results: T[] = []
      for (let from = 0; from < commands.length; from += batchSize) {
        const batch = commands.slice(from, from + batchSize)
        current.stdin.write(`${batch.join('\n')}\n`)
        for (let index = 0; index < batch.length; index += 1) results.push(await each(answers))
        timer.refresh()
      }
      return results
    } catch (error) {
      current.kill('SIGKILL')
      child = undefined
      throw error
    } finally {
      clearTimeout(timer)
      answers.release()
    }
  }

  function start(): ChildProcessWithoutNullStreams {
    const started = spawn('git', ['cat-file', '--batch-command'], {
      cwd: directory,
      env: environment,
      stdio: 'pipe',
    })
    const forget = () => {
      if (child === started) child = undefined
    }
    // A broken pipe is told by the end of stdout; without listeners it would end the hub.
    started.stdin.on('error', forget)
    started.on('error', forget)
    started.on('exit', forget)
    started.stderr.resume()
    return started
  }

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  return {
    inspect: (names) =>
      inTurn(() =>
        ask(
          names.map((name) => `info ${checked(name)}`),
          async (answers) => parseHeader(await answers.line()),
        ),
      ),
    read: (oids, limit) => {
      let left = limit
      return inTurn(() =>
        ask(
          oids.map((oid) => `contents ${checked(oid)}`),
          async (answers) => {
            const header = parseHeader(await answers.line())
            if (!header) return undefined
            left -= header.size
            if (left < 0) {
              throw new HubError('source_refused', `more than ${limit} bytes in one tree`)
            }
            const bytes = await answers.bytes(header.size)
            await answers.bytes(1)
            return bytes
          },
        ),
      )
    },
    close() {
      closed = true
      child?.kill('SIGKILL')
      child = undefined
    },
  }
}

/** A name that cannot end its line, or the command would be the author's of the repository. */
function checked(name: string): string {
  if (/[\p{Cc}]/u.test(name)) throw new HubError('source_refused', 'a control character in a path')
  return name
}

function parseHeader(line: string): ObjectInfo | undefined {
  const match = /^([0-9a-f]{40}) (\w+) (\d+)$/.exec(line)
  return match ? { oid: match[1]!, type: match[2]!, size: Number(match[3]) } : undefined
}

/** The bytes a process writes, taken by line and by count. */
interface Answers {
  line(): Promise<string>
  bytes(count: number): Promise<Buffer>
  release(): void
}

function createAnswers(child: ChildProcessWithoutNullStreams): Answers {
  let chunks: Buffer[] = []
  let held = 0
  let ended = child.exitCode !== null || child.signalCode !== null
  let wake: () => void = () => undefined
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    held += chunk.length
    wake()
  }
  const onEnd = () => {
    ended = true
    wake()
  }
  child.stdout.on('data', onData)
  child.stdout.on('close', onEnd)
  child.on('error', onEnd)

  async function more(): Promise<void> {
    if (ended) throw new HubError('internal', 'git cat-file ended; the mirror may be damaged')
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }

  function take(count: number): Buffer {
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    chunks = count < all.length ? [all.subarray(count)] : []
    held = all.length - count
    return all.subarray(0, count)
  }

  return {
    async line() {
      for (;;) {
        const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
        const end = all.indexOf(10)
        if (end >= 0) {
          chunks = [all]
          return take(end + 1)
            .subarray(0, end)
            .toString()
        }
        await more()
      }
    },
    async bytes(count) {
      for (;;) {
        if (held >= count) return take(count)
        await more()
      }
    },
    release() {
      child.stdout.off('data', onData)
      child.stdout.off('close', onEnd)
      child.off('error', onEnd)
    },
  }
}
