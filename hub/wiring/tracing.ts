import { createOtlpExporter } from '@groundswell/proto/otlp/http.ts'
import { type CommitTrace, createCommitTrace } from '../trace/commit-trace.ts'
import type { Signer } from '../signer/signer.ts'
import type { Surroundings } from './surroundings.ts'

/** Follows commits where a collector is named; undefined where none is. */
export function openTracing(
  { config, log, started, clock }: Surroundings,
  version: string,
): CommitTrace | undefined {
  if (config.otlp === undefined) return undefined
  const exporter = started.own(
    createOtlpExporter({
      ...{ service: 'groundswell-hub', version, fleet: config.fleetName, url: config.otlp },
      log: (message) => log.warn({}, message),
    }),
    (open) => open[Symbol.asyncDispose](),
  )
  return createCommitTrace(exporter.record, clock)
}

/** A signer whose signatures are stages on a commit's way. */
export function traceSigning(signer: Signer, trace: CommitTrace, clock: () => number): Signer {
  return {
    ...signer,
    async sign(request) {
      const start = clock()
      try {
        const signed = await signer.sign(request)
        trace.signed(request, signed.sequence, start)
        return signed
      } catch (error) {
        trace.signed(request, null, start)
        throw error
      }
    },
  }
}
