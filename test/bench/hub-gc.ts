import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'

const preload = fileURLToPath(new URL('hub-gc.mjs', import.meta.url))

/** The environment of a hub whose garbage can be collected by whoever knows the socket. */
export function collectableBy(socket: string): Record<string, string> {
  const options = [process.env['NODE_OPTIONS'], `--import=${preload}`].filter(Boolean)
  return { NODE_OPTIONS: options.join(' '), BENCH_GC_SOCKET: socket }
}

/** Returns when the hub has collected its garbage, or given back the pages it was in as well. */
export async function collectGarbage(
  socket: string,
  what: 'garbage' | 'pages' = 'garbage',
): Promise<void> {
  const connection = connect(socket)
  connection.write(what)
  connection.resume()
  await once(connection, 'close')
}
