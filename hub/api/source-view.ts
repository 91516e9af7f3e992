import { type Static, Type } from 'typebox'

const Time = Type.String({ description: 'RFC 3339, UTC' })
const orNull = <T extends ReturnType<typeof Type.String>>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** A repository the hub follows. */
export const SourceView = Type.Object(
  {
    name: Type.String({ description: '`fleet`, or a Repository' }),
    url: Type.String({ description: 'without credentials' }),
    ref: Type.String({ description: 'branch, tag, commit or range of versions' }),
    revision: Type.Union([Type.String(), Type.Null()], {
      description: 'the last good one, which stays when a fetch fails',
    }),
    lastFetch: orNull(Time),
    nextFetch: Type.Union([Time, Type.Null()], {
      description: 'unless a webhook comes first; null while a fetch runs',
    }),
    interval: Type.Union([Type.String(), Type.Null()], { description: 'such as 1m' }),
    suspended: Type.Boolean({ description: 'in Git: it is not fetched' }),
    signer: Type.Union([Type.String(), Type.Null()], {
      description: 'who signed the revision; null where nothing has to be signed',
    }),
    failure: Type.Union([
      Type.Object({
        code: Type.String(),
        message: Type.String(),
        since: Time,
        count: Type.Integer({ minimum: 1, description: 'fetches that failed in a row' }),
      }),
      Type.Null(),
    ]),
  },
  { $id: 'SourceView', description: 'A repository the hub follows, and how that goes.' },
)
export type SourceView = Static<typeof SourceView>
