/** Everything the hub can say is wrong; closed, so that every surface can explain each. */
export const hubErrorCodes = [
  'config_invalid',
  'fleet_invalid',
  'source_unreachable',
  'source_refused',
  'revision_not_found',
  'render_failed',
  'render_timeout',
  'engine_unavailable',
  'policy_denied',
  'policy_failed',
  'plan_invalid',
  'not_found',
  'not_ready',
  'conflict',
  'invalid',
  'unauthenticated',
  'forbidden',
  'token_refused',
  'busy',
  'identity_refused',
  'identity_barred',
  'redis_refused',
  'redis_unavailable',
  'ledger_corrupt',
  'ledger_newer',
  'data_newer',
  'ledger_unwritable',
  'ledger_diverged',
  'no_leader',
  'content_missing',
  'sign_unattested',
  'sign_forbidden',
  'sign_removal',
  'sign_identity',
  'sign_sequence',
  'root_refused',
  'root_behind',
  'approval_refused',
  'signer_unavailable',
  'renderer_unavailable',
  'forge_unreachable',
  'gate_unreachable',
  'forge_refused',
  'notification_failed',
  'issuer_unavailable',
  'internal',
] as const

export type HubErrorCode = (typeof hubErrorCodes)[number]

/** Where a fault is and what it is, in words for the person who can mend it. */
export interface Fault {
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** Kind and name of the configuration object: `Application shop`. */
  readonly object?: string
  readonly cluster?: string
  readonly message: string
}

/** The only error type that crosses folders in the hub. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: HubErrorCode
  /** Every fault found, not just the first. */
  readonly faults: readonly Fault[]
  constructor(
    code: HubErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly faults?: readonly Fault[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.faults = options.faults ?? []
  }
}

/** One line a fault: `apps/shop.yaml:12:3: Application shop: unknown field "pruen"`. */
export function formatFault(fault: Fault): string {
  const place = [fault.file, fault.line, fault.column]
    .filter((part) => part !== undefined)
    .join(':')
  return [place, fault.object, fault.cluster && `cluster ${fault.cluster}`, fault.message]
    .filter(Boolean)
    .join(': ')
}

/** What an error has to say of a configuration object, `Application shop`. */
export function faultsAbout(error: unknown, object: string): Fault[] {
  if (!(error instanceof HubError)) return [{ object, message: (error as Error).message }]
  if (error.faults.length === 0) return [{ object, message: error.message }]
  return error.faults.map((fault) => ({ object, ...fault }))
}
