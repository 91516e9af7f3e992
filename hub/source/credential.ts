/** Where the hub's own configuration keeps what a repository asks for. Read anew for each fetch. */
export type Credential =
  | { readonly kind: 'basic'; readonly usernameFile?: string; readonly passwordFile: string }
  | { readonly kind: 'ssh'; readonly keyFile: string; readonly knownHostsFile: string }

/** Credentials by the name a Repository gives. */
export type Credentials = Readonly<Record<string, Credential>>
