import type { SupportView } from '../api/support-view.ts'
import type { LogTail } from '../log-tail.ts'

/** What a process says of itself when somebody helps. */
export interface About {
  readonly version: string
  /** Digest of the code that runs; undefined where it runs from its sources. */
  readonly build?: string | undefined
  /** Every setting and where it came from, passwords hidden. */
  readonly settings: Readonly<Record<string, string>>
  readonly log: LogTail
}

/** The hub's own part of a support bundle, as of now. */
export async function describeProcess(
  { version, settings, log }: About,
  metrics: () => Promise<string>,
  clock: () => number,
): Promise<SupportView> {
  const { rss, heapUsed } = process.memoryUsage()
  return {
    at: new Date(clock()).toISOString(),
    version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    uptimeSeconds: Math.round(process.uptime()),
    memoryBytes: { resident: rss, heap: heapUsed },
    settings: { ...settings },
    log: [...log.lines()],
    metrics: await metrics(),
  }
}
