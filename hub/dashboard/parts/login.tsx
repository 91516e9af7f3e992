import { useEffect, useState } from 'preact/hooks'
import type { LoginView } from '../../client/gen/api.ts'
import { call, findSession, isKnown } from '../data/client.ts'
import { signIn } from '../session.ts'

export function Login() {
  const [text, setText] = useState('')
  const [fault, setFault] = useState('')
  const [login, setLogin] = useState<LoginView>()
  useEffect(() => {
    const look = async (): Promise<void> => {
      const known = await call('getLogin', {})
      const found = known.browser ? await findSession() : null
      if (found) signIn(found)
      else setLogin(known)
    }
    look().catch((error: unknown) => setFault((error as Error).message))
  }, [])
  async function enter(event: Event): Promise<void> {
    event.preventDefault()
    setFault('')
    try {
      const token = text.trim()
      if (await isKnown(token)) signIn({ kind: 'token', token })
      else setFault('The hub does not know this token.')
    } catch (error) {
      setFault((error as Error).message)
    }
  }
  return (
    <main class="login">
      <form onSubmit={(event) => void enter(event)}>
        <h1>Groundswell</h1>
        {login?.browser && login.issuer !== null && (
          <p>
            <a class="button" href={`/auth/login?return=${encodeURIComponent(here())}`}>
              Sign in at {new URL(login.issuer).host}
            </a>
          </p>
        )}
        <label>
          Token
          <input
            type="password"
            value={text}
            autocomplete="current-password"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        {fault !== '' && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="primary" disabled={text.trim() === ''}>
          Sign in
        </button>
        <p class="quiet">
          It stays in this tab and is gone with it. The first one is in the hub’s data directory, in{' '}
          <code>admin-token</code>.
        </p>
      </form>
    </main>
  )
}

/** Where somebody wanted to go. */
function here(): string {
  return location.pathname + location.search
}
