import { timestamp } from '../../hub/api/rollout-view.ts'
import type { ProposalView } from '../../hub/api/proposal-view.ts'
import type { PullRequestList } from '../../hub/api/pull-request-view.ts'
import { fakeNow, makePreview } from './fake-rollout.ts'

/** A proposal that changes the shop everywhere, removes a Service, and has a warning. */
export function makeProposal(name: string): ProposalView {
  const { changes, estimate } = makePreview('r-next', false)
  const [web] = changes!.objects
  const gone = { change: 'removed', fate: 'deleted', patch: '-kind: Service\n' } as const
  const service = {
    ...{ object: 'Service shop/old', id: '/Service/shop/old', file: 'old.yaml' },
    variants: [{ ...gone, clusters: ['edge-1', 'edge-2', 'lab'] }],
  }
  return {
    ...{ revision: `${name}@sha1:${'c3d4'.repeat(10)}`, author: 'ada <ada@shop.example>' },
    ...{ subject: 'Take the old service away', base: `main@sha1:${'a1b2'.repeat(10)}` },
    ...{ behind: true, verdict: 'passed', findingsLeftOut: 0, gaps: [], applicationsLeftOut: 0 },
    strategies: [
      {
        applications: ['shop'],
        changes: [{ what: 'wave prod: maxConcurrent', from: '1', to: '50%' }],
      },
    ],
    counts: {
      ...{ clusters: 3, changed: 3, applications: 1 },
      ...{ objectsRemoved: 1, objectsChanged: 1, objectsAdded: 0 },
    },
    findings: [
      {
        ...{ severity: 'warning', rule: 'policy baseline', message: 'no probe', file: 'web.yaml' },
        ...{ line: 3, object: 'Deployment shop/web', application: 'shop', clusters: ['lab'] },
      },
    ],
    applications: [
      {
        ...{ application: 'shop', clusters: ['edge-1', 'edge-2', 'lab'] },
        changes: { ...changes!, removed: 1, objects: [service, web!] },
        plan: {
          clusters: 3,
          waves: [
            { name: 'canary', clusters: 1, gates: [] },
            { name: 'prod', clusters: 2, gates: ['approval by the role operator'] },
          ],
          estimate: estimate!,
        },
      },
    ],
  }
}

/** Two pull requests at a GitHub, one of them a draft of a fork; a third goes to another branch. */
export function makePullRequests(): PullRequestList {
  const [updatedAt, url] = [timestamp(fakeNow), 'https://git.example/fleet/pull']
  const shop = { number: 7, title: 'Take the old service away', author: 'ada', branch: 'old' }
  const lab = { number: 5, title: 'Try <b>it</b> in the lab', author: '', branch: 'lab' }
  return {
    host: 'github',
    items: [
      { ...shop, fork: false, base: 'main', draft: false, updatedAt, url: `${url}/7` },
      { ...lab, fork: true, base: 'main', draft: true, updatedAt, url: `${url}/5` },
    ],
    ...{ elsewhere: 1, more: false },
  }
}
