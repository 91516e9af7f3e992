import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fetchAnswer } from '../../hub/cli/http.ts'
import { runProgram } from '../../hub/cli/program.ts'
import { operations } from '../../hub/client/gen/api.ts'
import type { OperationId } from '../../hub/client/request.ts'
import { type TestApi, startApi } from '../support/api.ts'
import { createFakeTerminal } from '../support/fake-terminal.ts'

/* Whatever the API can do, `swell` can: each operation has a command line that asks for it. */

const commands: Partial<Record<OperationId, string>> = {
  getLiveness: 'doctor',
  getHealth: 'doctor',
  getVersion: 'version',
  listClusters: 'get clusters',
  getCluster: 'get cluster lab',
  listObjects: 'tree shop',
  listReceipts: 'get receipts lab',
  getReceipt: 'audit receipt lab 3.0',
  listImages: 'get images shop',
  createToken: 'cluster token edge-1',
  listPendingClusters: 'cluster pending',
  listAuthorities: 'cluster authorities',
  approveCluster: 'cluster approve edge-1 --fingerprint sha256:00',
  revokeCluster: 'cluster revoke edge-1',
  unlockCluster: 'cluster unlock edge-1',
  recoverCluster: 'cluster recover edge-1',
  getFleet: 'fleet',
  getFacts: 'get facts',
  listGroups: 'get groups',
  getGroup: 'get group prod',
  listApplications: 'get applications',
  getApplication: 'get application shop',
  getCommit: `wait application shop --timeout 1s --commit ${'a'.repeat(40)}`,
  diffApplication: 'diff shop',
  listSources: 'get sources',
  getSource: 'get source fleet',
  listRollouts: 'get rollouts',
  startRollout: 'rollout start shop',
  getRollout: 'get rollout r-1',
  listRolloutClusters: 'rollout clusters r-1',
  planRollout: 'rollout plan shop',
  startPlannedRollout: 'rollout begin r-1',
  approveRollout: 'rollout approve r-1',
  promoteRollout: 'rollout promote r-1',
  pauseRollout: 'rollout pause r-1',
  resumeRollout: 'rollout resume r-1',
  abortRollout: 'rollout abort r-1',
  rollbackRollout: 'rollout rollback r-1',
  retryRollout: 'rollout retry r-1',
  skipCluster: 'rollout skip r-1 edge-1',
  listEvents: 'events',
  streamEvents: 'events --follow',
  getTrust: 'trust show',
  getCaller: 'whoami',
  listApiTokens: 'token list',
  createApiToken: 'token create ci --role viewer',
  revokeApiToken: 'token revoke ci',
  getSupport: 'support -o support.tar.gz',
  getSummary: 'doctor',
  listHolds: 'hold list',
  releaseHold: 'hold release shop',
  listOpenGates: 'rollout approvals',
  listDrift: 'drift list',
  listRevisions: 'trace edge-1 Service/shop/web',
  listWindows: 'hold windows',
  listPolicies: 'fleet policies',
  listPullRequests: 'fleet pull-requests',
  listAudit: 'audit list',
  getLogin: 'login --server',
}

/** What is not asked for here, and why. */
const others: Partial<Record<OperationId, string>> = {
  getReadiness: 'of load balancers; getHealth says the same',
  getMetrics: 'of Prometheus',
  getMatrix: 'drawn by the dashboard; get and tree tell the same in words',
  previewRollout: 'drawn by the dashboard; `rollout plan` tells the same of an application',
  planFleet: 'drawn by the dashboard; `swell diff BASE..HEAD` and `check` tell it of a checkout',
  receiveWebhook: 'of Git hosts',
  dryRun: '`swell check --live`, of a checkout: e2e/dry-run',
  publishRoot: '`swell trust publish`, of a signed file: e2e/trust-drill',
  recordApproval: '`swell trust publish`, of a signed file: e2e/approval hands it to the API',
}

/** Paths of the document, as what is asked for looks. */
const routes = Object.entries(operations).map(([id, { method, path }]) => {
  const pattern = path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`)
  return { id, method, path: new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }
})

describe('every operation of the API', () => {
  let test: TestApi
  let server: string
  before(async () => {
    test = await startApi()
    server = await test.api.listen({ host: '127.0.0.1', port: 0 })
  })
  after(() => test.api.close())

  it('has a command, or a reason why not', () => {
    const told = [...Object.keys(commands), ...Object.keys(others)]
    assert.deepEqual(told.toSorted(), Object.keys(operations).toSorted())
  })

  for (const [id, line] of Object.entries(commands)) {
    it(`${id} is asked for by: swell ${line}`, async () => {
      const asked = new Set<string>()
      const interrupted = new AbortController()
      const { terminal, said } = createFakeTerminal({
        env: { HOME: '/nonexistent', SWELL_SERVER: server, SWELL_TOKEN: 'admin' },
        writeFile: async () => {},
        now: Date.now,
        signal: interrupted.signal,
        fetch: async (url, init) => {
          const { method = 'GET' } = init
          const exact = (route: (typeof routes)[number]) => !route.path.source.includes('[^/]')
          const fitting = routes.filter(
            (one) => one.method === method && one.path.test(url.pathname),
          )
          asked.add((fitting.find(exact) ?? fitting[0])?.id ?? url.pathname)
          const answer = await fetchAnswer(url, init)
          if (id === 'streamEvents' && asked.has(id)) interrupted.abort()
          return answer
        },
      })
      const words = line === 'login --server' ? [...line.split(' '), server] : line.split(' ')
      await runProgram(words, terminal)
      assert.ok(asked.has(id), `${[...asked].join(', ')}: ${said.err}`)
      assert.doesNotMatch(said.err, /fault of swell itself|unknown command|error: /)
    })
  }
})
