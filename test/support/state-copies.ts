import { AgentError } from '../../agent/errors.ts'
import { formatState, parseState } from '../../agent/trust/state-text.ts'
import type { StateCopy, TrustState } from '../../agent/trust/state.ts'

/** A place for trust state in memory, whose text a test may change or take away. */
export interface MemoryCopy extends StateCopy {
  text: string | null
  /** When set, writes fail with it. */
  full: AgentError | null
}

export function createMemoryCopy(name: string, state: TrustState | null = null): MemoryCopy {
  return {
    name,
    text: state && formatState(state),
    full: null,
    async load() {
      if (this.text === null) return null
      try {
        return parseState(this.text)
      } catch (cause) {
        throw new AgentError('trust_state_corrupt', `${name} is damaged`, { cause })
      }
    },
    async save(next) {
      if (this.full) throw this.full
      this.text = formatState(next)
    },
  }
}
