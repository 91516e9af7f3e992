/** What Git's check of one signature came to. */
export type SignatureOutcome =
  { readonly good: true; readonly signer: string } | { readonly good: false; readonly why: string }

/** Of GnuPG, in words for people. A good signature of a key that expired is no good signature. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [/^\[GNUPG:\] BADSIG /m, 'its signature does not fit what is signed'],
  [/^\[GNUPG:\] REVKEYSIG /m, 'its key was revoked'],
  [/^\[GNUPG:\] EXPKEYSIG /m, 'its key has expired'],
  [/^\[GNUPG:\] EXPSIG /m, 'its signature has expired'],
  [/^\[GNUPG:\] NO_PUBKEY /m, 'its key is none of the signers'],
  [/^\[GNUPG:\] ERRSIG /m, 'its signature cannot be checked'],
  [/No principal matched/, 'its key is none of the signers'],
  // Of ssh-keygen's reasons Git says no more.
  [/Could not verify signature/, 'its signature does not hold, or its key was revoked'],
  [/no signature found/i, 'it is not signed'],
]

/**
 * What `git verify-commit --raw` or `verify-tag --raw` said, and its exit code, which alone is not
 * believed: exactly one signature has to be good, and by a known key.
 */
export function judgeSignature(exitCode: number, words: string): SignatureOutcome {
  for (const [sign, why] of refusals) if (sign.test(words)) return { good: false, why }
  if (exitCode !== 0) {
    const silent = words.trim() === ''
    return { good: false, why: silent ? 'it is not signed' : 'its signature cannot be checked' }
  }
  const ssh = [...words.matchAll(/^Good "git" signature for (\S+) with \S+ key (SHA256:\S+)$/gm)]
  const openpgp = [...words.matchAll(/^\[GNUPG:\] GOODSIG [0-9A-F]+ (.+)$/gm)]
  const valid = [...words.matchAll(/^\[GNUPG:\] VALIDSIG ([0-9A-F]{40,64}) /gm)]
  if (ssh.length === 1 && openpgp.length === 0) {
    return { good: true, signer: clean(`${ssh[0]![1]} ${ssh[0]![2]}`) }
  }
  if (ssh.length === 0 && openpgp.length === 1 && valid.length === 1) {
    return { good: true, signer: clean(`${openpgp[0]![1]} ${valid[0]![1]}`) }
  }
  return { good: false, why: 'its signature cannot be checked' }
}

/** The members of a tag object that decide what it says. */
export function parseTag(text: string): { object: string; type: string; tag: string } {
  const head = text.slice(0, Math.max(0, text.indexOf('\n\n')))
  const member = (name: string) => new RegExp(`^${name} (.+)$`, 'm').exec(head)?.[1] ?? ''
  return { object: member('object'), type: member('type'), tag: member('tag') }
}

function clean(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, 200)
}
