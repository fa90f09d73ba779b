/** As `control-plane-actions.test.ts`, where somebody stops, pauses or confirms, signs in or changes the rules. F8 to F11. */
import { killControlPlane } from './control-plane-kills.ts';

killControlPlane([
  'when the control plane is killed around a stop, a pause, a confirmation or an expiry, what was acknowledged holds',
  'T3: when the control plane is killed around sessions, tokens, challenges and rules, each counts once or not at all',
]);
