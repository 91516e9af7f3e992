/**
 * Milliseconds of the processor since now. What must not take long is held against these: a clock on
 * the wall also counts whatever else the machine is busy with.
 */
export function startSpending(): () => number {
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }
}
