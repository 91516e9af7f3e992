import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'

/** Where figures were measured; nothing in it names the machine. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly node: string
  /** Whether hub and load were kept on a core each. */
  readonly pinned: boolean
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    pinned: canPin(),
  }
}

/** Two cores and `taskset` are what keeping hub and load apart needs. */
export function canPin(): boolean {
  if (availableParallelism() < 2) return false
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Keeps a process, its threads and its present children on one core; those they start follow. */
export function pinProcess(pid: number, core: number): void {
  for (const one of [pid, ...childrenOf(pid)]) {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(one)], {
      stdio: 'ignore',
    })
  }
}

/** CPU time a process has used, user and system, in microseconds; steps of 10 ms (proc(5)). */
export function readCpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name, which may hold anything but ends at the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  return (user + system) * 10_000
}

/** Resident memory in kilobytes, as the kernel counts it when asked, not as it last estimated it. */
export function readRssKb(pid: number): number {
  return readRollup(pid, 'Rss')
}

/**
 * The part of it that the process wrote. The rest is of its program's files: a kernel drops and reads
 * those pages as it likes, while nothing happens, and shares them between processes.
 */
export function readAnonymousKb(pid: number): number {
  return readRollup(pid, 'Anonymous')
}

function readRollup(pid: number, name: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? Number.NaN)
}

/** Processes a process has started and not yet waited for. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  )
}
