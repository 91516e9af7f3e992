import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/* Loaded into a hub before its own program: whoever connects to the socket has its garbage
   collected, and is hung up on when that is done. It changes nothing else of the hub. */

const path = process.env.BENCH_GC_SOCKET
if (path && isMainThread) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  rmSync(path, { force: true })
  createServer((socket) => {
    // The second time takes what the first one's finalizers let go of.
    collect()
    collect()
    socket.end()
  })
    .listen(path)
    .unref()
}
