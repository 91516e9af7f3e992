import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import { RunFailure, type RunFailureCode, type RunProgram } from '../../fork-server/run.ts'
import { judgeSignature, type SignatureOutcome } from './outcome.ts'
import type { Signers } from './signers.ts'

export interface VerifierOptions {
  /** Of the repository, for messages. */
  readonly name: string
  /** The bare repository; keys lie in it for the time of one check. */
  readonly directory: string
  /** Of Git commands that stay in the mirror. */
  readonly environment: Readonly<Record<string, string>>
  /** Looked up for each check, so that a key that was taken out counts no more. */
  readonly signers: () => Signers
  /** Runs Git and GnuPG. */
  readonly run: RunProgram
}

/** Checks signatures of one repository's objects. */
export interface Verifier {
  /**
   * @throws HubError `source_refused` when the keys themselves cannot be used, `source_unreachable` where Git gave no answer
   */
  verify(kind: 'commit' | 'tag', oid: string): Promise<SignatureOutcome>
}

const timeout = 20_000
const printedBytes = 64 * 1024
const rememberedChecks = 64
/** Milliseconds; a key may have expired by then. */
const rememberedFor = 600_000
const keysPrefix = 'access-keys-'
const passing: ReadonlySet<RunFailureCode> = new Set(['stopped', 'lost', 'busy'])

export function createVerifier({
  name,
  directory,
  environment,
  signers,
  run,
}: VerifierOptions): Verifier {
  const known = new Map<string, { readonly outcome: SignatureOutcome; readonly at: number }>()

  async function read(file: string | undefined): Promise<Buffer> {
    if (file === undefined) return Buffer.alloc(0)
    return readFile(file).catch((cause: unknown) => {
      throw refuse(`the signers' file ${file} cannot be read`, cause)
    })
  }

  function refuse(message: string, cause?: unknown): HubError {
    return new HubError('source_refused', `repository ${name}: ${message}`, { cause })
  }

  function optionsOf(env: Readonly<Record<string, string>>) {
    const signal = AbortSignal.timeout(timeout)
    return { cwd: directory, env, signal, maxBytes: printedBytes }
  }

  /** A program that was stopped, or lost, says nothing of keys and signatures: it is asked again. */
  function explain(cause: unknown, refusal: string): HubError {
    const isPassing = cause instanceof RunFailure && passing.has(cause.code)
    if (!isPassing) return refuse(refusal, cause)
    const words = `repository ${name}: its signature was not checked: ${cause.message}`
    return new HubError('source_unreachable', words, { cause })
  }

  async function check(
    kind: 'commit' | 'tag',
    oid: string,
    keys: { readonly ssh: Buffer; readonly revoked: Buffer; readonly openpgp: Buffer },
    openpgpFile: string | undefined,
  ): Promise<SignatureOutcome> {
    const home = await mkdtemp(join(directory, keysPrefix))
    try {
      await chmod(home, 0o700)
      await writeFile(join(home, 'allowed'), keys.ssh)
      await writeFile(join(home, 'revoked'), keys.revoked)
      // Whose keys are here was decided by the hub's own configuration, not by a web of trust.
      await writeFile(join(home, 'gpg.conf'), 'trust-model always\n')
      const env = {
        ...environment,
        ...configure(environment, [
          ['gpg.program', 'gpg'],
          ['gpg.ssh.program', 'ssh-keygen'],
          ['gpg.x509.program', 'false'],
          ['gpg.ssh.allowedSignersFile', join(home, 'allowed')],
          ['gpg.ssh.revocationFile', join(home, 'revoked')],
        ]),
        GNUPGHOME: home,
      }
      if (keys.openpgp.length > 0) {
        const file = join(home, 'keys')
        await writeFile(file, keys.openpgp)
        const args = ['--batch', '--quiet', '--no-autostart', '--import', file]
        await run('gpg', args, optionsOf(env)).catch((cause: unknown) => {
          throw explain(
            cause,
            `the OpenPGP keys of ${openpgpFile} cannot be used; is gpg installed?`,
          )
        })
      }
      const args = [`verify-${kind}`, '--raw', '--end-of-options', oid]
      return await run('git', args, optionsOf(env)).then(
        ({ stdout, stderr }) => judgeSignature(0, `${stdout}\n${stderr}`),
        (cause: unknown) => {
          if (!(cause instanceof RunFailure) || cause.exitCode === undefined) {
            throw explain(cause, 'what is to be a signature cannot be read')
          }
          return judgeSignature(cause.exitCode, `${cause.stdout}\n${cause.stderr}`)
        },
      )
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  }

  return {
    async verify(kind, oid) {
      if (!/^[0-9a-f]{40}$/.test(oid)) throw new HubError('internal', `not an object id: ${oid}`)
      const files = signers()
      const keys = {
        ssh: await read(files.allowedSignersFile),
        revoked: await read(files.revokedKeysFile),
        openpgp: await read(files.openpgpKeysFile),
      }
      const digests = Object.values(keys).map((bytes) => digestOf(bytes))
      const key = JSON.stringify([kind, oid, ...digests])
      const before = known.get(key)
      if (before && Date.now() - before.at < rememberedFor) return before.outcome
      const outcome = await check(kind, oid, keys, files.openpgpKeysFile)
      known.delete(key)
      known.set(key, { outcome, at: Date.now() })
      if (known.size > rememberedChecks) known.delete(known.keys().next().value!)
      return outcome
    },
  }
}

/** Adds to the configuration that an environment hands to Git. */
function configure(
  environment: Readonly<Record<string, string>>,
  more: readonly (readonly [string, string])[],
): Record<string, string> {
  const from = Number(environment['GIT_CONFIG_COUNT'] ?? 0)
  return {
    ...Object.fromEntries(
      more.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${from + index}`, key],
        [`GIT_CONFIG_VALUE_${from + index}`, value],
      ]),
    ),
    GIT_CONFIG_COUNT: String(from + more.length),
  }
}
