import { type Static, Type } from 'typebox'
import { type Role, roles } from '../access/principal.ts'
import type { Frozen } from './views.ts'

const Time = Type.String({ description: 'RFC 3339, UTC' })
const RoleName = Type.Unsafe<Role>({ type: 'string', enum: roles })

export const ApiTokenView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    role: Type.Union([RoleName, Type.Null()]),
    groups: Type.Array(Type.String()),
    expiresAt: Time,
  },
  { $id: 'ApiTokenView', description: 'A bearer token for a program; never its secret.' },
)

export const MadeApiTokenView = Type.Object(
  {
    ...ApiTokenView.properties,
    token: Type.String({ description: 'shown once; the hub keeps only its hash' }),
  },
  { $id: 'MadeApiTokenView', description: 'A bearer token that was just made.' },
)

export const WhoView = Type.Object(
  {
    actor: Type.String({ description: 'as the ledger names them' }),
    role: Type.Union([RoleName, Type.Null()], {
      description: 'over the whole fleet',
    }),
    groups: Type.Array(Type.String()),
    expiresAt: Type.Union([Time, Type.Null()]),
    csrf: Type.Union([Type.String(), Type.Null()], {
      description: 'what X-CSRF-Token has to say; of a browser that logged in',
    }),
    actions: Type.Array(Type.String(), { description: 'that may be done to some application' }),
  },
  { $id: 'WhoView', description: 'Who the caller is to the hub.' },
)

export const LoginView = Type.Object(
  {
    issuer: Type.Union([Type.String(), Type.Null()]),
    clientId: Type.Union([Type.String(), Type.Null()], { description: 'of the device flow' }),
    scopes: Type.Array(Type.String()),
    accept: Type.Unsafe<'idToken' | 'accessToken'>({
      type: 'string',
      enum: ['idToken', 'accessToken'],
      description: 'which of its tokens callers send',
    }),
    browser: Type.Boolean({ description: 'whether /auth/login is there' }),
  },
  { $id: 'LoginView', description: 'The identity provider that logs people in.' },
)

export type ApiTokenView = Frozen<Static<typeof ApiTokenView>>
export type WhoView = Frozen<Static<typeof WhoView>>
export type LoginView = Frozen<Static<typeof LoginView>>
