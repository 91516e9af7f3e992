import { HubError } from '../errors.ts'

/** A provider that says when it will take letters again. */
export class NotNow extends HubError {
  /** Milliseconds before which it is not to be tried again. */
  readonly pause: number
  constructor(message: string, pause: number, cause: unknown) {
    super('notification_failed', message, { cause })
    this.pause = pause
  }
}
