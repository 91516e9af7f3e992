import type { Principal } from '../../access/principal.ts'
import { createCounts } from '../../counts.ts'
import { HubError } from '../../errors.ts'
import { principalOf } from '../auth.ts'
import type { EventStreams } from '../event-stream.ts'
import type { Api } from '../http.ts'
import { defaultLimit } from '../page.ts'
import { RequestError } from '../problem.ts'
import { answers, EventList, EventsQuery, StreamQuery } from '../schemas.ts'

/** Of one caller at a time: who may see little has the whole log looked through. */
const mostLooks = 4

export function addEventRoutes(app: Api, streams: EventStreams): void {
  const looking = createCounts()

  /** @throws RequestError `too_many_requests` */
  async function lookOnce<T>({ actor, role }: Principal, look: () => Promise<T>): Promise<T> {
    if (role === null && looking.of(actor) >= mostLooks) {
      throw new RequestError(
        'too_many_requests',
        `Ask for events ${mostLooks} times at once at most`,
      )
    }
    looking.add(actor)
    try {
      return await look()
    } finally {
      looking.take(actor)
    }
  }

  app.get('/api/v1/events', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listEvents',
      summary: 'The newest events, or those after an id; oldest first',
      description: [
        'Where events after the id are kept no more, `gap` says so, as the stream does: read anew what',
        'they told of; the items begin with the oldest that is kept.',
      ].join(' '),
      querystring: EventsQuery,
      response: answers(200, EventList),
    },
    handler: (request) => {
      const { after = null, limit = defaultLimit } = request.query
      return lookOnce(principalOf(request), () => request.hub.events({ after, limit }))
    },
  })

  app.get('/api/v1/events/stream', {
    config: { policy: 'read' },
    // A HEAD of an endless answer would never end.
    exposeHeadRoute: false,
    schema: {
      operationId: 'streamEvents',
      summary: 'Events as they happen (server-sent events)',
      description: [
        'Resumes after Last-Event-ID, or after the query `after` on the first connection; an event is',
        'an EventView. Where events that would come next are kept no more, an event named `gap` (an',
        'EventGap, without an id) says so first: read lists anew; the stream goes on from the oldest',
        'that is kept. Comments keep it open.',
      ].join(' '),
      querystring: StreamQuery,
      produces: ['text/event-stream'],
    },
    handler: async (request, reply) => {
      const resume = request.headers['last-event-id'] ?? request.query.after ?? null
      if (Array.isArray(resume) || (resume && !/^[0-9]{1,16}(-[0-9]{1,16})?$/.test(resume))) {
        throw new HubError('invalid', 'Last-Event-ID: not an event id of this hub')
      }
      await streams.serve(request, reply, resume || null)
    },
  })
}
