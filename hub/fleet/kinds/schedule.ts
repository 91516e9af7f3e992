import { CronExpressionParser } from 'cron-parser'

/**
 * Why a text is no schedule of five cron fields in that time zone, or undefined.
 *
 * @param timeZone of the IANA database, such as `Europe/Berlin`
 */
export function whyBadSchedule(schedule: string, timeZone: string): string | undefined {
  if (schedule.trim().split(/\s+/).length !== 5) {
    return `"${schedule}" is not five cron fields (minute hour day month weekday), such as "0 9 * * 1-5"`
  }
  // cron-parser draws a time for it, another one whenever it is asked.
  if (/(?<![a-z])h(?![a-z])/i.test(schedule)) {
    return `"${schedule}" has an H, which stands for any time; say which`
  }
  try {
    // The date only has to be one: nothing is asked of it.
    CronExpressionParser.parse(schedule, { currentDate: new Date(0), tz: timeZone })
    return undefined
  } catch (error) {
    return `"${schedule}" is not a cron schedule: ${(error as Error).message}`
  }
}

export function isTimeZone(name: string): boolean {
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone: name })
    // Offsets such as +01:00 know no summer time, so they are hardly meant.
    return /^[A-Za-z]/.test(format.resolvedOptions().timeZone)
  } catch {
    return false
  }
}
