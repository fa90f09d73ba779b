/** Connects an assistant: a token, one command, and the wait for its first call. */
import type { LiveEvent } from '@countersign/protocol/live-events';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck, KeyRound, LoaderCircle } from 'lucide-react';
import { useCallback, useState } from 'react';
import { useLiveEvent } from '../api/live.ts';
import { query } from '../api/queries.ts';
import { type Client, clients, httpSnippets, stdioSnippets } from '../components/connect-snippets.ts';
import { FaultNotice } from '../components/fault-notice.tsx';
import { Loaded } from '../components/loaded.tsx';
import { useProved } from '../components/proved.tsx';
import { Button, buttonClass } from '../ui/button.tsx';
import { Card } from '../ui/card.tsx';
import { Command } from '../ui/copy.tsx';
import { Disclosure } from '../ui/disclosure.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { When } from '../ui/time.tsx';

type Made = OutputOf<'createToken'>;
const ids = Object.keys(clients) as Client[];

export function ConnectPage() {
  const connect = useQuery(query('getConnect', {}));
  const [client, setClient] = useState<Client>('claude');
  return (
    <div className="mx-auto max-w-3xl">
      <PageHead
        title="Connect your assistant"
        tab="Connect"
        lead="It can then look at your servers and ask for changes. It cannot approve anything: no tool decides."
      />
      <Loaded query={connect}>
        {(it) => (
          <Tabs
            label="Assistant"
            value={client}
            onChange={setClient}
            items={ids.map((id) => ({
              id,
              label: clients[id],
              content: () => <Steps key={id} client={id} connect={it} />,
            }))}
          />
        )}
      </Loaded>
    </div>
  );
}

function Steps({ client, connect }: { client: Client; connect: OutputOf<'getConnect'> }) {
  const make = useProved('createToken', ['listTokens', 'getOverview', 'listAmendments'], {
    title: 'New token',
    verb: 'Make it',
  });
  const connection = {
    mcpUrl: connect.mcp_url,
    stdioCommand: connect.stdio_command,
    token: make.data?.secret ?? '<token>',
  };
  return (
    <Card className="p-4 sm:p-6">
      <ol className="space-y-6">
        <Step number={1} title="Make a token for it">
          {make.data ? (
            <Notice
              tone="ok"
              title={`Token “${make.data.token.name}” is in the ${client === 'claude' ? 'command' : 'text'} below.`}
            >
              Copy it now: it is not shown again. Only its hash is kept here.
            </Notice>
          ) : (
            <>
              <p className="mb-2 text-sm text-dim">
                It can read and ask for changes, never decide. End it at any time under Tokens.
              </p>
              <Button
                kind="primary"
                icon={KeyRound}
                busy={make.isPending}
                onClick={() => make.run({ name: clients[client], scope: 'request' })}
              >
                Make a token
              </Button>
              <div className="mt-3 empty:hidden">
                <FaultNotice error={make.error} />
              </div>
              {make.dialog}
            </>
          )}
        </Step>
        <Step number={2} title={client === 'claude' ? 'Run this once' : 'Write this'}>
          <div className="space-y-3">
            {httpSnippets(client, connection).map((snippet) => (
              <Command key={snippet.label} {...snippet} />
            ))}
            <Disclosure summary="As a local process instead (stdio)">
              <p className="mb-2 text-sm text-dim">
                For assistants that cannot reach this address or do not accept its certificate.
              </p>
              <div className="space-y-3">
                {stdioSnippets(client, connection).map((snippet) => (
                  <Command key={snippet.label} {...snippet} />
                ))}
              </div>
            </Disclosure>
          </div>
        </Step>
        <Step number={3} title="Ask it something">
          <Command text="How are my servers? Use countersign." label={`In ${clients[client]}`} />
          <div className="mt-3">
            {make.data ? <FirstCall key={make.data.token.id} made={make.data} /> : <Earlier connect={connect} />}
          </div>
        </Step>
      </ol>
    </Card>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: React.ReactNode }) {
  return (
    <li className="flex gap-3.5">
      <span
        aria-hidden
        className="flex size-6 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold text-accent"
      >
        {number}
      </span>
      <div className="min-w-0 flex-1">
        <h2 className="mb-2 font-medium leading-6">{title}</h2>
        {children}
      </div>
    </li>
  );
}

/** Waits for the first call with this very token. */
function FirstCall({ made }: { made: Made }) {
  const [tool, setTool] = useState<string | null>(null);
  const tokens = useQuery(query('listTokens', {}));
  const listen = useCallback(
    (event: LiveEvent) => {
      if (event.type === 'mcp_call' && event.token === made.token.id) setTool((before) => before ?? event.tool);
    },
    [made.token.id],
  );
  useLiveEvent(listen);
  const used = tokens.data?.tokens.find(({ id }) => id === made.token.id);
  const called = tool !== null || Boolean(used?.last_used_at);
  return (
    <p role="status" className="flex flex-wrap items-center gap-2 text-sm">
      {called ? (
        <>
          <CircleCheck aria-hidden className="size-4 text-ok" />
          <span>
            It works: {used?.last_client ?? 'your assistant'} called{tool ? ` ${tool}` : ''}.
          </span>
          <Link to="/" className={buttonClass('plain', 'sm')}>
            Next: the overview
          </Link>
        </>
      ) : (
        <>
          <LoaderCircle aria-hidden className="size-4 animate-spin text-info" />
          <span className="text-dim">Waiting for its first call…</span>
        </>
      )}
    </p>
  );
}

function Earlier({ connect }: { connect: OutputOf<'getConnect'> }) {
  if (connect.first_call_at === null) return null;
  return (
    <p className="flex items-center gap-2 text-sm text-dim">
      <CircleCheck aria-hidden className="size-4 text-ok" />
      <span>
        {connect.last_client ?? 'An assistant'} is connected; the first call came <When at={connect.first_call_at} />.
      </span>
    </p>
  );
}
