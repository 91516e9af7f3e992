import { isMainThread } from 'node:worker_threads'

/* Loaded before each test file (`--import`): one that leaves something at work would never end, and the
   runner waits for it without a word. `--test-timeout` ends tests; this ends the file. */

/** The variable that says for how many milliseconds a file may run. */
export const fileDeadline = 'GROUNDSWELL_TEST_FILE_MS'

const limitMs = Number(process.env[fileDeadline])

// The runner itself and threads are given the same arguments; they have no file to end.
if (isMainThread && process.env['NODE_TEST_CONTEXT'] !== undefined && limitMs > 0) {
  setTimeout(() => {
    const left = [...new Set(process.getActiveResourcesInfo())].join(', ')
    process.stderr.write(
      `${process.argv[1]} did not end within ${limitMs / 1000} s; still at work: ${left}\n`,
    )
    process.exit(1)
  }, limitMs).unref()
}
