import type { Answer } from '../../client/request.ts'
import { Ago } from './words.tsx'

type ObjectDrift = Answer<'diffApplication'>['clusters'][number]['drift'][number]

/** How a live object differs: both values of each field, and who made the live one. */
export function Differs({ drift }: { readonly drift: Omit<ObjectDrift, 'object'> }) {
  return (
    <div class="drift">
      {drift.missing ? 'It is gone from the cluster' : 'It drifted'}, <Ago at={drift.firstSeen} />
      {drift.contestedBy && ` · repairs are held back: ${drift.contestedBy} undoes them`}
      <ul>
        {drift.fields.map(({ path, desired, live, manager }) => (
          <li key={path}>
            <code>{path}</code>: <ins>{desired || 'nothing'}</ins> is <del>{live || 'nothing'}</del>
            {manager && ` by ${manager}`}
          </li>
        ))}
      </ul>
    </div>
  )
}
