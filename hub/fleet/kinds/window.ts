import { parseDuration } from '@groundswell/proto/duration.ts'
import { type Static, Type } from 'typebox'
import { closed, DurationText } from './fields.ts'
import type { Path, Report } from './names.ts'
import { isTimeZone, whyBadSchedule } from './schedule.ts'

/** The longest a window may be open, in milliseconds. */
const longest = 366 * 24 * 3_600_000

/** When something may (`allow`) or may not (`deny`) begin: from each time its schedule names, for a duration. */
export const windowFields = {
  kind: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
  /** Five cron fields: when it opens. */
  schedule: Type.String(),
  duration: DurationText,
  /** Of the IANA database; UTC when left out. */
  timeZone: Type.Optional(Type.String()),
  /** Globs of names of applications; all when left out. */
  applications: Type.Optional(
    Type.Array(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'text; * stands for anything but a slash, ** for anything',
      }),
    ),
  ),
  reason: Type.Optional(Type.String({ maxLength: 500 })),
}

/** A window of one cluster, or of the clusters of a group. */
export const Window = Type.Object(windowFields, closed)
export type Window = Static<typeof Window>

export function checkWindow(window: Window, path: Path, report: Report): void {
  const timeZone = window.timeZone ?? 'UTC'
  const known = isTimeZone(timeZone)
  if (!known) {
    report([...path, 'timeZone'], `"${timeZone}" is not a time zone such as Europe/Berlin`)
  }
  const wrong = whyBadSchedule(window.schedule, known ? timeZone : 'UTC')
  if (wrong) report([...path, 'schedule'], wrong)
  const length = parseDuration(window.duration)
  if (length < 60_000 || length > longest) {
    report([...path, 'duration'], `"${window.duration}" is not from 1m to 8784h`)
  }
}
