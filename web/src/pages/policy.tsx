/** The rules in force: what is allowed, asked or denied. */
import { useQuery } from '@tanstack/react-query';
import { query } from '../api/queries.ts';
import { Loaded } from '../components/loaded.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { YamlView } from '../ui/yaml-view.tsx';

export function PolicyPage() {
  const policy = useQuery(query('getPolicy', {}));
  return (
    <div className="mx-auto max-w-4xl">
      <PageHead
        title="Policy"
        tab="Policy"
        lead="The first rule that matches decides: allow, ask, or deny. When none does, reading is allowed and every change is asked. Each server has a policy of its own besides, which has the last word."
      />
      <Loaded query={policy} lines={10}>
        {({ yaml, source, problems }) => (
          <div className="space-y-4">
            {problems.length > 0 && (
              <Notice tone="crit" title="The file has problems; the last good rules stay in force.">
                <ul className="list-disc pl-5">
                  {problems.map((problem) => (
                    <li key={problem}>{problem}</li>
                  ))}
                </ul>
              </Notice>
            )}
            <YamlView text={yaml} label={source} />
            <p className="text-sm text-dim">
              It is changed in the file, on the machine of the control plane, so that a stolen session cannot loosen it.
            </p>
          </div>
        )}
      </Loaded>
    </div>
  );
}
