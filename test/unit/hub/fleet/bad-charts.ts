import { application, every } from './bad-configurations.ts'

/** As `badConfigurations`: what is wrong about a chart that is not of Git. */
export const badCharts: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a chart without the repository it is of',
    application(`source:\n  path: .\n  helm:\n    chart: redis\n    version: 1.0.0\n${every}`),
    '9:14',
    /needs `repo`, where the chart is fetched/,
  ],
  [
    'a chart repository without a chart',
    application(`source:\n  path: .\n  helm:\n    repo: https://charts.example.com\n${every}`),
    '9:7',
    /`repo` needs `chart`/,
  ],
  [
    'B21: a password in the URL of a chart repository',
    application(
      `source:\n  path: .\n  helm:\n    repo: https://me:secret@charts.example.com\n    chart: a\n    version: 1.0.0\n${every}`,
    ),
    '9:13',
    /holds a user name or password; name a `credential` instead/,
  ],
  [
    'a chart repository of another kind',
    application(
      `source:\n  path: .\n  helm:\n    repo: file:///charts\n    chart: a\n    version: 1.0.0\n${every}`,
    ),
    '9:13',
    /is not https:\/\/host\/path of a chart repository/,
  ],
]
