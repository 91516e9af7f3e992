import { readFile, readdir } from 'node:fs/promises'
import { until } from './until.ts'

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

/**
 * SIGSTOP, and until it has worked (Linux): the thread that takes the signal stops the others, and while that one
 * waits for a core they go on, and answer.
 */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const isStopped = async (thread: string): Promise<boolean> => {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
  }
  await until(
    async () =>
      (await Promise.all((await readdir(`/proc/${pid}/task`)).map(isStopped))).every(Boolean),
    { deadlineMs: 10_000, intervalMs: 5, what: `process ${pid} to stand still` },
  )
}
