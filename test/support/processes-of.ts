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

/** Processes of a program that another has started itself, by id (Linux). */
export async function listChildren(parent: number, program: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      if (!words.includes(program)) return undefined
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // The name in parentheses may hold anything.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    }),
  )
  return pids.filter((_, at) => parents[at] === parent).map(Number)
}
