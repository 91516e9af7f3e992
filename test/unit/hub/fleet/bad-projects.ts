import { head } from './bad-configurations.ts'

const project = (spec: string) => `${head('Project', 'p')}spec:\n${spec.replace(/^/gm, '  ')}\n`
/** Lines 6 to 9 of a Project that is right; what is wrong follows from line 10. */
const tenant =
  'sources:\n  - repository: apps\ndestinations:\n  - { clusterGroup: europe, namespaces: ["a-*"] }\n'

/** What people get wrong in a Project; as in bad-configurations.ts. */
export const badProjects: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'project: no destinations',
    project('sources:\n  - repository: apps\ndestinations: []'),
    '8:17',
    /must not be empty/,
  ],
  [
    'project: destinations left out',
    project('sources:\n  - repository: apps'),
    '5:1',
    /`destinations` is missing/,
  ],
  [
    'project: source by name and URL',
    project(
      tenant.replace('repository: apps', '{ repository: apps, url: "https://git.example/*" }'),
    ),
    '7:7',
    /give `repository` \(its name\) or `url`/,
  ],
  [
    'project: source without either',
    project(tenant.replace('repository: apps', '{ paths: [a] }')),
    '7:7',
    /give `repository` \(its name\) or `url`/,
  ],
  [
    'project: unknown repository',
    project(tenant.replace('repository: apps', 'repository: appz')),
    '7:19',
    /there is no Repository "appz", did you mean "apps"\?/,
  ],
  [
    'project: destination that picks nothing',
    project(tenant.replace('clusterGroup: europe, ', '')),
    '9:7',
    /picks no cluster/,
  ],
  [
    'project: destination without namespaces',
    project(tenant.replace(', namespaces: ["a-*"]', '')),
    '9:7',
    /`namespaces` is missing/,
  ],
  [
    'project: namespace with a slash',
    project(tenant.replace('a-*', 'a/*')),
    '9:44',
    /"a\/\*" is not a namespace, or a glob such as team-a-\*/,
  ],
  [
    'project: kind, near miss of the field',
    project(`${tenant}kinds:\n  clusterScope: { allow: [Namespace] }`),
    '11:5',
    /unknown field "clusterScope", did you mean "clusterScoped"\?/,
  ],
  [
    'project: kind with its version',
    project(`${tenant}kinds:\n  namespaced: { deny: ["apps/v1/Deployment"] }`),
    '11:26',
    /is not a kind such as apps\/Deployment/,
  ],
  [
    'project: unknown action of a role',
    project(`${tenant}roles:\n  - name: dev\n    allow:\n      - actions: [aprove]`),
    '13:21',
    /"aprove" is not one of read, plan, .*did you mean "approve"\?/,
  ],
  [
    'project: role twice',
    project(
      `${tenant}roles:\n  - { name: dev, allow: [{ actions: [read] }] }\n  - { name: dev, allow: [{ actions: [read] }] }`,
    ),
    '12:15',
    /role "dev" is there already/,
  ],
  [
    'project: six cron fields',
    project(`${tenant}windows:\n  - { kind: deny, schedule: "0 0 9 * * 1", duration: 8h }`),
    '11:31',
    /is not five cron fields/,
  ],
  [
    'project: hour 25',
    project(`${tenant}windows:\n  - { kind: deny, schedule: "0 25 * * *", duration: 8h }`),
    '11:31',
    /"0 25 \* \* \*" is not a cron schedule/,
  ],
  [
    'project: a minute that is drawn anew each time',
    project(`${tenant}windows:\n  - { kind: deny, schedule: "H 9 * * THU", duration: 8h }`),
    '11:31',
    /has an H, which stands for any time/,
  ],
  [
    'project: time zone',
    project(
      `${tenant}windows:\n  - { kind: allow, schedule: "0 9 * * *", duration: 8h, timeZone: Europe/Berlim }`,
    ),
    '11:69',
    /"Europe\/Berlim" is not a time zone such as Europe\/Berlin/,
  ],
  [
    'project: time zone by offset',
    project(
      `${tenant}windows:\n  - { kind: allow, schedule: "0 9 * * *", duration: 8h, timeZone: "+01:00" }`,
    ),
    '11:69',
    /"\+01:00" is not a time zone/,
  ],
  [
    'window for ever',
    project(`${tenant}windows:\n  - { kind: deny, schedule: "0 9 * * *", duration: 9000h }`),
    '11:54',
    /"9000h" is not from 1m to 8784h/,
  ],
]
