/** Why an offer is refused or an object could not be handled; closed, the hub shows each. */
export type AgentErrorCode =
  | 'config_invalid'
  | 'token_refused'
  | 'hub_unreachable'
  | 'hub_busy'
  | 'identity_refused'
  | 'hub_untrusted'
  | 'hub_certificate_time'
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
  | 'root_malformed'
  | 'root_rollback'
  | 'root_gap'
  | 'root_chain_too_long'
  | 'approval_missing'
  | 'approval_invalid'
  | 'freshness_invalid'
  | 'freshness_behind'
  | 'wrong_nonce'
  | 'slow_retrieval'
  | 'too_much_data'
  | 'renewal_refused'
  | 'locked'
  | 'pending_approval'
  | 'digest_mismatch'
  | 'size_mismatch'
  | 'manifest_malformed'
  | 'object_malformed'
  | 'content_missing'
  | 'trust_state_unwritable'
  | 'trust_state_corrupt'
  | 'trust_state_doubtful'
  | 'another_agent'
  | 'apply_conflict'
  | 'apply_invalid'
  | 'apply_forbidden'
  | 'apply_failed'
  | 'kind_unknown'
  | 'outside_scope'
  | 'adoption_refused'
  | 'not_ready'
  | 'hook_failed'
  | 'dry_run_refused'
  | 'owned_by_other'
  | 'secret_undecryptable'
  | 'secret_tampered'
  | 'secret_malformed'
  | 'secret_unresolved'
  | 'vault_unavailable'
  | 'prune_refused'
  | 'prune_held'
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

/** One field an API server refused, and why. */
export interface RefusalCause {
  /** Such as `spec.template.spec.containers[0].image`; empty for the whole object. */
  readonly field: string
  readonly message: string
}

/** What an API server refused as invalid, field by field. */
export class RefusedError extends AgentError {
  readonly causes: readonly RefusalCause[]
  constructor(message: string, causes: readonly RefusalCause[]) {
    super('apply_invalid', message)
    this.causes = causes
  }
}

/** Whatever was thrown, as an error of ours; what nobody foresaw is `internal`. */
export function toAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error
  return new AgentError('internal', (error as Error).message, { cause: error })
}
