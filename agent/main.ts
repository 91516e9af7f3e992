import { createHmac, createPrivateKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import {
  SettingsError,
  describeSettings,
  explainSettings,
  findConfigFile,
  readSettings,
} from '@groundswell/proto/settings.ts'
import { createTimeBound } from '@groundswell/proto/v8.ts'
import { createAgent } from './agent.ts'
import { systemClock } from './cluster/clock.ts'
import { createKubeCluster } from './cluster/kube.ts'
import { loadConnection } from './cluster/kubeconfig.ts'
import { type AgentConfig, environmentPrefix, parseConfig, settingsTable } from './config.ts'
import { AgentError } from './errors.ts'
import { lockData } from './fs.ts'
import { createDryRuns } from './dry-run/dry-runs.ts'
import { serveHealth } from './http.ts'
import { createAddresses, listAddresses } from './link/addresses.ts'
import { holdUsage, parseHoldCommand, sayHold } from './hold/command.ts'
import { removeFileHold, writeFileHold } from './hold/fs.ts'
import type { Holds } from './hold/holds.ts'
import { openHolds } from './wiring/holds.ts'
import { createFileIdentityStore } from './link/fs.ts'
import { createSecretIdentityStore } from './link/kube.ts'
import { createDialling } from './link/dialling.ts'
import { decompressZstd, dial } from './link/grpc.ts'
import { type Proxy, chooseProxy } from './link/proxy.ts'
import { describeStatus, formatStatus, parseStatus } from './local/status.ts'
import { askStatus, serveStatus } from './local/unix.ts'
import { createLog } from './log.ts'
import type { KeyStore } from './secrets/keys.ts'
import type { Tenure } from './lease/tenure.ts'
import { openTenure } from './wiring/tenure.ts'
import { openFacts } from './wiring/facts.ts'
import { openContent } from './wiring/content.ts'
import { nameSecret, openKeys } from './wiring/keys.ts'
import { openVault } from './wiring/vault.ts'
import { type IdentityDeps, openCredentials, openIdentity } from './wiring/identity.ts'
import { createWorkloads, type WorkloadsDeps } from './apply/workloads.ts'
import { createFileEvidence, createFileStateCopy } from './trust/fs.ts'
import { createSecretCopy } from './trust/kube.ts'
import type { KeptStore } from './trust/kept.ts'
import type { ContentCache } from './trust/state.ts'
import { createMirroredTrust } from './trust/mirror.ts'
import { verifyRoot } from './trust/verify.ts'
import { createReceipts } from './receipts.ts'
import { createTrace } from './trace.ts'
import { openCollector } from './v8.ts'
import packageJson from './package.json' with { type: 'json' }

/* Wires the agent: configuration → adapters → agent → run until a signal. */

const { version } = packageJson

/** How long an expression may take; all else of the agent waits meanwhile. */
const expressionMs = 50

async function main(): Promise<void> {
  if (process.argv[2] === 'verify') {
    const { runVerify } = await import('./verify/command.ts')
    const { diskFiles } = await import('./verify/fs.ts')
    const say = (text: string): void => void process.stdout.write(text)
    process.exitCode = await runVerify(process.argv.slice(3), diskFiles, say, decompressZstd)
    return
  }
  if (process.argv[2] === 'status') return tellStatus(process.argv.slice(3))
  if (process.argv[2] === 'hold') return setHold(process.argv.slice(3))
  const config = await readConfig(process.argv.slice(2))
  if (!config) return
  const log = createLog(config.logLevel)
  log.info(config.explained, 'configuration')
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'stopping')
      stop.abort()
    })
  }
  const connection = await loadConnection({
    ...(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
    ...(config.context === undefined ? {} : { context: config.context }),
  })
  let tenure: Tenure | undefined
  const cluster = createKubeCluster(connection, {
    log: (message, fields) => log.info(fields, message),
    mayWrite: async () => tenure?.confirm(),
  })
  const unlock = await lockData(config.data)
  const trustSecret = nameSecret(connection, config.trustSecret, 'groundswell-agent-trust')
  const secret = trustSecret && createSecretCopy(connection, trustSecret)
  const copies = [...(secret ? [secret] : []), createFileStateCopy(config.data)]
  const shelved = openContent(connection, config, log)
  const opened = openKeys(connection, config.sopsKeys)
  const vault = await openVault(config.vault)
  const identitySecret = nameSecret(connection, config.identitySecret, 'groundswell-agent-identity')
  const kept = identitySecret && createSecretIdentityStore(connection, identitySecret)
  const store = kept ?? createFileIdentityStore(config.data)
  // Alive already while somebody has to approve it.
  const health = config.healthPort
    ? await serveHealth(config.healthPort, () => isReady())
    : undefined
  try {
    const { keys } = opened
    const { content, kept: earlier } = shelved
    const { references } = vault
    const world = {
      ...{ config, connection, cluster, store, copies, log, version, keys, content },
      ...{ references, kept: earlier },
    }
    tenure = await openTenure(world, stop.signal)
    if (!tenure) return
    const signal = AbortSignal.any([stop.signal, tenure.lost])
    try {
      const holds = openHolds(connection, config, log, signal)
      // Awaited below, after what is read beside it; a refusal of it is told there.
      holds.catch(() => undefined)
      await runAgent({ ...world, holds }, signal).finally(async () => (await holds).close())
    } finally {
      await tenure.release()
    }
    tenure.lost.throwIfAborted()
  } finally {
    await secret?.close()
    await shelved.close()
    await kept?.close()
    await opened.close()
    await vault.close()
    await health?.close()
    await cluster.close()
    await unlock()
  }
}

