/* What no line of a log and no file of a support bundle may hold, wherever in the text it stands. */

const hidden = '(hidden)'

/** By form alone: what has no form (a password of one's own choice) must never be handed to a log. */
const forms: readonly (readonly [RegExp, string])[] = [
  // Also as JSON has it, with \n for line ends.
  [
    /-----BEGIN ((?:[A-Z]+ )*)PRIVATE KEY-----[^]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)/g,
    hidden,
  ],
  [/AGE-SECRET-KEY-1[0-9A-Z]{20,}/gi, hidden],
  // `//user:password@`, and a token as the user's name.
  [/(\/\/[^\s/"'@:]*):[^\s/"'@]+@/g, `$1:${hidden}@`],
  [/(https?:\/\/)[^\s/"'@:]{16,}@/g, `$1${hidden}@`],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, `$1 ${hidden}`],
  // JSON Web Tokens: of identity providers, of services.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, hidden],
  // Our API tokens, and those of Git hosts.
  [/\bgsw_[0-9a-z]{12}_[\w-]{20,}/g, hidden],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|glrt-|xox[abprs]-)[\w-]{16,}/g, hidden],
  [/\bAKIA[0-9A-Z]{16}\b/g, hidden],
  // A private JSON Web Key by its secret member.
  [/("(?:d|k|p|q|dp|dq|qi)" *: *)"[\w-]{16,}"/g, `$1"${hidden}"`],
  [/(\\"(?:d|k|p|q|dp|dq|qi)\\" *: *)\\"[\w-]{16,}\\"/g, `$1\\"${hidden}\\"`],
]

/** The text without whatever has the form of a secret. */
export function hideSecrets(text: string): string {
  return forms.reduce((shown, [form, instead]) => shown.replace(form, instead), text)
}
