import type { IncomingMessage } from 'node:http'
import type { Fetch, HttpAnswer } from './terminal.ts'

/**
 * Asks by Node's own `http` and `https`. Its `fetch` is loaded when it is first used, which takes longer
 * than all else that a command does; so does an import of these two, which reads all they export.
 */
export const fetchAnswer: Fetch = (url, { method = 'GET', headers, body, signal }) => {
  const name = url.protocol === 'https:' ? 'node:https' : 'node:http'
  const { request } = process.getBuiltinModule(name)
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const asked = request(url, { method, headers: { ...headers }, signal }, (response) => {
    const { statusCode = 0 } = response
    if (statusCode >= 300 && statusCode < 400) {
      response.destroy()
      return reject(new Error(`it points elsewhere (${statusCode})`))
    }
    // Nobody reads what is not there, and a connection that is not read to its end keeps the program.
    if (statusCode === 204) response.resume()
    resolve(toAnswer(response))
  })
  asked.on('error', (error) => {
    // Of a name with several addresses, an error for each; the first says enough.
    const first: unknown = error instanceof AggregateError ? error.errors[0] : error
    reject(signal.aborted ? (signal.reason as Error) : (first as Error))
  })
  asked.end(body)
  return promise
}

function toAnswer(response: IncomingMessage): HttpAnswer {
  const { statusCode: status = 0, statusMessage: statusText = '' } = response
  return {
    ...{ ok: status >= 200 && status < 300, status, statusText, body: response },
    headers: { get: (name) => [response.headers[name] ?? []].flat()[0] ?? null },
  }
}
