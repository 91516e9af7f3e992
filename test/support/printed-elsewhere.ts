/**
 * Pages whose commands a test runs: page → test. `test/integration/printed-commands.test.ts` holds this list to the
 * pages there are; each test fails while one of its pages' commands was not run.
 */
export const runBy: Readonly<Record<string, string>> = {
  'deploy/docs/applications.md': 'test/e2e/guides-cluster.test.ts',
  'deploy/docs/backup.md': 'test/e2e/disasters.test.ts',
  'deploy/docs/disaster.md': 'test/e2e/disasters.test.ts',
  'deploy/docs/first-fleet.md': 'test/e2e/first-fleet.test.ts',
  'deploy/docs/guides/add-a-cluster.md': 'test/e2e/guides-cluster.test.ts',
  'deploy/docs/guides/canary.md': 'test/e2e/guides-move.test.ts',
  'deploy/docs/guides/freeze.md': 'test/e2e/guides-move.test.ts',
  'deploy/docs/guides/group.md': 'test/e2e/guides-move.test.ts',
  'deploy/docs/guides/layout.md': 'test/e2e/guides-fleet.test.ts',
  'deploy/docs/guides/migrate.md': 'test/e2e/guides-fleet.test.ts',
  'deploy/docs/guides/multi-tenancy.md': 'test/e2e/guides-fleet.test.ts',
  'deploy/docs/guides/policy.md': 'test/e2e/guides-fleet.test.ts',
  'deploy/docs/guides/pull-request.md': 'test/e2e/guides-fleet.test.ts',
  'deploy/docs/guides/rollback.md': 'test/e2e/guides-move.test.ts',
  'deploy/docs/guides/secret.md': 'test/e2e/guides-cluster.test.ts',
  'deploy/docs/operating.md': 'test/e2e/pages-operate.test.ts',
  'deploy/docs/secrets.md': 'test/e2e/guides-cluster.test.ts',
  'deploy/docs/settings.md': 'test/e2e/pages-operate.test.ts',
  'deploy/docs/using.md': 'test/e2e/pages-operate.test.ts',
}

/** Commands that no test runs as they stand: why, and what stands for it. */
export const elsewhere: readonly {
  readonly page: string
  /** How it begins. */
  readonly command: string
  readonly why: string
  /** A test, or a step of the set-up, that is there. */
  readonly instead: string
}[] = [
  {
    page: 'README.md',
    command: 'npm run demo ',
    why: 'runs until somebody ends it',
    instead: 'test/e2e/demo.test.ts',
  },
  {
    page: 'README.md',
    command: 'npm test ',
    why: 'is what runs this',
    instead: '.ci/run',
  },
  {
    page: 'deploy/docs/first-fleet.md',
    command: 'docker compose up -d --build',
    why: 'needs Docker, and a registry for the base images',
    instead: 'test/integration/compose.test.ts',
  },
]

export function isElsewhere(page: string, command: string): boolean {
  return elsewhere.some((one) => one.page === page && command.startsWith(one.command))
}
