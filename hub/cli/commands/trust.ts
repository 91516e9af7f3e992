import type { Command } from 'commander'
import { parseDuration } from '@groundswell/proto/duration.ts'
import { EnvelopeError, parseEnvelope } from '@groundswell/proto/envelope.ts'
import { isDigest } from '@groundswell/proto/digest.ts'
import type { Approval, ApprovalPolicy, Root, RoleName } from '@groundswell/proto/statement.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import { openRoot } from '../../bundle/root-chain.ts'
import { checkRootSize, listRootWarnings } from '../../bundle/root-warning.ts'
import type { SignedRoot } from '../../bundle/root.ts'
import { addSignatures, draftRoot, makeKey, readKey } from '../../bundle/root-draft.ts'
import { type SigningKey, signStatement } from '../../bundle/sign.ts'
import { HubError } from '../../errors.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { isData, printData, outputOption } from '../data-output.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine } from '../output.ts'

const roleNames = ['root', 'snapshot', 'freshness', 'approver'] as const
const day = 24 * 3600

interface RotateFlags {
  readonly root: string
  readonly key: readonly string[]
  readonly out: string
  readonly role?: RoleName
  readonly newKey?: string
  readonly drop: readonly string[]
  readonly threshold?: string
  readonly requireApproval: readonly string[]
  readonly days: string
}

