import type { HubErrorCode } from '../errors.ts'
import { RunFailure } from '../fork-server/run.ts'

/** What a failed Git command means for the person who can mend it. */
export interface GitFault {
  readonly code: HubErrorCode
  readonly message: string
}

const damaged =
  'the repository holds objects that Git itself calls unsafe or damaged; run `git fsck --strict` there'
/** First match wins, so the sure signs come before the vague ones. */
const signs: readonly (readonly [RegExp, HubErrorCode, string])[] = [
  [
    /couldn't find remote ref|not our ref|no such ref was fetched/i,
    'revision_not_found',
    'the server does not have it; if it was deleted or renamed, point `ref` (of the fleet repository, `--branch`) at one that exists',
  ],
  [
    /host key verification failed|no matching host key|REMOTE HOST IDENTIFICATION HAS CHANGED/i,
    'source_refused',
    'the SSH host key is not in the known_hosts file, or is not the one in it; add the right key (ssh-keyscan, checked by another way)',
  ],
  [
    /authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \(|invalid credentials|returned error: 40[13]|load key /i,
    'source_refused',
    'the server refused the credential, or wants one and none is given: name one, or check its files and its rights to this repository',
  ],
  [
    // The last three are what Gitea and GitLab say over SSH, where there is no 404.
    /repository .*not found|returned error: 404|does not appear to be a git repository|not a git repository|is not authorized to|cannot find repository|project you were looking for could not be found/i,
    'source_refused',
    'there is no such repository, or the credential may not see it',
  ],
  [
    /redirect|returned error: 30[12378]/i,
    'source_refused',
    'the server redirects elsewhere, which is not followed; write the final URL',
  ],
  [
    /transport '.*' not allowed/i,
    'source_refused',
    'this protocol is not allowed; use https or ssh',
  ],
  [
    /certificate|SSL|TLS/,
    'source_refused',
    'the TLS certificate is not trusted; add its CA to the hub',
  ],
  [
    /fsck error|error in (object|tree|blob|commit|tag)|hasDot|malformed object/i,
    'source_refused',
    damaged,
  ],
  [
    // Ours; a pack that could not be written is none that is damaged.
    /^(?!remote:).*(no space left on device|disk quota)/im,
    'internal',
    'no space is left on the disk here for what the server has; make room',
  ],
  [
    // Of a pack without its end Git says that indexing it failed, too.
    /curl (18|56|92) |transfer closed|early EOF|unexpected disconnect|remote end hung up/i,
    'source_unreachable',
    'the connection broke off in the middle of the answer',
  ],
  [/index-pack failed|bad object|fatal: pack/i, 'source_refused', damaged],
  [/could not resolve host/i, 'source_unreachable', 'the host name does not resolve'],
  [
    /timed out|timeout|failed to connect|couldn't connect|connection refused|connection reset|no route/i,
    'source_unreachable',
    'no connection to the server',
  ],
]

/** Bytes at the end of what Git printed in which it says why. */
const lastBytes = 16_384

/** Of a Git that gave no answer nothing is known but that it may be asked again. */
export function explainGitFailure(cause: unknown): GitFault {
  if (!(cause instanceof RunFailure)) return explainGitFault(String(cause))
  const { code, message, stderr } = cause
  if (code === 'failed') return explainGitFault(stderr.slice(-lastBytes) || message)
  return { code: code === 'too_much' ? 'source_refused' : 'source_unreachable', message }
}

/** Words of Git (in the C locale) → what is wrong. The last words of Git are quoted, bounded. */
export function explainGitFault(stderr: string): GitFault {
  const quoted = lastWords(stderr)
  for (const [sign, code, words] of signs) {
    if (sign.test(stderr)) return { code, message: quoted ? `${words} (git: ${quoted})` : words }
  }
  return {
    code: 'source_unreachable',
    message: quoted ? `git: ${quoted}` : 'git failed and did not say why',
  }
}

function lastWords(stderr: string): string {
  const lines = stderr
    .split('\n')
    // A server can put anything here; it must not move the cursor of whoever reads the log.
    .map((line) => line.replace(/\p{Cc}/gu, ' ').trim())
    .filter(Boolean)
  // Hosts frame what they say with empty lines of `error:`; what asked for a password is ours.
  const fatal = lines.filter(
    (line) => /^(?:Error: )?(fatal|error|remote: error): *\S/.test(line) && !/askpass/.test(line),
  )
  return (fatal[0] ?? lines.at(-1) ?? '')
    .replace(/\/\/[^/@\s]*@/g, '//')
    .replace(/^(?:Error: )?(fatal|error): /, '')
    .slice(0, 300)
}
