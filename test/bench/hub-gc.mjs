import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/* Loaded into a hub before its own program: whoever sends a word to the socket has its garbage
   collected, and is hung up on when that is done. It changes nothing else of the hub. `pages` has V8
   give back the pages as well that it keeps for new objects of the next burst. */

const path = process.env.BENCH_GC_SOCKET
if (path && isMainThread) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  rmSync(path, { force: true })
  createServer((socket) => {
    socket.once('data', (word) => {
      // The second time takes what the first one's finalizers let go of.
      collect()
      collect()
      if (word.toString() === 'pages') collect({ type: 'major', flavor: 'last-resort' })
      socket.end()
    })
  })
    .listen(path)
    .unref()
}
