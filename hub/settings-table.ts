import type { Setting } from '@groundswell/proto/settings.ts'

/** Before the name of each setting in the environment. */
export const environmentPrefix = 'GROUNDSWELL_HUB_'

/** What the hub can be told: by flag, environment or file. */
export const settingsTable: readonly Setting[] = [
  { key: 'config', flag: 'config', help: 'YAML file with any of these settings' },
  {
    key: 'role',
    flag: 'role',
    help: 'all, or one of api, renderer and signer, each a process of its own',
    fallback: 'all',
  },
  {
    key: 'sockets',
    flag: 'sockets',
    help: 'directory of the sockets that roles reach each other by',
  },
  {
    key: 'fleet',
    flag: 'fleet',
    help: 'URL of the fleet repository (https, http or ssh)',
    credentialFlag: 'credentials',
  },
  { key: 'branch', flag: 'branch', help: 'branch of it to follow', fallback: 'main' },
  {
    key: 'path',
    flag: 'path',
    help: 'directory in it that holds the configuration',
    fallback: '.',
  },
  { key: 'interval', flag: 'interval', help: 'how often to look for commits', fallback: '30s' },
  { key: 'name', flag: 'name', help: 'name of this fleet, in identities', fallback: 'groundswell' },
  { key: 'data', flag: 'data', help: 'directory for keys, ledger, mirrors and a local Redis' },
  {
    key: 'redis',
    flag: 'redis',
    help: 'URL of a Redis, or REDIS_URL, and REDIS_PASSWORD where it has none; a local one is started when left out',
  },
  {
    key: 'replica',
    flag: 'replica',
    help: 'name of this hub among several that share a Redis, of which one leads',
  },
  {
    key: 'lease',
    flag: 'lease',
    help: 'how long a replica leads without being heard of',
    fallback: '5s',
  },
  {
    key: 'shared',
    flag: 'shared',
    help: 'directory of CA, keys and admin token, the same for all replicas; --data when left out',
  },
  {
    key: 'peerHost',
    flag: 'peer-host',
    help: 'host that other replicas reach this one by; the listen address when left out',
  },
  {
    key: 'peerPort',
    flag: 'peer-port',
    help: 'port where a replica that leads takes in what came to others',
    fallback: '8445',
  },
  { key: 'host', flag: 'host', help: 'address to listen on', fallback: '127.0.0.1' },
  { key: 'apiPort', flag: 'api-port', help: 'port of the REST API; 0 picks one', fallback: '8080' },
  {
    key: 'metricsPort',
    flag: 'metrics-port',
    help: 'of a renderer or signer apart: port of /livez, /readyz and /metrics; none when left out',
  },
  { key: 'enrolPort', flag: 'enrol-port', help: 'port where agents join', fallback: '8443' },
  { key: 'dataPort', flag: 'data-port', help: 'port of the agents’ streams', fallback: '8444' },
  {
    key: 'certificateLife',
    flag: 'certificate-life',
    help: "how long an agent's certificate holds; it renews at half of that",
    fallback: '24h',
  },
  {
    key: 'authorityLife',
    flag: 'ca-life',
    help: 'how long a certificate authority of the hub holds; the next one is made at 70 % of that',
    fallback: '87600h',
  },
  {
    key: 'enrolRate',
    flag: 'enrol-rate',
    help: 'calls a second that the enrol listener answers; half of it for one address',
    fallback: '20',
  },
  {
    key: 'connectionAge',
    flag: 'connection-age',
    help: 'how long a stream lasts before its agent is sent to any hub; 0s is for ever',
    fallback: '1h',
  },
  {
    key: 'handshakes',
    flag: 'handshakes',
    help: 'TLS handshakes at a time on each listener, twice as many a second; half for one address',
    fallback: '1000',
  },
  {
    key: 'keyExchange',
    flag: 'key-exchange',
    help: "of agents' streams: classic, or hybrid, which holds against quantum computers; 1 KB more",
    fallback: 'classic',
  },
  {
    key: 'advertise',
    flag: 'advertise',
    help: 'host agents reach the hub by, or several with commas between; the listen address when left out',
  },
  { key: 'credentials', flag: 'credentials', help: 'YAML file: credential name → files' },
  {
    key: 'kubeconfig',
    flag: 'kubeconfig',
    help: 'of the cluster whose Secrets hold credentials; the service account when left out',
  },
  {
    key: 'signers',
    flag: 'signers',
    help: 'YAML file: name of signers → files with public keys of those whose signatures count',
  },
  {
    key: 'fleetSigners',
    flag: 'fleet-signers',
    help: 'name of the signers without whom no commit of the fleet repository is taken',
  },
  {
    key: 'tokens',
    flag: 'tokens',
    help: 'YAML file: name of a caller → {role: viewer|operator|admin, token}',
  },
  {
    key: 'oidc',
    flag: 'oidc',
    help: 'YAML file: the OpenID Connect provider that people log in by, and roles of its groups',
  },
  {
    key: 'webhookSecretFile',
    flag: 'webhook-secret-file',
    help: 'file with the secret of POST /api/v1/webhooks/NAME, or an old and a new one, a line each',
  },
  {
    key: 'webhookSecrets',
    flag: 'webhook-secrets',
    help: 'directory of such files, by name of the Repository; they go before the one file',
  },
  {
    key: 'sourceHosts',
    flag: 'source-hosts',
    help: 'hosts Repositories may have, with commas: git.corp,*.example.com; any public one when left out',
  },
  {
    key: 'signerPolicy',
    flag: 'signer-policy',
    help: 'YAML file: repositories, kinds, groups, clusters, history and removals the signer allows',
  },
  {
    key: 'ledgerSigningKey',
    flag: 'ledger-signing-key',
    help: 'file of an SSH private key, without a passphrase, that signs the commits of the ledger',
  },
  {
    key: 'ledgerRemote',
    flag: 'ledger-remote',
    help: 'Git URL the ledger is pushed to',
    credentialFlag: 'ledger-credential',
  },
  {
    key: 'ledgerCredential',
    flag: 'ledger-credential',
    help: 'YAML file: what --ledger-remote is shown, a password or an SSH key, by their files',
  },
  {
    key: 'forges',
    flag: 'forges',
    help: 'YAML file: repository → Git host that shows what became of each commit',
  },
  {
    key: 'gateCredentials',
    flag: 'gate-credentials',
    help: 'YAML file: name of a credential that gates call it by → hosts and files',
  },
  {
    key: 'gateHosts',
    flag: 'gate-hosts',
    help: 'hosts that metric and webhook gates may ask, with commas; any public one when left out',
  },
  {
    key: 'alertCredentials',
    flag: 'alert-credentials',
    help: 'YAML file: name of a credential that notification providers call it by → hosts and files',
  },
  {
    key: 'alertHosts',
    flag: 'alert-hosts',
    help: 'hosts notification providers may have, with commas; any public one when left out',
  },
  { key: 'engine', flag: 'engine', help: 'render engine binary' },
  { key: 'workers', flag: 'workers', help: 'render workers', fallback: '2' },
  {
    key: 'offlineGrace',
    flag: 'offline-grace',
    help: 'how long a cluster may be away before it is unreachable',
    fallback: '30s',
  },
  {
    key: 'removalGrace',
    flag: 'removal-grace',
    help: 'how long a cluster has to be unselected before an application is removed there',
    fallback: '5m',
  },
  {
    key: 'otlp',
    flag: 'otlp',
    help: 'URL of an OpenTelemetry collector (OTLP over HTTP) that gets a trace of each commit; none when left out',
  },
  { key: 'logLevel', flag: 'log-level', help: 'debug, info, warn or error', fallback: 'info' },
  {
    key: 'allowFile',
    flag: 'allow-file-urls',
    help: 'allow file:// repositories; for trying things out',
    boolean: true,
  },
  { key: 'help', flag: 'help', help: 'print this', boolean: true },
]
