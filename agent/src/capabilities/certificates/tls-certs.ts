import type { X509Certificate } from 'node:crypto';
import { Fault, type Suggestion } from '@countersign/protocol';
import { readAllowed } from '../../host/files.ts';
import { readTextOrNull } from '../../host/look.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { readableRoots } from '../files/roots.ts';
import { probeServed } from '../network/local-probe.ts';
import { readServerBlocks, type ServerBlock } from '../nginx/server-blocks.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report } from '../report.ts';
import { readUnitState } from '../units/unit-state.ts';
import { fullchainOf, lineageOf, lineages } from './lineage.ts';
import { chainProblem, daysLeft, fingerprint, names, parseChain, parsePem, trustedRoots } from './x509.ts';

const FILE_BYTES = 256 * 1024;
const HOSTS_MAX = 20;
const FILES_MAX = 40;
const URGENT_DAYS = 3;

/** A certificate as it was found, and where. */
interface Found {
  /** `/etc/…/fullchain.pem`, or `shop.example:443`. */
  readonly where: string;
  readonly chain: readonly X509Certificate[];
  /** Of certbot, where it is known. */
  readonly lineage: string | null;
  /** A name for which it is served. */
  readonly host: string | null;
  readonly port: number;
}
interface Place {
  readonly host: string;
  readonly port: number;
  readonly certificate: string | null;
}
interface Judge {
  readonly report: Report;
  readonly now: number;
  readonly warnDays: number;
  readonly roots: readonly X509Certificate[];
}

/** When certificates end, whether they are whole and for the right names, and whether what is served is what lies in the files. */
export const tlsCerts: Observer<'tls_certs'> = async ({ hosts, paths, warn_days: warnDays }, context) => {
  const report = new Report(context);
  const judge: Judge = { report, now: context.clock.now(), warnDays, roots: trustedRoots() };
  const blocks = (await orBlind(report, 'Virtual hosts of nginx', () => readServerBlocks(context))) ?? [];
  const places = hosts === undefined && paths !== undefined ? [] : placesOf(blocks, hosts);
  const files = filesOf(report, context, blocks, { hosts, paths });
  report.figure('files', files.length);
  report.figure('hosts', places.length);
  for (const found of files) judgeCertificate(judge, found);
  const answers = await Promise.all(
    places.map(async (place) => ({
      place,
      answer: await orBlind(report, `What ${place.host}:${place.port} serves`, () =>
        probeServed(context, place.port, place.host),
      ),
    })),
  );
  for (const { place, answer } of answers)
    if (answer !== null) judgeServed(judge, place, parseChain(answer.chain), files);
  if (lineages().length > 0) await lookAtTimer(report, context);
  if (report.isCalm) addCalm(report, files.length, places.length);
  return report.finish();
};

function addCalm(report: Report, files: number, hosts: number): void {
  report.add(
    files + hosts === 0
      ? {
          kind: 'tls.none',
          severity: 'info',
          title: 'No certificate was found in the configuration of nginx or certbot.',
        }
      : {
          kind: 'tls.calm',
          severity: 'ok',
          title: `${count(files, 'certificate file')} and ${count(hosts, 'served name')} are in order.`,
        },
  );
}

/** Names to ask for, and where. */
function placesOf(blocks: readonly ServerBlock[], hosts: readonly string[] | undefined): Place[] {
  const known = blocks.flatMap(({ names: all, listens, certificate }) => {
    const port = listens.find(({ tls }) => tls)?.port;
    const usable = all.filter((name) => /^[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z0-9-]+$/.test(name));
    return port === undefined ? [] : usable.map((host) => ({ host, port, certificate }));
  });
  if (hosts === undefined) return known.slice(0, HOSTS_MAX);
  return hosts.map((asked) => {
    const [host = '', port] = asked.split(':');
    const match = known.find((it) => it.host === host && (port === undefined || it.port === Number(port)));
    return match ?? { host, port: Number(port ?? 443), certificate: null };
  });
}

/** The files that were asked for, or else those that nginx and certbot have. */
function filesOf(
  report: Report,
  context: ObserveContext,
  blocks: readonly ServerBlock[],
  { hosts, paths }: { readonly hosts: readonly string[] | undefined; readonly paths: readonly string[] | undefined },
): Found[] {
  const served = new Map(blocks.flatMap((block) => (block.certificate === null ? [] : [[block.certificate, block]])));
  const own = [...served.keys(), ...lineages().map(fullchainOf)];
  const wanted = hosts === undefined ? own : placesOf(blocks, hosts).flatMap(({ certificate }) => certificate ?? []);
  const all = [...new Set(paths ?? wanted)];
  if (all.length > FILES_MAX) report.cut();
  return all.slice(0, FILES_MAX).flatMap((path) => {
    const text =
      own.includes(path) || lineageOf(path) !== null ? readTextOrNull(path) : readAsked(report, context, path);
    const chain = parsePem(text ?? '');
    if (chain.length === 0) {
      if (text !== null || own.includes(path)) addUnreadable(report, path, text !== null);
      return [];
    }
    const block = served.get(path);
    const host = block?.names.find((name) => /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(name)) ?? null;
    const port = block?.listens.find(({ tls }) => tls)?.port ?? 443;
    return [{ where: path, chain, lineage: lineageOf(path), host, port }];
  });
}

/** A path from outside is read as far as the policy lets files be read. */
function readAsked(report: Report, context: ObserveContext, path: string): string | null {
  try {
    return readAllowed(path, readableRoots(context.localPolicy), FILE_BYTES).bytes.toString('latin1');
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    report.blind(path, typeof error.slots.reason === 'string' ? error.slots.reason : 'there is no such file');
    return null;
  }
}

