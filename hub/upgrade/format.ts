import { HubError } from '../errors.ts'

/* What a hub keeps has a form, and the form a number: 1 is what was written before there were numbers. A hub
   leads older data through every form there was since, and leaves newer data alone. */

/** From one form to the next. Done twice, or again after it was cut off anywhere, it comes to the same. */
export interface UpgradeStep {
  /** The form that data has once it is done; one more than before. */
  readonly to: number
  /** What it does, for the log. */
  readonly what: string
  /** Gives how many things it changed. */
  run(): Promise<number>
}

/** Where the number stands, in one of the places where a hub keeps things. */
export interface FormatMark {
  /** Of the place, for people. */
  readonly place: string
  /** What to do with one that is newer than the hub, if not to start the newer hub. */
  readonly remedy: string
  /** 1 where there is none. */
  read(): Promise<number>
  /** Writes `next` unless the number is no longer what was read last. */
  record(next: number): Promise<void>
}

const oldestFormat = 1

/** The form that data has after all steps. */
export function newestFormat(steps: readonly UpgradeStep[]): number {
  return steps.at(-1)?.to ?? oldestFormat
}

/**
 * Steps that data of a form still needs, in their order.
 *
 * @throws HubError `data_newer` for a form that none of the steps leads to
 */
export function listSteps(
  found: number,
  steps: readonly UpgradeStep[],
  { place, remedy }: Pick<FormatMark, 'place' | 'remedy'>,
): readonly UpgradeStep[] {
  const newest = newestFormat(steps)
  if (found > newest) {
    throw new HubError(
      'data_newer',
      `${place} is of a newer hub: its data has form ${found}, and this hub knows up to ${newest}. Nothing was changed. Start the newer hub, or ${remedy}`,
    )
  }
  return steps.filter(({ to }) => to > found)
}

/** @throws HubError `data_newer`; nothing is changed by asking */
export async function refuseNewer(mark: FormatMark, steps: readonly UpgradeStep[]): Promise<void> {
  listSteps(await mark.read(), steps, mark)
}

/**
 * Leads data to the newest form, a step at a time; each is written down when it is done, so that a hub
 * which was killed goes on where it was.
 *
 * @throws HubError `data_newer`, and whatever a step throws
 */
export async function upgrade(
  mark: FormatMark,
  steps: readonly UpgradeStep[],
  log: (message: string) => void,
): Promise<void> {
  for (const step of listSteps(await mark.read(), steps, mark)) {
    const changed = await step.run()
    await mark.record(step.to)
    if (changed > 0) log(`${mark.place}, form ${step.to}: ${step.what} (${changed})`)
  }
}
