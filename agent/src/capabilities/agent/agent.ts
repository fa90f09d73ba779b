import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayBytes } from '../report.ts';
import { readDamage } from './damage.ts';
import { installedVersion, linkVersion } from './installed.ts';
import { isOlder, readOffer } from './offer.ts';

/** The agent itself: its version, what the control plane offers, and whether it is as it was installed. */
export const agent: Observer<'agent'> = async (_, context) => {
  const report = new Report(context);
  const installed = installedVersion();
  if (installed === null) {
    report.add({
      kind: 'agent.not_installed',
      severity: 'info',
      title: 'The agent runs, but not as its install script sets it up; it cannot be changed from here.',
    });
    return report.finish();
  }
  report.figure('version', installed);
  const link = await linkVersion(context);
  if (link !== null && link !== installed)
    report.add({
      kind: 'agent.other_version',
      severity: 'warning',
      title: `The link runs ${link}, and ${installed} is installed.`,
      causes: ['It was not started anew after an upgrade: systemctl restart countersign-link.'],
    });
  await orBlind(report, 'How the agent is installed', () => lookAtDamage(report, installed, context));
  await orBlind(report, 'What the control plane offers', () => lookAtOffer(report, installed, context));
  if (report.isCalm)
    report.add({ kind: 'agent.calm', severity: 'ok', title: `The agent is ${installed}, as it was installed.` });
  return report.finish();
};

async function lookAtDamage(report: Report, installed: string, context: ObserveContext): Promise<void> {
  const damage = await readDamage(installed, context);
  const [first] = damage;
  if (first === undefined) return;
  const mended = damage.every((each) => each.mended);
  report.add({
    kind: 'agent.damaged',
    severity: 'warning',
    title: `${first.said}${damage.length > 1 ? `, and ${count(damage.length - 1, 'more thing')} of the agent ${damage.length > 2 ? 'are' : 'is'} not as installed` : ''}.`,
    evidence: [['compared with the package', damage.map(({ said }) => said).join('\n')]],
    causes: ['Somebody, or a configuration management, changed it by hand.'],
    suggestions: mended
      ? [
          {
            playbook: 'agent.repair',
            parameters: {},
            why: 'Puts units, owners and modes back as they were installed.',
          },
        ]
      : [],
  });
}

async function lookAtOffer(report: Report, installed: string, context: ObserveContext): Promise<void> {
  const offer = await readOffer(installed, context);
  if (offer === null || offer.version === installed) return;
  const older = isOlder(offer.version, installed);
  report.add({
    kind: 'agent.outdated',
    severity: older ? 'info' : 'warning',
    title: `The agent is ${installed}, and the control plane offers ${offer.version}${older ? ', which is older' : ''}.`,
    causes: ['The control plane was upgraded, and this server was not.'],
    suggestions: older
      ? []
      : [
          {
            playbook: 'agent.update',
            parameters: { version: offer.version, sha256: offer.sha256 },
            why: `Its package has ${sayBytes(offer.bytes)}; the server goes back by itself when it does not connect.`,
          },
        ],
  });
}
