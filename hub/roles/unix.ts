import { chmod, lstat, mkdir, rm, stat } from 'node:fs/promises'
import { type Server, type Socket, createConnection, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { HubError } from '../errors.ts'
import { createFrameReader, encodeFrame } from '../render/frames.ts'

/** One end of a connection between two roles: whole frames, each way. */
export interface Connection {
  send(frame: Uint8Array): void
  /** Bytes sent that the other end has not taken. */
  unsent(): number
  /** Takes nothing more from the other end until `resume`. */
  pause(): void
  resume(): void
  close(): void
}

/** What a connection tells of. */
export interface Receiver {
  /** A throw ends the connection. */
  onFrame(frame: Uint8Array): void
  /** Once, for whatever reason. */
  onClose(cause: unknown): void
}

export interface UnixOptions {
  /** Its owner serves; who may enter it may call. */
  readonly directory: string
  readonly file: string
  /** Largest frame that is taken. */
  readonly frameBytes: number
}

/** A peer that does not read its answers is not read from. */
const unsentBytes = 64 * 1024 * 1024
const connections = 16
/** Of the kernel: longest path of a socket, in bytes. */
const longestPath = 107
const connectMs = 2_000

/**
 * Listens on a Unix socket. Who may connect is who may enter its directory: made with mode 0700, or
 * given with a group that may enter. The socket of a process that is gone is replaced.
 *
 * @throws HubError `config_invalid` when another process listens there, or others could
 */
export async function listenUnix(
  { directory, file, frameBytes }: UnixOptions,
  accept: (connection: Connection) => Receiver,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  const path = join(directory, file)
  const mode = await openDirectory(directory, path)
  await removeStale(path)
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    attach(socket, frameBytes, accept)
  })
  server.maxConnections = connections
  await listen(server, path)
  await chmod(path, mode)
  return {
    path,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** @throws HubError `config_invalid` for a directory that is not safe, else why it cannot be reached */
export async function dialUnix(
  { directory, file, frameBytes }: UnixOptions,
  accept: (connection: Connection) => Receiver,
): Promise<void> {
  const path = join(directory, file)
  checkPath(path)
  await checkDirectory(directory)
  const socket = await connect(path)
  attach(socket, frameBytes, accept)
}

function attach(
  socket: Socket,
  frameBytes: number,
  accept: (connection: Connection) => Receiver,
): void {
  const reader = createFrameReader(frameBytes)
  let cause: unknown
  let held = false
  const flow = (): void => {
    if (held || socket.writableLength > unsentBytes) socket.pause()
    else socket.resume()
  }
  const receiver = accept({
    send(frame) {
      if (socket.writable) socket.write(encodeFrame(frame))
      flow()
    },
    unsent: () => socket.writableLength,
    pause() {
      held = true
      flow()
    },
    resume() {
      held = false
      flow()
    },
    close: () => socket.destroy(),
  })
  socket.on('drain', flow)
  socket.on('error', (error) => (cause ??= error))
  socket.on('close', () => receiver.onClose(cause))
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) receiver.onFrame(frame)
    } catch (error) {
      cause ??= error
      socket.destroy()
    }
  })
}

async function openDirectory(directory: string, path: string): Promise<number> {
  checkPath(path)
  try {
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 })
    await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } catch (cause) {
    throw new HubError('config_invalid', `${directory} cannot be made`, { cause })
  }
  const { mode, uid } = await checkDirectory(directory)
  if (uid !== process.getuid?.()) {
    throw new HubError('config_invalid', `${directory} belongs to another user; chown it`)
  }
  return (mode & 0o070) === 0 ? 0o600 : 0o660
}

/** Who may write to a directory may put a socket of their own there. */
async function checkDirectory(directory: string) {
  const found = await lstat(directory)
  if (!found.isDirectory()) throw new HubError('config_invalid', `${directory}: not a directory`)
  if ((found.mode & 0o027) === 0) return found
  throw new HubError(
    'config_invalid',
    `${directory}: open to others; chmod 700 it, or 750 for a group that may connect`,
  )
}

function checkPath(path: string): void {
  if (Buffer.byteLength(path) <= longestPath) return
  throw new HubError(
    'config_invalid',
    `${path}: longer than ${longestPath} bytes; shorten --sockets`,
  )
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (!found) return
  if (!found.isSocket()) throw new HubError('config_invalid', `${path}: not a socket; remove it`)
  const live = await connect(path).catch(() => undefined)
  if (live) {
    live.destroy()
    throw new HubError('config_invalid', `another process listens on ${path}`)
  }
  // Nobody has put a new one there meanwhile.
  const now = await stat(path).catch(() => undefined)
  if (now?.ino === found.ino) await rm(path, { force: true })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new HubError('config_invalid', `cannot listen on ${path}`, { cause })),
    )
    server.listen(path, resolve)
  })
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path })
    socket.setTimeout(connectMs, () => socket.destroy(new Error('no answer')))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
