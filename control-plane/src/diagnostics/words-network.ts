/** Words for trouble on the way to a machine: ports, web server, certificates, names, firewall, logins. */
import { type Hint, hint } from './hint.ts';

export const networkWords: readonly Hint[] = [
  hint(
    'network_ports',
    4,
    /\bports?\b|\blisten(?:s|ing|er)?\b|\baddress already in use\b|\beaddrinuse\b|\beconnrefused\b|\bconnection refused\b/,
  ),
  hint('network_ports', 4, /(?:localhost|\d+\.\d+\.\d+\.\d+|::1?\]?):\d{2,5}\b/),
  hint(
    'network_ports',
    3,
    /\b(?:reach|reachable|unreachable|bind|binding|sockets?|exposed|load balancer|health ?checks? on)\b/,
  ),
  hint('network_ports', 1, /\bfirewall\b/),
  hint('network_ports', 3, /\bon \d{4,5}\b/),
  hint('network_ports', 2, /\bconnect(?:ion|ions|ing)?\b|\btimed? ?out\b|\bfrom outside\b/),

  hint(
    'conntrack_fd',
    6,
    /\btoo many open files\b|\be[mn]file\b|\bfile ?(?:descriptors?|handles?)\b|\bulimits?\b|\bnofile\b|\bfds?\b|\bopen files\b/,
  ),
  hint('conntrack_fd', 6, /\bnf_conntrack\b|\bconntrack\b|\bconnection tracking\b|\btable full\b/),
  hint(
    'conntrack_fd',
    3,
    /\b(?:drop\w*)\b.{0,12}\b(?:packets?|connections?)\b|\b(?:packets?|connections?)\b.{0,16}\bdropp(?:ed|ing)\b/,
  ),

  hint(
    'nginx',
    4,
    /\bnginx\b|\bvhosts?\b|\bsites-(?:enabled|available)\b|\bupstream\b|\breverse proxy\b|\bproxy_pass\b/,
  ),
  hint('nginx', 4, /\b(?:bad gateway|gateway time-?out|internal server error|service unavailable|5xx|4xx)\b/),
  hint('nginx', 4, /\b(?:4(?:00|03|04|13|29|99)|50[0-4])s?\b/),
  hint(
    'nginx',
    3,
    /\b(?:web ?sites?|sites?|web ?pages?|home ?page|web ?server|webserver|frontend|shop|store|checkout|landing page|browsers?|https?|webseite)\b/,
  ),
  hint('nginx', 2, /\b(?:customers?|users?|visitors?|people|kunden|pages?|requests?|certbot|ssl|tls)\b/),

  hint(
    'tls_certs',
    6,
    /\bcert(?:s|bot|ificates?)?\b|\bssl\b|\btls\b|\bx\.?509\b|\blets ?encrypt\b|\bacme\b|\bzertifikate?\b|\berr_cert\w*/,
  ),
  hint(
    'tls_certs',
    4,
    /\b(?:connection|site) is not (?:private|secure)\b|\bnot secure\b|\bhandshakes?\b|\bexpir(?:e|ed|es|ing|y)\b|\babgelaufen\b|\bchain (?:is )?incomplete\b/,
  ),
  hint('tls_certs', 2, /\bhttps\b/),

  hint(
    'dns',
    6,
    /\bdns\b|\bname ?servers?\b|\b(?:name|host ?name) resolution\b|\bresolv(?:e|es|ed|ing|er|ers|\.conf|conf|ectl)\b|\bnslookup\b|\bdig\b|\benotfound\b|\beai_again\b|\bservfail\b|\bnxdomain\b|\bgetaddrinfo\b|\bno such host\b|\bname or service not known\b/,
  ),
  hint('dns', 2, /\bdomains?\b|\blookups?\b|\bhost ?names?\b/),

  hint('firewall', 6, /\bfirewalls?\b|\bnft(?:ables)?\b|\biptables\b|\bufw\b|\bnetfilter\b/),
  hint(
    'firewall',
    4,
    /\b(?:open|exposed|reachable|visible)\b.{0,12}\b(?:to|from) (?:the )?(?:world|internet|outside|everyone|anyone|public)\b|\bpublicly\b/,
  ),
  hint(
    'firewall',
    3,
    /\b(?:block\w*|den(?:y|ied|ies)|filter\w*|drop(?:s|ped|ping))\b.{0,16}\b(?:ports?|ips?|packets?|traffic|rules?)\b|\bpackets? dropped\b|\bports\b.{0,30}\b(?:closed|open)\b|\bexposed\b/,
  ),

  hint(
    'ssh_auth',
    6,
    /\bbrute.?forc\w*\b|\bfailed (?:password|logins?)\b|\binvalid user\b|\bpublickey\b|\bauthorized_keys\b|\bfail2ban\b|\bauth\.?log\b/,
  ),
  hint(
    'ssh_auth',
    4,
    /\bssh\w*\b|\blog(?:ged|s|ging)?[- ]?in\b|\blogins?\b|\bhacked\b|\bintru\w+\b|\bbreach\w*\b|\bsuspicious\b|\bcompromised\b|\bbanned\b|\bport 22\b/,
  ),
  hint('ssh_auth', 2, /\battack\w*\b|\bpasswords?\b|\bunknown ip\b|\bkey\b/),
];