function addUnreadable(report: Report, path: string, isThere: boolean): void {
  report.add({
    kind: 'tls.unreadable',
    severity: 'warning',
    title: isThere ? `${path} holds no certificate.` : `There is no certificate file ${path}, although it is named.`,
  });
}

function judgeCertificate(judge: Judge, { where, chain, lineage, host, port }: Found): void {
  const [leaf] = chain;
  if (leaf === undefined) return;
  const { report, now, warnDays } = judge;
  const days = daysLeft(leaf, now);
  const evidence = [[where, about(leaf)]] as const;
  const suggestions = lineage === null ? [] : [renewal(lineage, host ?? firstName(leaf) ?? lineage, port)];
  if (leaf.validFromDate.getTime() > now)
    report.add({
      kind: 'tls.not_yet_valid',
      severity: 'critical',
      title: `The certificate in ${where} is valid only from ${leaf.validFromDate.toISOString()} on.`,
      evidence,
      causes: ['The clock of this server is wrong: see the diagnostic time_sync.'],
    });
  if (days < 0)
    report.add({
      kind: 'tls.expired',
      severity: 'critical',
      title: `The certificate in ${where} ended ${count(-days, 'day')} ago.`,
      since: leaf.validToDate.getTime(),
      evidence,
      causes: ['Its renewal failed or is switched off.'],
      suggestions,
    });
  else if (days < warnDays)
    report.add({
      kind: 'tls.expiring',
      severity: days <= URGENT_DAYS ? 'critical' : 'warning',
      title: `The certificate in ${where} ends in ${count(days, 'day')}.`,
      evidence,
      causes: ['Its renewal fails or is switched off: it is due a month before the end.'],
      suggestions,
    });
  judgeChain(judge, where, chain);
}

function judgeChain({ report, roots }: Judge, where: string, chain: readonly X509Certificate[]): void {
  const problem = chainProblem(chain, roots);
  if (problem === null) return;
  const titles = {
    self_signed: `The certificate of ${where} is signed by itself.`,
    incomplete: `The chain of ${where} is not complete: the certificate of an issuer is missing.`,
    untrusted: `The chain of ${where} leads to an authority that this system does not trust.`,
  };
  report.add({
    kind: `tls.chain_${problem}`,
    severity: problem === 'incomplete' ? 'warning' : 'info',
    title: titles[problem],
    evidence: [[where, chain.map(about).join('\n\n')]],
    causes: problem === 'incomplete' ? ['cert.pem is served where fullchain.pem should be.'] : [],
  });
}

function judgeServed(judge: Judge, { host, port, certificate }: Place, chain: X509Certificate[], files: Found[]): void {
  const where = `${host}:${port}`;
  const { report } = judge;
  const [leaf] = chain;
  if (leaf === undefined) {
    report.add({
      kind: 'tls.not_served',
      severity: 'critical',
      title: `Nobody speaks TLS on port ${port} of this server for ${host}.`,
      causes: ['The web server does not run, or listens on another address only: see network_ports.'],
    });
    return;
  }
  if (!names(leaf, host))
    report.add({
      kind: 'tls.name_mismatch',
      severity: 'critical',
      title: `What is served on ${where} is a certificate for ${firstName(leaf) ?? 'no name'}, not for ${host}.`,
      evidence: [[where, about(leaf)]],
      causes: ['The name has no server block of its own, so that of another one answers.'],
    });
  const file = files.find((found) => found.where === certificate);
  if (file?.chain[0] !== undefined && fingerprint(file.chain[0]) !== fingerprint(leaf))
    addDiffers(report, where, file, leaf);
  // What lies in a file was judged there.
  else if (file === undefined) judgeCertificate(judge, { where, chain, lineage: null, host, port });
}

function addDiffers(report: Report, where: string, file: Found, served: X509Certificate): void {
  report.add({
    kind: 'tls.served_differs',
    severity: 'warning',
    title: `What is served on ${where} is not what lies in ${file.where}: that was changed after nginx had read it.`,
    evidence: [
      [`served on ${where}`, about(served)],
      [file.where, file.chain[0] === undefined ? '' : about(file.chain[0])],
    ],
    suggestions: [
      { playbook: 'nginx.reload_safe', parameters: {}, why: 'nginx reads certificates when it is reloaded.' },
    ],
  });
}

async function lookAtTimer(report: Report, context: ObserveContext): Promise<void> {
  const unit = 'certbot.timer';
  const state = await orBlind(report, `The state of ${unit}`, () => readUnitState(context, unit));
  if (state === null || !state.exists || state.activeState === 'active') return;
  report.add({
    kind: 'tls.renewal_off',
    severity: 'warning',
    title: `certbot has certificates here, and ${unit}, which renews them, is ${state.activeState}.`,
    suggestions: [{ playbook: 'service.start', parameters: { unit }, why: 'It looks twice a day for what is due.' }],
  });
}

function renewal(name: string, host: string, port: number): Suggestion {
  return {
    playbook: 'tls.renew',
    parameters: { name, host, ...(port === 443 ? {} : { port }) },
    why: 'It rehearses the renewal first, and the former certificate comes back when the new one is not served.',
  };
}

function firstName({ subjectAltName }: X509Certificate): string | null {
  return /DNS:([A-Za-z0-9.-]+)/.exec(subjectAltName ?? '')?.[1] ?? null;
}

function about(one: X509Certificate): string {
  const { subject, issuer, subjectAltName, validFromDate: from, validToDate: to } = one;
  const line = (text: string) => text.replaceAll('\n', ', ');
  return `subject ${line(subject ?? '')}\nnames ${subjectAltName ?? 'none'}\nissuer ${line(issuer ?? '')}\nvalid ${from.toISOString()} to ${to.toISOString()}\nsha256 ${fingerprint(one)}`;
}
