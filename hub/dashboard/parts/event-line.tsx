import type { EventView } from '../../client/gen/api.ts'
import { Subject } from './subject.tsx'
import { Ago } from './words.tsx'

export function EventLine({ event }: { readonly event: EventView }) {
  const { at, type, subject, message, actor } = event
  return (
    <li>
      <Ago at={at} /> <b>{type}</b> <Subject subject={subject} /> {message}{' '}
      <span class="quiet">{actor}</span>
    </li>
  )
}