let isReady = (): boolean => false

async function runAgent(
  deps: IdentityDeps & {
    keys: KeyStore
    references: NonNullable<WorkloadsDeps['references']>
    content: ContentCache
    kept: KeptStore
    holds: Promise<Omit<Holds, 'close'>>
  },
  signal: AbortSignal,
): Promise<void> {
  const { config, copies, log } = deps
  const every = repeat
  // Asked while the identity is read, which takes as many answers: a connection each, or TLS is most of it.
  const asked = deps.cluster
    .uid(signal)
    .catch(() => undefined)
    .then(async (uid) => [uid, await openFacts(deps.cluster, every, signal)] as const)
  const stored = await openIdentity(deps, signal)
  if (!stored) return (await asked)[1].close()
  const trust = createMirroredTrust(
    copies,
    stored.root === undefined ? undefined : Buffer.from(stored.root, 'base64'),
  )
  const loaded = await trust.load()
  const credentials = openCredentials(deps, stored)
  // As it is now, not as it was when it joined: a copied identity shows itself by this.
  const [uid, facts] = await asked
  const holds = await deps.holds
  const { cluster } = facts
  const identity = { ...stored.identity, clusterUid: uid ?? stored.identity.clusterUid }
  const addresses = createAddresses(Math.random)
  const proxyFor = (address: string): Proxy | undefined => chooseProxy(address, process.env)
  const receipts = createReceipts({
    identity,
    key: createPrivateKey(stored.boundKey),
    clock: Date.now,
  })
  const workloads = createWorkloads({
    cluster,
    clusterId: identity.clusterId,
    formerIds: stored.formerIds,
    keys: deps.keys,
    references: deps.references,
    clock: systemClock,
    within: createTimeBound(expressionMs),
    random: Math.random,
    log: (message, fields) => log.info(fields, message),
    onChange: (states) => agent.onChange(states),
    isHeld: holds.isHeld,
    isVouched: () => agent.isVouched(),
    // Of a key that is nowhere but with the agent, and stays as long as the inventories do.
    salt: createHmac('sha256', stored.boundKey).update('groundswell/secret-fields/v1').digest(),
    onApplied: (applied) => receipts.note(applied),
  })
  const exporter =
    config.otlp === undefined
      ? undefined
      : (await import('@groundswell/proto/otlp/http.ts')).createOtlpExporter({
          ...{ service: 'groundswell-agent', version, url: config.otlp },
          ...{ fleet: identity.fleet, cluster: identity.cluster },
          log: (message) => log.warn({}, message),
        })
  const agent = createAgent({
    ...(exporter && { trace: createTrace(exporter.record, Date.now) }),
    identity,
    root: await verifyRoot(loaded.root),
    trust: { ...trust, load: () => Promise.resolve(loaded) },
    content: deps.content,
    evidence: createFileEvidence(config.data),
    kept: deps.kept,
    holds,
    receipts,
    dryRuns: createDryRuns({
      cluster,
      clusterId: identity.clusterId,
      monotonic: () => performance.now(),
      timeout: (ms) => AbortSignal.timeout(ms),
    }),
    workloads,
    dial: createDialling((doubted) => {
      const endpoint = credentials.endpoint()
      const address = addresses.next(endpoint.address)
      return dial(endpoint, { proxy: proxyFor(address), address, doubted })
    }),
    credentials,
    decompress: decompressZstd,
    collect: openCollector(),
    facts: facts.read,
    version,
    clock: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    nonce: () => randomBytes(32),
    sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
    every,
    log,
  })
  facts.listen(agent.noticeFacts)
  const tell = () => {
    const where = agent.where()
    if (!where) return '{}\n'
    const { connectedSince, ...rest } = where
    const { cluster: name, fleet } = identity
    const hub = { address: stored.endpoint.address, connectedSince }
    const applications = workloads.states()
    const notKept = deps.content.fault?.()
    const kept = notKept ? { notKept } : {}
    return formatStatus({
      cluster: name,
      fleet,
      version,
      hub,
      ...rest,
      ...kept,
      holds: holds.active(),
      applications,
    })
  }
  const local = await serveStatus(config.data, tell).catch((error: unknown) => {
    log.warn({ err: error }, 'agent status is not to be had here')
  })
  isReady = agent.isReady
  const proxy = proxyFor(listAddresses(credentials.endpoint().address)[0] ?? '')
  const via = proxy && `${proxy.host}:${proxy.port}`
  log.info(
    { cluster: identity.cluster, hub: stored.endpoint.address, via, data: config.data },
    'agent runs',
  )
  try {
    await agent.run(signal)
  } finally {
    facts.close()
    await local?.close()
    await workloads.close()
    await exporter?.[Symbol.asyncDispose]()
    log.info({}, 'agent stopped')
  }
}

