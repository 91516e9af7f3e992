/** Why an offer is refused or an object could not be handled; closed, the hub shows each. */
export type AgentErrorCode =
  | 'config_invalid'
  | 'token_refused'
  | 'hub_unreachable'
  | 'hub_untrusted'
  | 'envelope_too_large'
  | 'envelope_malformed'
  | 'envelope_header'
  | 'signature_invalid'
  | 'threshold_not_met'
  | 'statement_malformed'
  | 'wrong_fleet'
  | 'wrong_audience'
  | 'wrong_cluster'
  | 'expired'
  | 'wrong_epoch'
  | 'rollback'
  | 'equivocation'
  | 'fast_forward'
  | 'digest_mismatch'
  | 'size_mismatch'
  | 'manifest_malformed'
  | 'object_malformed'
  | 'content_missing'
  | 'trust_state_unwritable'
  | 'trust_state_corrupt'
  | 'apply_conflict'
  | 'apply_invalid'
  | 'apply_forbidden'
  | 'apply_failed'
  | 'kind_unknown'
  | 'owned_by_other'
  | 'prune_refused'
  | 'prune_failed'
  | 'cluster_unreachable'
  | 'internal'

/** The only error type that crosses folders in the agent. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: AgentErrorCode
  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
