/** What the test asks of the driver inside a host, and what comes back. */
import type { RememberedStep } from '@countersign/agent/capabilities/capability';
import type { StartRequest } from '@countersign/agent/host/execution';
import type { CapabilityId, Json } from '@countersign/protocol';

interface Step {
  readonly actionId: string;
  readonly step: string;
}

export type DriverRequest = Step &
  (
    | {
        readonly call: 'start';
        readonly argv: readonly string[];
        readonly timeoutMs: number;
        readonly cwd?: string;
        readonly readsOnly?: NonNullable<StartRequest['readsOnly']>;
      }
    | { readonly call: 'ended' }
    | { readonly call: 'forget' }
    | { readonly call: 'stop' }
    | {
        readonly call: 'observe' | 'preview' | 'remember' | 'perform' | 'undo' | 'recover';
        readonly capability: CapabilityId;
        readonly parameters: unknown;
        readonly memory: Json;
        readonly earlier: readonly RememberedStep[];
      }
  );

export interface DriverAnswer {
  readonly value?: unknown;
  readonly fault?: { readonly code: string; readonly message: string };
  readonly output: string;
}
