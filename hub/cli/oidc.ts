import * as client from 'openid-client'
import type { DeviceLogin, OpenProvider, ProviderTokens } from './login.ts'

/** Seconds for one answer of the provider. */
const patience = 10

/** The identity provider, asked by its own library; errors are as it throws them. */
export const openProvider: OpenProvider = async (issuer, clientId) => {
  const url = new URL(issuer)
  const local = url.protocol === 'http:' && /^(localhost|127\.|\[::1\])/.test(url.hostname)
  const config = await client.discovery(url, clientId, undefined, client.None(), {
    timeout: patience,
    execute: local ? [client.allowInsecureRequests] : [],
  })
  const read = (
    answer: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  ): ProviderTokens => ({
    idToken: answer.id_token,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    idTokenExpiresAt: answer.claims()?.exp,
    accessTokenSeconds: answer.expiresIn(),
  })
  return {
    async start(scopes): Promise<DeviceLogin> {
      const asked = await client.initiateDeviceAuthorization(config, { scope: scopes.join(' ') })
      return {
        url: asked.verification_uri,
        completeUrl: asked.verification_uri_complete,
        code: asked.user_code,
        finish: async (signal) =>
          read(await client.pollDeviceAuthorizationGrant(config, asked, undefined, { signal })),
      }
    },
    renew: async (refreshToken) => read(await client.refreshTokenGrant(config, refreshToken)),
    revoke: (token) => client.tokenRevocation(config, token),
  }
}
