import { useState } from 'preact/hooks'
import type { ProposalView } from '../../client/gen/api.ts'
import { type ProposalOf, proposalKinds } from '../address.ts'
import { call } from '../data/client.ts'
import { useWatched } from '../data/watched.ts'
import { Changes, sayChanges, sayNames } from '../parts/changes.tsx'
import { Estimate } from '../parts/estimate.tsx'
import { Findings } from '../parts/findings.tsx'
import { Link, toApplication } from '../parts/link.tsx'
import { PullRequests } from '../parts/pull-requests.tsx'
import { Shown } from '../parts/shown.tsx'
import { Short, Word } from '../parts/words.tsx'
import { go } from '../route.ts'

/** All of it is fetched and rendered while one waits. Milliseconds. */
const patience = 150_000

/** What a pull request, a branch or a commit of the fleet repository would change, before it is merged. */
export function Proposal({ of }: { readonly of: ProposalOf | null }) {
  return (
    <main>
      <h1>{of === null ? 'Before it is merged' : sayProposal(of)}</h1>
      <Choice of={of} />
      {of === null ? (
        <>
          <p class="quiet">
            A change to the fleet repository is rendered for every cluster and judged by its
            policies. Nothing is merged, and nothing moves.
          </p>
          <PullRequests />
        </>
      ) : (
        <Told of={of} />
      )}
    </main>
  )
}

const words = {
  pullRequest: 'Pull request',
  branch: 'Branch',
  commit: 'Commit',
} as const satisfies Record<ProposalOf['kind'], string>

function sayProposal({ kind, name }: ProposalOf): string {
  return `${words[kind]} ${kind === 'pullRequest' ? '#' : ''}${name}`
}

function Choice({ of }: { readonly of: ProposalOf | null }) {
  const [kind, setKind] = useState(of?.kind ?? 'pullRequest')
  const [name, setName] = useState(of?.name ?? '')
  const wanted = name.trim()
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        if (wanted !== '') go({ page: 'proposal', of: { kind, name: wanted } })
      }}
    >
      <label>
        What
        <select
          value={kind}
          onChange={(event) => {
            const chosen = proposalKinds.find((one) => one === event.currentTarget.value)
            if (chosen) setKind(chosen)
          }}
        >
          {proposalKinds.map((one) => (
            <option key={one} value={one}>
              {words[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        {kind === 'pullRequest' ? 'Its number' : kind === 'branch' ? 'Its name' : 'In full'}
        <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button type="submit" class="primary" disabled={wanted === ''}>
        Look
      </button>
    </form>
  )
}

function Told({ of: { kind, name } }: { readonly of: ProposalOf }) {
  const body = { [kind]: kind === 'pullRequest' ? Number(name) : name }
  const proposal = useWatched(
    `proposal ${kind} ${name}`,
    () => call('planFleet', { body }, patience),
    ({ type }) => type === 'fleet.accepted',
    { costly: true },
  )
  return (
    <>
      {!proposal.value && !proposal.error && (
        <p class="quiet" role="status">
          It is fetched and rendered for every cluster; that may take a minute.
        </p>
      )}
      <Shown of={proposal}>{(told) => <Changed told={told} />}</Shown>
    </>
  )
}

const verdicts = {
  passed: 'Passed',
  failed: 'Failed',
  incomplete: 'Incomplete',
} as const satisfies Record<ProposalView['verdict'], string>

function Changed({ told }: { readonly told: ProposalView }) {
  const { counts, applications, applicationsLeftOut } = told
  return (
    <>
      <p>
        <Word word={verdicts[told.verdict]} /> <b>{told.subject}</b> by {told.author} · commit{' '}
        <Short text={told.revision} /> since <Short text={told.base} />
      </p>
      {told.behind && (
        <p class="quiet">
          What is followed has moved since it parted: what came there is left out here.
        </p>
      )}
      {counts === null ? (
        <p class="notice">Nothing could be compared: its configuration is refused.</p>
      ) : (
        <p>
          {sayChanges({
            removed: counts.objectsRemoved,
            changed: counts.objectsChanged,
            added: counts.objectsAdded,
          })}{' '}
          on {counts.changed} of {counts.clusters} clusters
        </p>
      )}
      <Findings
        findings={told.findings}
        left={told.findingsLeftOut}
        changed={applications.map(({ application }) => application)}
      />
      {told.gaps.length > 0 && (
        <section class="card" aria-label="Not looked at">
          <h2>Not looked at</h2>
          <ul>
            {told.gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </section>
      )}
      {told.strategies.map(({ applications: whose, changes }) => (
        <section key={whose[0]} class="card" aria-label={`Rollout strategy of ${sayNames(whose)}`}>
          <h2>Rollout strategy of {sayNames(whose)}</h2>
          <ul>
            {changes.map(({ what, from, to }) => (
              <li key={what}>
                {what} from <code>{from ?? 'nothing'}</code> to <code>{to ?? 'nothing'}</code>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {applications.map((one) => (
        <ApplicationChanges key={one.application} one={one} open={applications.length === 1} />
      ))}
      {applicationsLeftOut > 0 && <p class="quiet">and {applicationsLeftOut} applications more</p>}
    </>
  )
}

function ApplicationChanges({
  one: { application, clusters, changes, plan },
  open,
}: {
  readonly one: ProposalView['applications'][number]
  readonly open: boolean
}) {
  return (
    <section class="card" aria-label={`Application ${application}`}>
      <h2>
        <Link to={toApplication(application)}>{application}</Link>
      </h2>
      <p>
        {sayChanges(changes)} on {clusters.length} {clusters.length === 1 ? 'cluster' : 'clusters'}
      </p>
      {plan && (
        <>
          <ol class="steps" aria-label="Waves it would go through">
            {plan.waves.map(({ name, clusters: size, gates }) => (
              <li key={name}>
                <b>{name}</b> {size} {size === 1 ? 'cluster' : 'clusters'}
                {gates.length > 0 && ` · ${gates.join(', ')}`}
              </li>
            ))}
          </ol>
          <Estimate estimate={plan.estimate} />
        </>
      )}
      <Changes changes={changes} open={open} />
    </section>
  )
}
