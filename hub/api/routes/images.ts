import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { ImageView, ImageList } from '../image-view.ts'
import type { Order } from '../order.ts'
import { sendFields, takeSorted } from '../page.ts'
import { answers, ByName, ImagesQuery } from '../schemas.ts'

const byImage: Order<'image'> = { by: 'image', descending: false }

export function addImageRoutes(app: Api): void {
  app.get('/api/v1/applications/:name/images', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listImages',
      summary: 'Images of an application, and how many clusters run or should run each',
      params: ByName,
      querystring: ImagesQuery,
      response: answers(200, ImageList),
    },
    handler: async ({ params, query, hub }, reply) => {
      const found = await hub.images(params.name)
      if (!found) throw new HubError('not_found', `No application ${params.name}`)
      const rows = found.images.map((image, at) => ({ image, at }))
      const page = await takeSorted(rows, query, {
        ...{ kind: 'image', order: byImage },
        // In their order; a name may be longer than a cursor.
        placeOf: ({ at }) => ({ key: at, name: '' }),
      })
      const items = page.items.map(({ image }) => image)
      const { unread } = found
      const shown = { application: params.name, items, unread, continue: page.continue }
      return sendFields(reply, shown, query.fields, ImageView)
    },
  })
}
