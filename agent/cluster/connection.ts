/** How to reach one API server and prove who we are. */
export interface Connection {
  /** `https://host:port`, with a path when the API server sits behind a proxy. */
  readonly server: string
  /** PEM certificates to trust; the system's when absent. */
  readonly ca?: string
  /** PEM client certificate and its key. */
  readonly certificate?: string
  readonly key?: string
  /** Name expected in the server's certificate when it is not the host's. */
  readonly serverName?: string
  readonly insecure: boolean
  /** The namespace we run in, when inside the cluster. */
  readonly namespace?: string
  /** Bearer token to send now; undefined when the client certificate says enough. */
  readonly token: () => Promise<string | undefined>
}
