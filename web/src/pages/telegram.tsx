/** Pairs a Telegram account: scan, press Start, confirm that the account shown is yours. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { ExternalLink, Send, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { useLiveState } from '../api/live.ts';
import { query, useOperation } from '../api/queries.ts';
import { Countdown } from '../components/action/expiry.tsx';
import { Confirm } from '../components/confirm.tsx';
import { FaultNotice } from '../components/fault-notice.tsx';
import { Form } from '../components/form.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Button, buttonClass } from '../ui/button.tsx';
import { Card } from '../ui/card.tsx';
import { Command } from '../ui/copy.tsx';
import { PasswordField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Qr } from '../ui/qr.tsx';
import { When } from '../ui/time.tsx';

type Telegram = OutputOf<'getTelegram'>;

export function TelegramPage() {
  const { up } = useLiveState();
  const telegram = useQuery({ ...query('getTelegram', {}), refetchInterval: up ? false : 3000 });
  return (
    <div className="mx-auto max-w-2xl">
      <PageHead
        title="Telegram"
        tab="Telegram"
        lead="What waits for a decision comes to your phone as a card, with the same plan and fingerprint as here. Approve or reject there in one or two taps."
      />
      <Loaded query={telegram}>
        {(it) => (
          <Card className="space-y-5 p-4 sm:p-6">
            {it.bot === null ? <NoBot /> : <WithBot bot={it.bot} link={it.link} />}
          </Card>
        )}
      </Loaded>
    </div>
  );
}

function NoBot() {
  return (
    <div className="space-y-3">
      <p className="font-medium">No bot is set up yet.</p>
      <ol className="list-decimal space-y-1 pl-5 text-dim">
        <li>
          In Telegram, write to <span className="font-medium text-ink">@BotFather</span>, send{' '}
          <code className="font-mono text-xs">/newbot</code> and follow it.
        </li>
        <li>Start the control plane with the token that it gives you:</li>
      </ol>
      <Command text="TELEGRAM_BOT_TOKEN=<token> npm start" label="On the machine of the control plane" />
      <p className="text-sm text-dim">No inbound port is needed: the control plane asks Telegram for news.</p>
    </div>
  );
}

function WithBot({ bot, link }: { bot: NonNullable<Telegram['bot']>; link: Telegram['link'] }) {
  return (
    <>
      {!bot.ok && (
        <Notice tone="crit" title={`The bot @${bot.username} does not work.`}>
          {bot.problem} Decisions stay possible here and on the command line.
        </Notice>
      )}
      {link.state === 'linked' ? (
        <Linked link={link} />
      ) : link.state === 'confirm' && link.telegram ? (
        <ConfirmAccount telegram={link.telegram} />
      ) : (
        <Pair username={bot.username} />
      )}
    </>
  );
}

function Pair({ username }: { username: string }) {
  const start = useOperation('startTelegramLink', ['getTelegram']);
  const [password, setPassword] = useState('');
  if (start.data)
    return (
      <div className="flex flex-col items-center gap-5 sm:flex-row sm:items-start">
        <Qr text={start.data.url} label={`QR code: opens @${username} in Telegram`} />
        <div className="space-y-3">
          <ol className="list-decimal space-y-1.5 pl-5">
            <li>Scan it with your phone’s camera, or open the link on this device.</li>
            <li>
              Press <span className="font-medium">Start</span> in the chat with @{username}.
            </li>
            <li>Come back: this page then shows your account for you to confirm.</li>
          </ol>
          <a href={start.data.url} target="_blank" rel="noreferrer" className={buttonClass('primary')}>
            <Send aria-hidden className="size-4" /> Open Telegram
          </a>
          <p role="status" className="text-sm text-dim">
            Waiting for you in Telegram… <Countdown expiresAt={start.data.expires_at} words />
          </p>
          <p className="text-sm text-dim">
            If the link does not work, send <code className="font-mono text-xs">/start {start.data.code}</code> to @
            {username}.
          </p>
          <Button kind="quiet" size="sm" onClick={() => start.reset()}>
            Start over
          </Button>
        </div>
      </div>
    );
  return (
    <Form
      label="Connect Telegram"
      error={start.error}
      onSubmit={() => start.mutate({ password }, { onSettled: () => setPassword('') })}
    >
      <PasswordField
        label="Your password"
        hint="Confirms that it is you: the paired account can approve in your name."
        value={password}
        onChange={setPassword}
      />
      <Button type="submit" kind="primary" icon={ExternalLink} busy={start.isPending} disabled={password === ''}>
        Connect Telegram
      </Button>
    </Form>
  );
}

function ConfirmAccount({ telegram }: { telegram: { id: string; name: string } }) {
  const confirm = useOperation('confirmTelegramLink', ['getTelegram', 'getMe', 'getOverview']);
  const remove = useOperation('removeTelegramLink', ['getTelegram']);
  return (
    <div className="space-y-4">
      <p role="status" className="font-medium">
        Is this your Telegram account?
      </p>
      <div className="rounded-lg border border-line bg-sunken px-4 py-3">
        <p className="font-medium">{telegram.name}</p>
        <p className="font-mono text-xs text-dim">id {telegram.id}</p>
      </div>
      <p className="text-sm text-dim">
        Names can be chosen freely, ids cannot. This id will approve and reject in your name.
      </p>
      <FaultNotice error={confirm.error ?? remove.error} />
      <div className="flex flex-wrap gap-2">
        <Button
          kind="primary"
          icon={ShieldCheck}
          busy={confirm.isPending}
          onClick={() => confirm.mutate({ telegram_id: telegram.id })}
        >
          Yes, it is mine
        </Button>
        <Button kind="danger" busy={remove.isPending} onClick={() => remove.mutate({})}>
          No
        </Button>
      </div>
    </div>
  );
}

function Linked({ link }: { link: Telegram['link'] }) {
  const remove = useOperation('removeTelegramLink', ['getTelegram', 'getMe', 'getOverview']);
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Notice
        tone="ok"
        role="status"
        title={`Connected: ${link.telegram?.name ?? ''}`}
        aside={
          <Button size="sm" onClick={() => setAsking(true)}>
            Unlink
          </Button>
        }
      >
        id {link.telegram?.id}
        {link.since && (
          <>
            , since <When at={link.since} />
          </>
        )}
        . Try /status in the chat.
      </Notice>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Unlink this Telegram account?"
        verb="Unlink"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({}, { onSuccess: () => setAsking(false) })}
      >
        It can no longer approve or reject; cards that were sent stay, without effect.
      </Confirm>
    </>
  );
}
