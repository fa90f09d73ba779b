/** Compares the audit log with what the servers keep of it, and lets an owner accept that the newest part is lost. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { CircleCheck, CircleDashed, CircleX, type LucideIcon, Unplug } from 'lucide-react';
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { useMay } from '../api/session.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { counted } from '../ui/counted.ts';
import { Field, Textarea } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Row, Rows } from '../ui/rows.tsx';
import type { Tone } from '../ui/tone.ts';
import { ServerLink } from './links.tsx';
import { ProofDialog } from './proof-dialog.tsx';

type Checked = OutputOf<'verifyAudit'>['servers'][number];

const looks = {
  agrees: { tone: 'ok', icon: CircleCheck, word: 'Agrees' },
  accepted: { tone: 'warn', icon: CircleX, word: 'Contradicts, accepted' },
  contradicts: { tone: 'crit', icon: CircleX, word: 'Contradicts' },
  unreachable: { tone: 'warn', icon: Unplug, word: 'Not reached' },
  no_witness: { tone: 'idle', icon: CircleDashed, word: 'Keeps nothing yet' },
} as const satisfies Record<Checked['state'], { tone: Tone; icon: LucideIcon; word: string }>;

export function CheckedServers({ servers }: { servers: readonly Checked[] }) {
  const owner = useMay('owner');
  const [accepting, setAccepting] = useState(false);
  if (servers.length === 0) return <p className="text-sm text-dim">There is no server to ask.</p>;
  const contradicts = servers.some(({ state }) => state === 'contradicts');
  return (
    <div className="space-y-3">
      <Rows label="What the servers keep">
        {servers.map(({ server, state, checkpoints, actions, problems }) => {
          const { tone, icon, word } = looks[state];
          return (
            <Row
              key={server.id}
              title={<ServerLink server={server} />}
              marks={
                <Badge tone={tone} icon={icon}>
                  {word}
                </Badge>
              }
              about={
                <>
                  {(state === 'agrees' || state === 'accepted' || state === 'contradicts') &&
                    `${counted(checkpoints, 'checkpoint')} and ${counted(actions, 'action')} of its journal compared`}
                  {state === 'unreachable' && 'Its agent is offline: ask again when it is back.'}
                  {problems.length > 0 && (
                    <ul className="mt-1 list-disc pl-5 text-ink">
                      {problems.map((problem) => (
                        <li key={problem}>{problem}</li>
                      ))}
                    </ul>
                  )}
                </>
              }
            />
          );
        })}
      </Rows>
      {contradicts && (
        <Notice
          tone="warn"
          title="No change goes to servers that contradict."
          aside={
            owner && (
              <Button kind="danger" onClick={() => setAccepting(true)}>
                Accept the loss…
              </Button>
            )
          }
        >
          If this database was restored from an older backup, restore the newest one. Only when there is none should an
          owner accept the loss: it stays marked as accepted, here and in every later check.
        </Notice>
      )}
      {accepting && <AcceptLoss onClose={() => setAccepting(false)} />}
    </div>
  );
}

function AcceptLoss({ onClose }: { onClose: () => void }) {
  const accept = useOperation('acceptRollback', ['getAuditLog', 'getOverview', 'getServerStatus', 'listServers']);
  const [reason, setReason] = useState('');
  return (
    <ProofDialog
      title="Accept that newer entries are lost?"
      description="Servers remember entries that this database does not have, or has differently. Accepting writes that into the log, and changes may go on. It cannot be taken back."
      verb="Accept the loss"
      danger
      ready={reason.trim().length >= 3}
      onProof={(proof) => accept.mutateAsync({ reason: reason.trim(), proof }).then(onClose)}
      onClose={onClose}
    >
      <Field label="Why" hint="It stays in the audit log: which backup, and what happened to the newer one.">
        {(props) => (
          <Textarea
            {...props}
            autoFocus
            required
            minLength={3}
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
    </ProofDialog>
  );
}