/** Root statements and approvals, on files: private keys never leave this machine. */
export function addTrust(program: Command, { terminal, connect }: CommandContext): void {
  const { signal } = terminal
  const trust = program.command('trust').description('root keys, rotation and approvals, on files')
  const seconds = (): number => Math.floor(terminal.now() / 1000)
  const read = async (path: string): Promise<string> => {
    const text = await terminal.readFile(path)
    if (text === undefined) throw new CliFailure(2, `there is no file ${path}`)
    return text
  }
  const readKeys = (paths: readonly string[]): Promise<SigningKey[]> =>
    Promise.all(paths.map(async (path) => readKey(await read(path), path)))
  const readRoot = async (path: string) => openRoot(Buffer.from(await read(path)))
  const saveKey = async (path: string): Promise<SigningKey> => {
    const { key, text } = await makeKey()
    await terminal.writeFile(path, text, 0o600)
    terminal.say(`wrote ${path}, a private key: ${thumbprintOf(key.publicKey)}\n`)
    return key
  }
  const saveDraft = async (path: string, envelope: Uint8Array): Promise<void> => {
    await terminal.writeFile(path, Buffer.from(envelope).toString(), 0o644)
    terminal.out(`${path}\n`)
  }
  const tell = (warnings: readonly { readonly code: string; readonly message: string }[]): void => {
    for (const { code, message } of warnings) terminal.say(`warning: ${code}: ${message}\n`)
  }
  const warn = (signed: SignedRoot): void => tell(listRootWarnings(signed, terminal.now()))
  /** @throws HubError `root_refused` for one that no agent would read */
  const signRoot = async (root: Root, keys: readonly SigningKey[]): Promise<Uint8Array> => {
    const { envelope, digest } = await signStatement('root', root, keys)
    checkRootSize(root, envelope)
    warn({ root, envelope, digest })
    return envelope
  }
  const many = (value: string, before: readonly string[]): string[] => [...before, value]

  trust
    .command('init')
    .description('make the keys and the first root statement of a new fleet')
    .requiredOption('--fleet <name>', 'name of the fleet, as the hub has it in --name')
    .option('--root-keys <n>', 'how many root keys', '1')
    .option('--threshold <t>', 'how many of them must sign', '1')
    .option('--days <n>', 'life of the root statement', '365')
    .argument('<directory>', 'where the files go; it must be there')
    .action((directory: string, flags: Record<string, string>) =>
      explain(async () => {
        const count = toCount(flags['rootKeys'], '--root-keys')
        const rootKeys: SigningKey[] = []
        for (let at = 1; at <= count; at += 1) {
          rootKeys.push(await saveKey(`${directory}/root-${at}.jwk`))
        }
        const snapshot = await saveKey(`${directory}/snapshot.jwk`)
        const freshness = await saveKey(`${directory}/freshness.jwk`)
        const role = (...keys: SigningKey[]) => ({
          keys: keys.map(({ publicKey }) => publicKey),
          threshold: 1,
        })
        const threshold = toCount(flags['threshold'], '--threshold')
        const root: Root = {
          v: 1,
          fleet: flags['fleet']!,
          version: 1,
          epoch: 1,
          expiresAt: seconds() + toCount(flags['days'], '--days') * day,
          roles: {
            root: { ...role(...rootKeys), threshold },
            snapshot: role(snapshot),
            freshness: role(freshness),
            approver: role(),
          },
          policies: [],
        }
        const envelope = await signRoot(root, rootKeys)
        openRoot(envelope)
        await saveDraft(`${directory}/root.json`, envelope)
        terminal.say(
          'before the hub first starts, put root.json, snapshot.jwk and freshness.jwk into keys/ of its data directory; keep the root keys off it\n',
        )
      }),
    )

  withConnection(trust.command('show'))
    .description('the newest root statement of the hub, or one in a file')
    .option('--root <file>', 'a root statement')
    .addOption(outputOption('text'))
    .action((flags: ConnectionFlags & { root?: string; output: string }) =>
      explain(async () => {
        if (flags.root !== undefined) {
          const signed = await readRoot(flags.root)
          const { root, digest } = signed
          if (isData(flags.output)) return printData(terminal, flags.output, root)
          warn(signed)
          return terminal.out(await describe(root, digest))
        }
        const view = await (await connect(flags)).call('getTrust', { signal })
        if (isData(flags.output)) return printData(terminal, flags.output, view)
        const newest = openRoot(Buffer.from(view.envelopes.at(-1) ?? '', 'base64'))
        // A hub knows more of it than the statement itself says; one of before does not say what.
        if (view.warnings) tell(view.warnings)
        else warn(newest)
        terminal.out(await describe(newest.root, newest.digest))
      }),
    )

  const change = (name: string, about: string, newEpoch: boolean): void => {
    const command = trust
      .command(name)
      .description(about)
      .requiredOption('--root <file>', 'the newest root statement')
      .requiredOption(
        '--key <file>',
        'a root key that signs; of the old keys and the new',
        many,
        [],
      )
      .option('--role <role>', `gets a new key: ${roleNames.join(', ')}`)
      .option('--new-key <file>', 'where the new private key goes; one that is there is taken')
      .option('--drop <id>', 'id of a key that goes, see `swell trust show`', many, [])
      .option('--threshold <t>', 'of the role')
      .option(
        '--require-approval <group=clusters>',
        'edge=edge-1,edge-2 or all=*: content there needs an approver; replaces what was asked before',
        many,
        [],
      )
      .option('--days <n>', 'life of the root statement', '365')
      .requiredOption('--out <file>', 'where the next root statement goes')
    command.action((flags: RotateFlags) => explain(() => writeNext(flags, newEpoch)))
  }
  change('rotate', 'draft the next root statement with a key or policy changed', false)
  change('revoke', 'after a compromise: drop a key and begin a new epoch', true)

  async function writeNext(flags: RotateFlags, newEpoch: boolean): Promise<void> {
    const { root } = await readRoot(flags.root)
    const { role, newKey } = flags
    if (role !== undefined && !roleNames.includes(role)) {
      throw new CliFailure(2, `--role: one of ${roleNames.join(', ')}`)
    }
    if (newEpoch && flags.drop.length === 0) throw new CliFailure(2, '--drop: say which key')
    if ((role === undefined) !== (newKey === undefined && flags.threshold === undefined)) {
      throw new CliFailure(2, '--role goes with --new-key or --threshold')
    }
    const signers = await readKeys(flags.key)
    const add = []
    if (role !== undefined && newKey !== undefined) {
      const there = await terminal.readFile(newKey)
      const key = there === undefined ? await saveKey(newKey) : await readKey(there, newKey)
      add.push({ role, key: key.publicKey })
      if (role === 'root') signers.push(key)
    }
    const policies = flags.requireApproval.map(toPolicy)
    const next = await draftRoot(root, {
      drop: flags.drop,
      add,
      newEpoch,
      expiresAt: seconds() + toCount(flags.days, '--days') * day,
      ...(policies.length > 0 && { policies }),
      ...(role !== undefined &&
        flags.threshold !== undefined && {
          thresholds: { [role]: toCount(flags.threshold, '--threshold') },
        }),
    })
    await saveDraft(flags.out, await signRoot(next, signers))
    terminal.say(
      `version ${next.version}, epoch ${next.epoch}; have others sign it with \`swell trust sign root\`, put new online keys into keys/ of the signer, then \`swell trust publish ${flags.out}\`\n`,
    )
  }

  const sign = trust.command('sign').description('sign a root statement or an approval')
  sign
    .command('root')
    .description('add a signature to a drafted root statement')
    .argument('<file>')
    .requiredOption('--key <file>', 'a root key', many, [])
    .requiredOption('--out <file>', 'where the signed statement goes')
    .action((path: string, flags: { key: string[]; out: string }) =>
      explain(async () => {
        const keys = await readKeys(flags.key)
        await saveDraft(flags.out, await addSignatures(Buffer.from(await read(path)), keys))
      }),
    )
  sign
    .command('approval')
    .description('approve that some content may run')
    .requiredOption('--fleet <name>')
    .requiredOption('--application <name>')
    .requiredOption('--digest <digest>', 'of the manifest, or `removed`')
    .requiredOption('--clusters <names>', 'comma-separated, or *')
    .requiredOption('--key <file>', 'an approver key', many, [])
    .option('--for <duration>', 'how long it is good', '168h')
    .requiredOption('--out <file>', 'where the approval goes')
    .action((flags: Record<string, string> & { key: string[] }) =>
      explain(async () => {
        const content = flags['digest']
        if (!isDigest(content) && content !== 'removed') {
          throw new CliFailure(2, '--digest: sha256:…, or removed')
        }
        const approval: Approval = {
          v: 1,
          fleet: flags['fleet']!,
          application: flags['application']!,
          content,
          clusters: flags['clusters']!.split(',').sort(),
          issuedAt: seconds(),
          expiresAt: seconds() + Math.floor(parseDuration(flags['for']!) / 1000),
        }
        const { envelope } = await signStatement('approval', approval, await readKeys(flags.key))
        await saveDraft(flags['out']!, envelope)
      }),
    )

  withConnection(trust.command('publish'))
    .description('hand a root statement or an approval to the hub')
    .argument('<file>')
    .action((path: string, flags: ConnectionFlags) =>
      explain(async () => {
        const bytes = Buffer.from(await read(path))
        const body = { envelope: bytes.toString('base64') }
        const client = await connect(flags)
        if (isRoot(bytes)) {
          const made = await client.call('publishRoot', { body, signal })
          return terminal.out(`root version ${made.version}, epoch ${made.epoch}\n`)
        }
        const made = await client.call('recordApproval', { body, signal })
        const clusters = made.clusters.map(escapeLine).join(', ')
        terminal.out(`application/${escapeLine(made.application)} approved for ${clusters}\n`)
      }),
    )
}

