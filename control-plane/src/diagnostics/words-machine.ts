/** Words for trouble with the machine itself: disks, memory, CPU, clock, packages. */
import { type Hint, hint } from './hint.ts';

export const machineWords: readonly Hint[] = [
  hint(
    'overview',
    3,
    /\b(?:slow|sluggish|laggy|lagging|unresponsive|acting up|weird|broken|wrong|off|paged|pager|screaming|health|healthy|status|overview|general)\b/,
  ),
  hint(
    'overview',
    3,
    /\b(?:is|are) (?:this|the|my|it|everything)\b.*\b(?:ok|okay|fine|alive|up|alright)\b|\btake a look\b|\bhow is\b|\bidea why\b|\bwhats (?:up|wrong|going on)\b|\btakes (?:forever|ages)\b/,
  ),
  hint('overview', 1, /\b(?:server|box|machine|host|vps|kiste|thing)\b/),

  hint('disk', 3, /\b(?:disks?|drives?|volumes?|partitions?|file ?systems?|mounts?)\b/),
  hint(
    'disk',
    3,
    /\b(?:no|not enough|out of|low on|free|enough|running out of|eating(?: up)?|taking up(?: all)?)\b.{0,20}\b(?:space|room|storage)\b/,
  ),
  hint('disk', 3, /\benospc\b|\bspace (?:didnt|did not|never) come back\b/),
  hint('disk', 2, /\b(?:storage|space|full|filled|fills|voll)\b/),
  hint('disk', 2, /\b(?:df|du)\b|\b(?:gb|gigs?|gigabytes?|tb)\b/),
  hint('disk', 2, /(?:^|\s)\/[a-z0-9._/-]*.{0,12}\b\d{2,3} ?(?:%|percent)|\b\d{2,3} ?(?:%|percent).{0,16}\s\/[a-z]*/),
  hint('disk', 1, /\bread[- ]?only\b|\b(?:write|upload|uploads|backup|backups|deploy)\b/),

  hint('inodes', 4, /\binodes?\b|\bdf -i\w*|\biuse%?/),
  hint(
    'inodes',
    4,
    /\b(?:millions?|thousands|zillions?|tons|loads|too many|lots|gazillions?)\b.{0,12}\b(?:small |tiny )?(?:files|entries)\b/,
  ),
  hint('inodes', 4, /\b\d[\d.,]* ?(?:m|k|million|thousand)? (?:files|entries)\b/),
  hint(
    'inodes',
    4,
    /\b(?:no space|cannot create|cant create|cannot write|cant write|nothing can be created)\b.*\b(?:free|plenty|available|left over|empty)\b/,
  ),
  hint(
    'inodes',
    2,
    /\b(?:cannot|cant|unable to) create (?:new )?(?:files?|folders?|director(?:y|ies))\b|\b(?:sessions? (?:dir|director|folder)|mail spool)/,
  ),
  hint('inodes', 1, /\bno space left\b|\benospc\b/),

  hint('memory_oom', 4, /\boom\b|\boom[- ]?kill\w*|\bout ?of ?memory\w*|\bcannot allocate\b|\bmalloc\b/),
  hint('memory_oom', 3, /\b(?:memory|mem|ram|heap|rss|speicher)\b/),
  hint('memory_oom', 1, /\bswap\w*\b/),
  hint(
    'memory_oom',
    3,
    /\b(?:sigkill\w*|signal 9|exit(?:ed)?(?: code| status)? 137|code 137|\(137\)|killed process|total-vm)\b/,
  ),
  hint('memory_oom', 2, /\bkilled\b|\bleak\w*\b|\bthrash\w*\b/),

  hint('swap', 5, /\b(?:no )?k?swap\w*\b/),
  hint('swap', 4, /\bpag(?:e|es|ed|ing)[- ]?(?:ins?|outs?)\b|\bvmstat\b|\bsi\/so\b|\bpswp\w*/),
  hint('swap', 2, /\bthrash\w*\b|\bcrawl\w*\b/),
  hint('swap', 1, /\bfree -[a-z]\b|\b(?:memory|ram)\b/),

  hint('cpu_runaway', 4, /\b(?:cpus?|cores?|processor|steal)\b/),
  hint(
    'cpu_runaway',
    4,
    /\bload(?: ?avg| average)\b|\b(?:high|heavy|huge|big|insane|crazy|the) load\b|\bload (?:is|of|at|over|above|went|goes|spikes?)\b/,
  ),
  hint(
    'cpu_runaway',
    3,
    /\b(?:runaway|pegged|spinning|maxed|busy loop|stuck in a loop|infinite loop|throttled|mining|miner|noisy neighbou?r)\b/,
  ),
  hint('cpu_runaway', 2, /\b[1-9]\d{2,} ?%|\bin (?:h?top)\b/),
  hint('cpu_runaway', 1, /\b(?:slow|sluggish|laggy|lagging|unresponsive|hangs?|hanging|frozen|freezes)\b/),

  hint(
    'zombies',
    6,
    /\bzombies?\b|\bdefunct\b|\bd[- ]state\b|\bstate d\b|\b(?:z[- ]state|state z)\b|\buninterruptible\b/,
  ),
  hint(
    'zombies',
    4,
    /\b(?:un)?reap\w*\b|\bunkillable\b|\bcant (?:even )?kill\b|\bkill -9\b|\bhung tasks?\b|\bblocked for more than\b/,
  ),
  hint('zombies', 3, /\b(?:pid|process) (?:count|table)s?\b|\bnfs\b.{0,12}\bh[au]ng/),

  hint(
    'storage_hw',
    6,
    /\bi\/?o errors?\b|\bsmart(?:ctl|mon\w*|d)?\b|\braid\d*\b|\bmdadm\b|\bmd\d+\b|\bmdstat\b|\breallocated\b|\bext[234]-fs\b|\bata\d* (?:errors?|bus)\b/,
  ),
  hint(
    'storage_hw',
    5,
    /\bread[- ]?only\b|\bmounted ro\b|\bremount\w*\b|\bbad (?:sectors?|blocks?|disks?|drives?)\b|\brofs\b|\berofs\b/,
  ),
  hint(
    'storage_hw',
    4,
    /\b(?:disks?|drives?|ssd|hdd|nvme\w*|platte)\b.{0,20}\b(?:dying|dead|dies|fail\w*|broken|click\w*|errors?|kaputt)\b/,
  ),
  hint('storage_hw', 3, /\bdev\/? ?(?:[svh]d[a-z]|xvd[a-z]|nvme)\w*|\bsectors?\b/),

  hint('time_sync', 6, /\bntp\w*\b|\bchrony\w*\b|\btimesync\w*\b|\btimedatectl\b|\btime ?sync\w*\b/),
  hint(
    'time_sync',
    5,
    /\b(?:clocks?|time|date|uhr|uhrzeit)\b.{0,14}\b(?:drift\w*|skew\w*|off|wrong|ahead|behind|jump\w*|falsch|nach|vor)\b|\bwrong (?:time|date|clock)\b/,
  ),
  hint(
    'time_sync',
    4,
    /\bclocks?\b|\buhr\b|\btime(?:stamps?)?\b.{0,20}\bfuture\b|\bused before issued\b|\bnot (?:valid )?yet(?: valid)?\b|\bskew\w*\b/,
  ),
  hint('time_sync', 3, /\b(?:2fa|totp|otp|jwts?|kerberos)\b|\bsynchroni[sz]\w*\b|\bsynced\b/),

  hint(
    'packages',
    6,
    /\bapt(?:-get|itude|-cache)?\b|\bdpkg\b|\byum\b|\bdnf\b|\bunattended[- ]upgrades?\b|\bneedrestart\b/,
  ),
  hint(
    'packages',
    5,
    /\bpackages?\b|\bpakete?\b|\bsecurity (?:updates?|patch\w*|fix\w*)\b|\bcves?\b|\bcve-\d+|\breboot (?:is )?(?:required|needed|pending)\b|\bunmet dependenc\w+\b|\bdist-upgrade\b|\bhalf[- ](?:installed|configured)\b/,
  ),
  hint(
    'packages',
    4,
    /\bpatch(?:ed|es|ing)?\b|\b(?:pending|available|missing|outstanding) updates?\b|\bupdates? (?:pending|available|missing)\b|\bbroken dependenc\w+\b|\bnot rebooted\b/,
  ),
  hint('packages', 1, /\bkernel\b.{0,12}\b(?:updated?|upgraded?)\b/),

  hint('agent', 6, /\bcountersign\b/),
  hint(
    'agent',
    5,
    /\bagents?\b.{0,16}\b(?:outdated|old|out of date|updates?|upgrade[ds]?|versions?|repair|damaged|behind)\b|\b(?:outdated|old|update|upgrade|repair|version of|newest)\b.{0,16}\bagents?\b/,
  ),
];
