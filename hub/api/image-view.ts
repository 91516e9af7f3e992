import { type Static, Type } from 'typebox'
import type { Frozen } from './views.ts'

/* What images an application is made of, over its clusters. */

const Count = Type.Integer({ minimum: 0 })

export const ImageView = Type.Object({
  image: Type.String({ description: 'as the objects name it' }),
  repository: Type.String({
    description: 'with its registry; the text itself if it is no reference',
  }),
  tag: Type.Union([Type.String(), Type.Null()]),
  digest: Type.Union([Type.String(), Type.Null()]),
  wanted: Type.Integer({ minimum: 0, description: 'clusters that should run it' }),
  running: Type.Integer({ minimum: 0, description: 'connected clusters that have it applied' }),
  unreachable: Type.Integer({ minimum: 0, description: 'away; it was applied when last heard of' }),
  objects: Type.Array(Type.String(), { description: 'group/kind/namespace/name; a few of them' }),
})

export const ImageList = Type.Object(
  {
    application: Type.String(),
    items: Type.Array(ImageView, { description: 'by name' }),
    unread: Type.Object(
      { wanted: Count, running: Count },
      { description: 'clusters whose content was not at hand, or too much to read in one call' },
    ),
    continue: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
  },
  {
    $id: 'ImageList',
    description: 'Images of an application: how many clusters should run each, and how many do.',
  },
)

export type ImageView = Frozen<Static<typeof ImageView>>
