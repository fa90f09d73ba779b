/** Words for trouble with what runs on a machine: units, jobs, containers, databases, releases. */
import { type Hint, hint } from './hint.ts';

export const serviceWords: readonly Hint[] = [
  hint(
    'service',
    3,
    /\b(?:start|starts|starting|stop|stops|stopped|stopping|crash\w*|died|dies|dead|dying|down|running|restart\w*|flapping|exits?|exited|hangs?|wont|refuses|come up|came up|comes up)\b/,
  ),
  hint('service', 1, /\b(?:services?|daemons?|units?|process)\b/),

  hint(
    'failed_units',
    4,
    /\bsystemctl\b|\bsystemd\b|\bdegraded\b|\bstart[- ](?:request|limit)\b|\bfailed (?:units?|state|services?)\b|\bunits? (?:have |has )?failed\b/,
  ),
  hint('failed_units', 3, /\b(?:services|units)\b/),
  hint('failed_units', 2, /\b(?:jobs|timers?|scheduled)\b/),
  hint('failed_units', 3, /\b(?:reboot\w*|boot|booted|power ?cycled?)\b/),
  hint('failed_units', 1, /\b(?:failed|failing|fails|died|crash\w*|down|after (?:the |an? )?(?:update|upgrade))\b/),
  hint('failed_units', 1, /\b50[0234]s?\b|\bbad gateway\b|\b5xx\b/),

  hint('logs', 4, /\b(?:logs?|journal|journalctl|syslog|dmesg|logfiles?|tail|grep)\b/),
  hint(
    'logs',
    3,
    /\b(?:errors?|exceptions?|\w+exceptions?|stack ?traces?|traceback\w*|panics?|segfault\w*|warnings?|messages?|spam)\b/,
  ),
  hint('logs', 3, /\bwhat happened\b|\bhappened at\b|\bkernel\b/),
  hint('logs', 3, /"[^"]{3,}"/),
  hint('logs', 1, /\b(?:permission denied|strange|weird|since|at \d{1,2}(?::\d{2}|am|pm))\b/),

  hint('cron_timers', 6, /\b(?:ana)?cron\w*\b|\btimers?\b|\blist-timers\b/),
  hint(
    'cron_timers',
    4,
    /\b(?:scheduled?|nightly|daily|weekly|hourly|every night)\b.{0,40}\b(?:jobs?|tasks?|backups?|reports?|scripts?|exports?)\b|\b(?:jobs?|tasks?)\b.{0,40}\b(?:run|ran|runs|failed|missed|missing|start\w*|fired?|scheduled)\b/,
  ),
  hint(
    'cron_timers',
    3,
    /\bbackups?\b.{0,30}\b(?:missing|missed|skipped|run|ran|hasnt|didnt|never|old)\b|\bnever (?:ran|runs|fires|fired|started|triggers?|triggered)\b|\blogrotate\b|\bscheduled\b/,
  ),

  hint('docker', 5, /\bdockers?\b|\bcontainers?\b|\bdockerd\b|\bcontainerd\b|\bpodman\b/),
  hint(
    'docker',
    3,
    /\b(?:docker|dangling|unused|old|container) images?\b|\bprune\b|\bunhealthy\b|\bexited \(\d+\)|\brestarting \(\d+\)|\bdocker\.sock\b/,
  ),

  hint('compose', 7, /\bdocker[- ]compose\b|\bcompose\b/),
  hint('compose', 2, /\bya?ml\b|\bstack\b/),

  hint(
    'k8s',
    7,
    /\bk8s\b|\bk3s\b|\bkube\w*\b|\bpods?\b|\bcrashloop\w*\b|\bimagepull\w*\b|\berrimagepull\b|\bcontainercreating\b|\bhelm\b/,
  ),
  hint(
    'k8s',
    3,
    /\bnamespace\b|\bns\b|\bclusters?\b|\breplicas?\b|\bevicted\b|\bnodes?\b.{0,12}\b(?:not ?ready|ready|available)\b/,
  ),
  hint('k8s', 1, /\bdeployments?\b/),

  hint(
    'postgres',
    6,
    /\bpostgres\w*\b|\bpg(?:_\w+|bouncer)?\b|\bpsql\b|\bpsycopg\w*|\b(?:auto)?vacuum\w*\b|\btxid\b|\bwraparound\b|\bidle[- ]in[- ]trans\w*\b/,
  ),
  hint(
    'postgres',
    5,
    /\btoo many clients\b|\bconnection slots\b|\bdeadlock\w*\b|\bquer(?:y|ies)\b|\breplication\b|\breplicas?\b.{0,20}\b(?:behind|lag\w*)\b|\bbloat\w*\b|\bslow sql\b/,
  ),
  hint(
    'postgres',
    4,
    /\b(?:databases?|db|datenbank)\b|\b(?:connection )?pool\b.{0,12}\b(?:exhausted|full|empty|timeout\w*)\b/,
  ),
  hint(
    'postgres',
    3,
    /\block(?:s|ed)?\b.{0,20}\b(?:tables?|rows?|everywhere)\b|\b(?:blocked|blocking)\b.{0,20}\b(?:query|session\w*|everything|tables?|writes?)\b|\bselects?\b|\bsql\b/,
  ),

  hint('redis', 6, /\bredis\w*\b|\bvalkey\b|\bmisconf\b|\bmaxmemory\b|\bbgsave\b|\brdb\b|\boom command\b/),
  hint(
    'redis',
    4,
    /\bevict(?:s|ing|ions?)\b|\bmaxclients\b|\bcaches?\b|\bkeys\b.{0,12}\b(?:disappear\w*|gone|vanish\w*|expire\w*)\b/,
  ),

  hint(
    'deploy',
    5,
    /\b(?:re)?deploy\w*\b|\breleas(?:e|es|ed|ing)\b|\broll(?:ed|ing)?[- ]?(?:back|out|backs|outs)\b|\bship(?:ped|ping)\b|\bpushed (?:to )?(?:prod\w*|main|master|live)\b/,
  ),
  hint(
    'deploy',
    4,
    /\b(?:new|old|previous|last|which|wrong|current) (?:versions?|code|commit|build)\b|\bversions? (?:is|are) (?:live|running|deployed)\b|\bcommits?\b|\bcurrent symlink\b|\bgit\b/,
  ),
  hint('deploy', 1, /\bversions?\b|\bv\d+\.\d+/),
];
