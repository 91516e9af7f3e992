import { rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { AgentError } from '../errors.ts'

const fileName = 'status.sock'
const answerMs = 5_000
const answerBytes = 16 * 1024 * 1024
const connections = 4
/** Of the kernel: longest path of a socket, in bytes. */
const longestPath = 107

/**
 * Answers whoever connects to the socket in the data directory with one text. The directory is the
 * agent's own (0700), so who may read it may ask.
 *
 * @throws AgentError `config_invalid` when the path is too long for a socket
 */
export async function serveStatus(
  directory: string,
  text: () => string,
): Promise<{ close(): Promise<void> }> {
  const path = socketPath(directory)
  // Ours alone: the directory is locked.
  await rm(path, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.setTimeout(answerMs, () => socket.destroy())
    socket.end(text())
  })
  server.maxConnections = connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/**
 * What the agent of a data directory says of itself.
 *
 * @throws AgentError `config_invalid` when no agent runs there
 */
export function askStatus(directory: string): Promise<string> {
  const path = socketPath(directory)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const socket = createConnection(path)
    const fail = (cause?: Error): void => {
      socket.destroy()
      const message = `no agent answers at ${path}; give the --data of the one that runs`
      reject(new AgentError('config_invalid', message, { cause }))
    }
    socket.setTimeout(answerMs, () => fail())
    socket.on('error', fail)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > answerBytes) fail()
    })
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
  })
}

function socketPath(directory: string): string {
  const path = join(directory, fileName)
  if (Buffer.byteLength(path) <= longestPath) return path
  throw new AgentError('config_invalid', `${path} is too long for a socket; take a shorter --data`)
}