/** By what its signatures say they are of; whether they hold is the hub's to find out. */
function isRoot(envelope: Uint8Array): boolean {
  try {
    parseEnvelope(envelope, 'root')
    return true
  } catch {
    return false
  }
}

async function describe(root: Root, digest: string): Promise<string> {
  const lines = [
    `fleet     ${root.fleet}`,
    `version   ${root.version}`,
    `epoch     ${root.epoch}`,
    `expires   ${new Date(root.expiresAt * 1000).toISOString()}`,
    `digest    ${digest}`,
  ]
  for (const name of roleNames) {
    const { keys, threshold } = root.roles[name]
    lines.push(`${name.padEnd(9)} ${threshold} of ${keys.length}`)
    for (const key of keys) lines.push(`          ${thumbprintOf(key)}`)
  }
  for (const { group, clusters, approvers } of root.policies) {
    lines.push(`approval  ${group}: ${approvers} for ${clusters.join(', ')}`)
  }
  return lines.map((line) => `${escapeLine(line)}\n`).join('')
}

/** `edge=edge-1,edge-2` → one approver for these clusters. */
function toPolicy(text: string): ApprovalPolicy {
  const at = text.indexOf('=')
  const clusters = text
    .slice(at + 1)
    .split(',')
    .filter(Boolean)
    .sort()
  if (at < 1 || clusters.length === 0) {
    throw new CliFailure(2, `--require-approval: group=cluster,cluster: ${text}`)
  }
  return { group: text.slice(0, at), clusters, approvers: 1 }
}

function toCount(text: string | undefined, flag: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new CliFailure(2, `${flag}: a number from 1: ${text}`)
}

/** What files and statements may have wrong is for the person to mend. */
async function explain(run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (cause) {
    if (!(cause instanceof HubError) && !(cause instanceof EnvelopeError)) throw cause
    throw new CliFailure(2, cause.message, { cause })
  }
}
