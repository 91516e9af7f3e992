import { digestOf } from '@groundswell/proto/digest.ts'
import type { ApplicationState } from '../../agent/observe/status.ts'

/** Everything of it differs, as far as a report tells it. */
export function upset(application: string, text = 'x'): ApplicationState {
  const objects = Array.from({ length: 50 }, (_, n) => `apps/Deployment/shop/${application}-${n}`)
  const fields = Array.from({ length: 20 }, (_, n) => ({
    ...{ path: `/spec/template/${n}`, manager: 'somebody', changedAt: 1_767_225_600_000 },
    ...{ desired: text.repeat(1_000), live: text.repeat(1_000) },
  }))
  return {
    application,
    generation: 1,
    ...{ manifestDigest: digestOf(application), phase: 'Failed', health: 'Failed', objects: 900 },
    errors: objects.map((object) => ({
      ...{ object, file: 'a.yaml', code: 'apply_failed', message: text.repeat(1_000) },
    })),
    unhealthy: objects.map((object) => ({ object, health: 'Failed', message: text.repeat(500) })),
    drift: objects.map((object) => ({ object, missing: false, firstSeen: 1, fields })),
    driftedObjects: 900,
    readyObjects: 0,
    healed: 0,
  }
}
