import { AgentError } from '../errors.ts'
import type { Stream } from './grpc.ts'

/**
 * Dials, and remembers that this machine's clock may be wrong: when the hub's certificate was refused
 * for nothing but its time, the next stream is opened to find out from the signer what time it is.
 *
 * @param open told whether the clock is doubted
 */
export function createDialling(open: (doubted: boolean) => Stream): () => Stream {
  let doubted = false

  async function* notice(stream: Stream): Stream['responses'] {
    let refused = false
    try {
      yield* stream.responses
    } catch (error) {
      refused = error instanceof AgentError && error.code === 'hub_certificate_time'
      throw error
    } finally {
      // Until a certificate is good by the clock as it is by then.
      doubted = refused || stream.doubtful?.() !== undefined
    }
  }

  return () => {
    const stream = open(doubted)
    return { ...stream, responses: notice(stream) }
  }
}
