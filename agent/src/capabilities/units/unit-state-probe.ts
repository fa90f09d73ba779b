import type { Observer } from '../capability.ts';
import { readUnitState } from './unit-state.ts';

/** The state of a unit as preconditions and checks read it. */
export const unitStateProbe: Observer<'unit.state'> = async ({ unit }, context) => {
  const state = await readUnitState(context, unit);
  return {
    exists: state.exists,
    active_state: state.activeState,
    sub_state: state.subState,
    unit_file_state: state.unitFileState,
    enabled: state.unitFileState === 'enabled',
    result: state.result,
    main_pid: state.mainPid,
    restarts: state.restarts,
    can_reload: state.canReload,
    active_since: state.activeSince === null ? null : new Date(state.activeSince).toISOString(),
  };
};
