import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import type { TrustDesk } from './api/hub.ts'
import type { TrustView } from './api/views.ts'
import { checkApproval } from './bundle/approval.ts'
import { type RootChain, extendRootChain, newestOf } from './bundle/root-chain.ts'
import { listRootWarnings } from './bundle/root-warning.ts'
import type { Register } from './ledger/register.ts'
import type { Signer } from './signer/signer.ts'

export interface TrustDeskDeps {
  readonly signer: Signer
  readonly chain: () => RootChain
  /** Reads the chain from the signer again. */
  readonly refresh: () => Promise<void>
  readonly register: Pick<Register, 'append' | 'state'>
  /** Live streams look at what they should have. */
  readonly onChange: () => void
  readonly clock: () => number
}

/** Takes in root statements and approvals, judged as agents will judge them. */
export function createTrustDesk(deps: TrustDeskDeps): TrustDesk {
  async function show(): Promise<TrustView> {
    const chain = deps.chain()
    const { root, digest } = newestOf(chain)
    const roles = await Promise.all(
      Object.entries(root.roles).map(async ([role, { keys, threshold }]) => ({
        role,
        threshold,
        keys: keys.map(thumbprintOf),
      })),
    )
    return {
      fleet: root.fleet,
      version: root.version,
      epoch: root.epoch,
      digest,
      expiresAt: new Date(root.expiresAt * 1000).toISOString(),
      roles,
      policies: root.policies.map(({ group, clusters, approvers }) => ({
        group,
        clusters: [...clusters],
        approvers,
      })),
      warnings: [...warnings()],
      envelopes: chain.map(({ envelope }) => Buffer.from(envelope).toString('base64')),
    }
  }

  const warnings = () => {
    const published = Math.max(0, ...deps.register.state.roots.keys())
    return listRootWarnings(newestOf(deps.chain()), deps.clock(), published)
  }

  return {
    show,
    warnings,
    async publish(envelope, by) {
      const before = deps.chain()
      const longer = extendRootChain(before, envelope)
      if (longer === before) return show()
      // The signer holds it to the same, and to the keys it has; then it is written down for all.
      await deps.signer.adopt(envelope)
      const { version } = newestOf(longer).root
      await deps.register.append(by.actor, [
        {
          type: 'root.published',
          version,
          envelope: Buffer.from(envelope).toString('base64'),
        },
      ])
      await deps.refresh()
      deps.onChange()
      return show()
    },
    async approve(envelope, by) {
      const { root } = newestOf(deps.chain())
      const approval = checkApproval(envelope, root, deps.clock())
      await deps.register.append(by.actor, [{ type: 'approval.recorded', approval }])
      deps.onChange()
      const { application, content, clusters, expiresAt } = approval
      return {
        application,
        content,
        clusters: [...clusters],
        expiresAt: new Date(expiresAt * 1000).toISOString(),
      }
    },
  }
}
