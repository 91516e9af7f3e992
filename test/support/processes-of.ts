import { readFile, readdir } from 'node:fs/promises'

/** Command lines of the processes that name something, such as a directory of their own (Linux). */
export async function listProcessesOf(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map(async (pid) => {
      // It may have ended since.
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return words.replaceAll('\0', ' ').trim()
    }),
  )
  return lines.filter((line) => line.includes(text))
}
