/** A whole ruleset for a server that has none: what is served stays reachable, everything else is closed. Source: nft(8). */

/** Lets in what is answered to, pings, the network's own housekeeping, and these ports. */
export function proposedRules({
  tcp,
  udp,
}: {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}): string {
  const open = (protocol: string, ports: readonly number[]) =>
    ports.length === 0 ? [] : [`    ${protocol} dport { ${ports.join(', ')} } accept`];
  return `${[
    'flush ruleset',
    '',
    'table inet filter {',
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    '    ct state established,related accept',
    '    ct state invalid drop',
    '    iifname "lo" accept',
    '    meta l4proto { icmp, ipv6-icmp } accept',
    '    udp sport 67 udp dport 68 accept',
    '    udp sport 547 udp dport 546 accept',
    ...open('tcp', tcp),
    ...open('udp', udp),
    '  }',
    '}',
  ].join('\n')}\n`;
}
