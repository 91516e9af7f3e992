import { type Fault, HubError } from '../errors.ts'

/** Whether an error is about what a policy says, and not about reading it at all. */
export function isOfPolicy(error: unknown): error is HubError {
  return error instanceof HubError && ofPolicy.has(error.code)
}

const ofPolicy: ReadonlySet<HubError['code']> = new Set([
  ...(['fleet_invalid', 'policy_failed', 'revision_not_found', 'source_refused'] as const),
])

export function faultsOf({ faults, message }: HubError): readonly Fault[] {
  return faults.length > 0 ? faults : [{ message }]
}

/**
 * As `Promise.all`, but waits for all of them: what is wrong with a policy is told at once.
 *
 * @throws HubError `fleet_invalid` with the faults of all; whatever is no fault of the policy as it is
 */
export async function settleAll<T extends readonly unknown[] | []>(
  reads: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(reads)
  const errors = settled.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  )
  const faults: Fault[] = []
  for (const error of errors) {
    if (!isOfPolicy(error)) throw error
    faults.push(...faultsOf(error))
  }
  const [first] = errors
  if (first instanceof HubError) {
    throw new HubError('fleet_invalid', first.message, { cause: first, faults })
  }
  const values = settled.map((one) => (one.status === 'fulfilled' ? one.value : undefined))
  return values as { -readonly [K in keyof T]: Awaited<T[K]> }
}
