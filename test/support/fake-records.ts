import { digestOf } from '@groundswell/proto/digest.ts'
import type { ObjectReceipt } from '@groundswell/proto/receipt.ts'
import type { Hub } from '../../hub/api/hub.ts'
import type { FiledReceipt } from '../../hub/receipt/kept.ts'
import type { ApplicationImages } from '../../hub/status/images.ts'
import { desired, fakeNow } from './fake-rollout.ts'

const results: readonly ObjectReceipt[] = ['settings', 'web'].map((name) => ({
  ...{ object: `/ConfigMap/shop/${name}`, result: 'applied', resourceVersion: '7', code: '' },
}))

/** Two of `shop` and one of `grid` between them, newest first; what came of each object of the first is lost. */
function listReceipts(cluster: string): FiledReceipt[] {
  return [3, 2, 1].map((line) => ({
    ...{ id: { line, at: 0 }, keptAt: fakeNow, cluster, envelope: 'a.b.c' },
    receipt: {
      ...{ v: 1, fleet: 'f', iss: cluster, snapshot: digestOf('s'), epoch: 1, sequence: line },
      ...{ application: line === 2 ? 'grid' : 'shop', generation: line, content: desired },
      outcome: 'applied',
      ...{ objects: results.length, results: digestOf('r'), at: fakeNow / 1_000 },
    },
  }))
}

function makeImages(): ApplicationImages {
  const named = (tag: string, wanted: number, running: number) => ({
    ...{ image: `example.org/shop/web:${tag}`, repository: 'example.org/shop/web', tag },
    ...{ digest: null, wanted, running, unreachable: 1, objects: ['apps/Deployment/shop/web'] },
  })
  return { images: [named('v1', 0, 1), named('v2', 3, 1)], unread: { wanted: 0, running: 0 } }
}

/** What is kept of the clusters and applications of a fake hub. */
export function createFakeRecords(view: {
  readonly applications: readonly { readonly name: string }[]
}): Pick<Hub, 'receipts' | 'receipt' | 'images'> {
  return {
    receipts: (cluster, { application, after }, sight) =>
      listReceipts(cluster).filter(
        ({ id, receipt }) =>
          (application === null || receipt.application === application) &&
          (sight?.(receipt.application) ?? true) &&
          (after === null || id.line < after.line),
      ),
    receipt: async (cluster, { line }, sight) => {
      const filed = listReceipts(cluster).find(({ id }) => id.line === line)
      if (!filed || !(sight?.(filed.receipt.application) ?? true)) return undefined
      return { filed, results: line === 1 ? undefined : results }
    },
    images: async (application) =>
      view.applications.some(({ name }) => name === application) ? makeImages() : undefined,
  }
}
