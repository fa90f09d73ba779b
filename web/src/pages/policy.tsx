/** The rules in force: what is allowed, asked or denied; how they change, and what they would say. */
import type { AmendmentView } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { PencilLine } from 'lucide-react';
import { useState } from 'react';
import { query } from '../api/queries.ts';
import { useMay } from '../api/session.ts';
import { Loaded } from '../components/loaded.tsx';
import { AmendmentOutcome, Amendments } from '../components/policy/amendments.tsx';
import { EditPolicy } from '../components/policy/edit-policy.tsx';
import { TestPolicy } from '../components/policy/test-policy.tsx';
import { Button } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { YamlView } from '../ui/yaml-view.tsx';

export function PolicyPage() {
  const policy = useQuery(query('getPolicy', {}));
  const owner = useMay('owner');
  const [draft, setDraft] = useState<string | null>(null);
  const [done, setDone] = useState<AmendmentView | null>(null);
  return (
    <div className="mx-auto max-w-4xl">
      <PageHead
        title="Policy"
        tab="Policy"
        lead="The first rule that matches decides: allow, ask, or deny. When none does, reading is allowed and every change is asked. Each server has a policy of its own besides, which has the last word."
      />
      <div className="space-y-7">
        <Loaded query={policy} lines={10}>
          {(it) => (
            <Section
              title="Rules in force"
              aside={
                owner &&
                draft === null && (
                  <Button size="sm" icon={PencilLine} onClick={() => setDraft(it.yaml)}>
                    Edit
                  </Button>
                )
              }
            >
              <div className="space-y-4">
                {done && <AmendmentOutcome amendment={done} />}
                {it.problems.length > 0 && (
                  <Notice tone="crit" title="The file has problems; the last good rules stay in force.">
                    <ul className="list-disc pl-5">
                      {it.problems.map((problem) => (
                        <li key={problem}>{problem}</li>
                      ))}
                    </ul>
                  </Notice>
                )}
                {draft === null ? (
                  <YamlView text={it.yaml} label={it.source} />
                ) : (
                  <EditPolicy
                    policy={it}
                    draft={draft}
                    onDraft={setDraft}
                    onCancel={() => setDraft(null)}
                    onDone={(amendment) => {
                      setDone(amendment);
                      setDraft(null);
                    }}
                  />
                )}
                <p className="text-sm text-dim">
                  A change takes a fresh proof of an owner, and is itself under a rule:{' '}
                  <code className="font-mono text-xs">administration</code>. It can also be changed in the file, on the
                  machine of the control plane.
                </p>
              </div>
            </Section>
          )}
        </Loaded>
        <Section title="What would happen if…" hint="Nothing is asked for: the rules only say what they would.">
          <TestPolicy draft={draft} />
        </Section>
        <Section title="Amendments" hint="Changes of rules, roles, people and tokens.">
          <Amendments />
        </Section>
      </div>
    </div>
  );
}
