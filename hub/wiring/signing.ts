import { join } from 'node:path'
import { loadRoots, readOnlineKeys } from '../bundle/fs.ts'
import { type RootChain, extendRootChain, newestOf, openRoot } from '../bundle/root-chain.ts'
import type { SignedRoot } from '../bundle/root.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Log } from '../log.ts'
import { openSignerRecord, readSignerPolicy } from '../signer/fs.ts'
import { foldSignerEntry } from '../signer/record.ts'
import { listMissing, listSeed } from '../signer/seed.ts'
import type { Attestor, Signer } from '../signer/signer.ts'
import { createSigner } from '../signer/signing.ts'
import type { Surroundings } from './surroundings.ts'

export interface SigningHooks {
  /** Believed for what the record lacks; a signer apart believes nobody. */
  readonly ledger?: LedgerState
  readonly onRefused: (code: string) => void
}

/** They share a write. */
const appendedAtOnce = 1_000

/** The signer, in this process, with a record of its own that neither Redis nor ledger can change. */
export async function startSigner(
  { config, log, started, clock, startedAt }: Surroundings,
  { ledger, onRefused }: SigningHooks,
): Promise<Signer & Attestor> {
  const keys = join(config.shared, 'keys')
  const roots = await loadRoots(keys, config.fleetName, startedAt)
  const policy = await readSignerPolicy(config.signerPolicyFile)
  const record = started.own(
    await openSignerRecord(join(config.data, 'signer', 'record.jsonl')),
    (open) => open.close(),
  )
  // One trust domain: the ledger is believed at each start, so that what runs goes on running. A record may be
  // gone, or of a backup while the ledger's remote knew more; and a replica did not sign while another led.
  if (ledger) {
    const missing = listMissing(record.state, listSeed(ledger))
    for (let from = 0; from < missing.length; from += appendedAtOnce) {
      const page = missing.slice(from, from + appendedAtOnce)
      await Promise.all(page.map((entry) => record.append(entry)))
      for (const entry of page) foldSignerEntry(record.state, entry)
    }
  }
  return createSigner({
    fleet: config.fleetName,
    policy,
    state: record.state,
    append: (entry) => record.append(entry),
    roots,
    readKeys: () => readOnlineKeys(keys),
    clock,
    onRefused: (code, message) => {
      onRefused(code)
      log.warn({ code }, message)
    },
  })
}

/** Gives a signer the root statements that were published: it may have been away, or restored. */
export async function handOverRoots(
  signer: Signer,
  { roots }: LedgerState,
  log: Log,
): Promise<void> {
  for (const envelope of roots.values()) {
    await signer.adopt(envelope).catch((err: unknown) => {
      log.warn({ err }, 'a root statement of the ledger was not taken in')
    })
  }
}

/** The root statements as the signer has them, at hand without asking it each time. */
export interface Trust {
  chain(): RootChain
  newest(): SignedRoot
  /** Envelopes of those after a version. */
  after(version: number): readonly Uint8Array[]
  /** Reads them from the signer again. */
  refresh(): Promise<void>
}

export async function openTrust(signer: Signer): Promise<Trust> {
  let chain = await readChain(signer)
  return {
    chain: () => chain,
    newest: () => newestOf(chain),
    after: (version) =>
      chain.filter(({ root }) => root.version > version).map(({ envelope }) => envelope),
    async refresh() {
      chain = await readChain(signer)
    },
  }
}

async function readChain(signer: Signer): Promise<RootChain> {
  const [first, ...rest] = await signer.roots()
  let chain: RootChain = [openRoot(first!)]
  for (const envelope of rest) chain = extendRootChain(chain, envelope)
  return chain
}
