/**
 * The words by which people speak of trouble, and the diagnostic that each hints at. Tables: nothing here runs anything. Text is
 * matched in lower case, without apostrophes (`can't` is `cant`).
 */
import type { Hint } from './hint.ts';
import { machineWords } from './words-machine.ts';
import { networkWords } from './words-network.ts';
import { serviceWords } from './words-services.ts';

export const hints: readonly Hint[] = [...machineWords, ...networkWords, ...serviceWords];

/** Words that people mistype often enough to mend. Only words that are close to no other are here. */
export const mendable: readonly string[] = (
  'nginx memory inodes journal systemd service services partition filesystem process upstream gateway restarting website ' +
  'storage listening postgres connection exception certificate container firewall zombie kubernetes database deployed ' +
  'release descriptor conntrack iptables crontab package packages nameserver degraded'
).split(' ');
