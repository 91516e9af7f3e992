import {
  Server,
  ServerCredentials,
  credentials,
  makeGenericClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js'

const same = (bytes: Buffer): Buffer => bytes
const definition: ServiceDefinition = {
  echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
}
const inFlight = 16

type Echo = (bytes: Buffer, callback: (error: Error | null) => void) => void

/** Unary calls of 64 bytes answered in a second, so many at once that neither end waits. */
export async function measureEchoes(milliseconds: number): Promise<number> {
  const server = new Server({ 'grpc.enable_channelz': 0 })
  server.addService(definition, {
    echo: (call: { request: Buffer }, callback: (error: null, value: Buffer) => void) =>
      callback(null, call.request),
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const Client = makeGenericClientConstructor(definition, 'Echo')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const call = client['echo'] as unknown as Echo
  const body = Buffer.alloc(64)
  const echo = (): Promise<void> =>
    new Promise((resolve, reject) => {
      call.call(client, body, (error) => (error ? reject(error) : resolve()))
    })
  try {
    await echo()
    const start = performance.now()
    let count = 0
    const loop = async (): Promise<void> => {
      while (performance.now() - start < milliseconds) {
        await echo()
        count += 1
      }
    }
    await Promise.all(Array.from({ length: inFlight }, loop))
    return Math.round((count * 1000) / (performance.now() - start))
  } finally {
    client.close()
    server.forceShutdown()
  }
}
