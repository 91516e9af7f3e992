import { type Static, Type } from 'typebox'

/** What somebody who helps asks first: what runs, how it is set, and what it said last. */
export const SupportView = Type.Object(
  {
    at: Type.String({ format: 'date-time' }),
    version: Type.String(),
    node: Type.String(),
    platform: Type.String({ description: 'Operating system and processor' }),
    uptimeSeconds: Type.Number(),
    memoryBytes: Type.Object({ resident: Type.Number(), heap: Type.Number() }),
    settings: Type.Record(Type.String(), Type.String(), {
      description: 'Every setting in force and where it comes from; passwords are hidden',
    }),
    log: Type.Array(Type.String(), { description: 'The newest lines of the log, oldest first' }),
    metrics: Type.String({ description: 'As /metrics answers' }),
  },
  { $id: 'SupportView', description: 'The hub’s own part of a support bundle.' },
)
export type SupportView = Static<typeof SupportView>
