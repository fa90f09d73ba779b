/** As `control-plane-actions.test.ts`, where cards, the lock, checkpoints and backups are written. */
import { killControlPlane } from './control-plane-kills.ts';

killControlPlane([
  'F13: when the control plane is killed around cards, lock, checkpoints and backups, they come right afterwards',
]);
