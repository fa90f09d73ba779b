/**
 * The control plane killed with SIGKILL where actions are asked for, decided, sent and reported, three times at each place on every
 * run, under a workload of real people, a real link and a real runner: no effect twice, no approval lost, nothing stuck.
 */
import { killControlPlane } from './control-plane-kills.ts';

killControlPlane(
  [
    'F1, F2: when the control plane is killed around a decision, a dispatch or a report, each action happens at most once and no approval is lost',
  ],
  { anyTime: true },
);