/** `agent status [--json]`: what the agent of the same settings knows, with nobody else to ask. */
async function tellStatus(argv: readonly string[]): Promise<void> {
  const asJson = argv.includes('--json')
  const config = await readConfig(argv.filter((word) => word !== '--json'))
  if (!config) return
  const text = await askStatus(config.data)
  const status = parseStatus(text)
  process.stdout.write(asJson || !status ? text : describeStatus(status, Date.now()))
}

/** `agent hold …`: keeps updates from the agent of the same settings. */
async function setHold(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void process.stdout.write(holdUsage)
  const { command, settings } = parseHoldCommand(argv, Date.now())
  const config = await readConfig(settings)
  if (!config) return
  if (command.kind === 'release') {
    await removeFileHold(config.data)
    process.stdout.write('released\n')
    return
  }
  process.stdout.write(sayHold(command, await writeFileHold(config.data, command.members)))
}

async function readConfig(
  argv: readonly string[],
): Promise<(AgentConfig & { explained: object }) | undefined> {
  const path = findConfigFile({ argv, env: process.env, prefix: environmentPrefix })
  const file = path ? await readConfigFile(path) : {}
  const input = { argv, env: process.env, prefix: environmentPrefix, file: file ?? {} }
  const settings = readSettings(settingsTable, input)
  if (settings.get('help')) {
    process.stdout.write(
      `swell-agent: joins a cluster to a Groundswell hub and keeps it as Git says\n\n`,
    )
    process.stdout.write(`${describeSettings(settingsTable, environmentPrefix)}\n`)
    return undefined
  }
  const stateHome = process.env['XDG_STATE_HOME'] ?? `${homedir()}/.local/state`
  const config = parseConfig(input, stateHome)
  return { ...config, explained: explainSettings(settingsTable, settings) }
}

async function readConfigFile(path: string): Promise<Record<string, unknown> | null> {
  const { parse } = await import('yaml')
  return parse(readFileSync(path, 'utf8')) as Record<string, unknown> | null
}

function repeat(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof AgentError) && !(error instanceof SettingsError)) throw error
  process.stderr.write(`swell-agent: ${error.message}\n`)
  process.exitCode = 1
}
