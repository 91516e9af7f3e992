import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose'
import type { IssuerSetting } from './issuer-setting.ts'
import { higherRole, type Principal, type Role } from './principal.ts'

/** Signatures by keys that only the provider has; no shared secrets, and never `none`. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
/** Seconds that clocks may differ. */
const clockTolerance = 30
const mostGroups = 500
/** Characters; more than a header of ours can hold anyway. */
const longestToken = 15_000

/**
 * A token of the identity provider → who sent it; undefined for one that does not hold, whatever
 * is wrong with it: callers learn no more.
 *
 * @throws whatever `keys` throws when the provider cannot be asked
 */
export async function verifyLogin(
  token: string,
  keys: JWTVerifyGetKey,
  setting: IssuerSetting,
  now: number,
): Promise<Principal | undefined> {
  if (token.length > longestToken) return undefined
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: setting.issuer,
      audience: [...setting.audiences],
      algorithms,
      clockTolerance,
      currentDate: new Date(now),
      requiredClaims: ['sub', 'exp', 'iat'],
      // RFC 9068, so that an ID token is not taken for an access token.
      ...(setting.accept === 'accessToken' && { typ: 'at+jwt' }),
    })
    if (setting.accept === 'idToken' && !isIdToken(payload, protectedHeader.typ, setting)) {
      return undefined
    }
    return readPrincipal(payload, setting)
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

/** OpenID Connect Core 1.0, §2 and §3.1.3.7: who a token was issued to, where it says so. */
function isIdToken(claims: JWTPayload, typ: string | undefined, setting: IssuerSetting): boolean {
  if (typ !== undefined && typ.toUpperCase() !== 'JWT') return false
  const azp = claims['azp']
  if (azp === undefined) return !Array.isArray(claims.aud) || claims.aud.length === 1
  return azp === setting.clientId || azp === setting.cliClientId
}

function readPrincipal(claims: JWTPayload, setting: IssuerSetting): Principal | undefined {
  const name = claims[setting.nameClaim]
  const groups = claims[setting.groupsClaim] ?? []
  const list = typeof groups === 'string' ? [groups] : groups
  // An address that nobody has verified may be anybody's. Some providers say so in text; those that say nothing vouch for it.
  const { email_verified: verified = true } = claims
  if (setting.nameClaim === 'email' && verified !== true && verified !== 'true') return undefined
  if (typeof name !== 'string' || !/^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]{1,256}$/u.test(name)) {
    return undefined
  }
  if (!Array.isArray(list) || list.length > mostGroups) return undefined
  if (!list.every((group): group is string => typeof group === 'string')) return undefined
  const role = list.reduce<Role | null>(
    (found, group) => higherRole(found, setting.roles.get(group) ?? null),
    null,
  )
  // Only ever to find that somebody is an author: what nobody has verified will do.
  const names = [name, claims['email'], claims['preferred_username'], claims['name']].filter(
    (one): one is string => typeof one === 'string' && one !== '' && one.length <= 256,
  )
  const expiresAt = claims.exp! * 1_000
  return { actor: `oidc:${name}`, role, groups: list, names: [...new Set(names)], expiresAt }
}

/** A fault of the token, as against one of asking for the provider's keys. */
function isRefusal(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false
  return error instanceof errors.JOSEError && error.constructor !== errors.JOSEError
}
