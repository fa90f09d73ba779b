/** What `npm start` prints: the one link that matters first, then how to connect an assistant. */

import { join } from 'node:path';
import { styleText } from 'node:util';
import { connectLines, trustLines } from './connect-lines.ts';

export interface Greeting {
  readonly version: string;
  readonly publicUrl: string;
  readonly dataDir: string;
  /** Null once somebody can sign in. */
  readonly setupLink: string | null;
  /** Where the certificate is home-made. */
  readonly pin: string | null;
  readonly localAgent: 'observe' | 'act' | 'off';
  readonly telegram: boolean;
  readonly colour: boolean;
}

const agentWords = {
  observe: 'this machine is under care, for reading only (COUNTERSIGN_LOCAL_AGENT=act lets it change things)',
  act: 'this machine is under care, and approved changes run here',
  off: 'no agent for this machine (COUNTERSIGN_LOCAL_AGENT=off)',
} as const;

/** The lines, ready to print. */
export function greetingLines(greeting: Greeting): string[] {
  const paint = (style: 'bold' | 'dim' | 'cyan', text: string) =>
    greeting.colour ? styleText(style, text, { validateStream: false }) : text;
  const connect = [
    ...(greeting.pin === null ? [] : trustLines(join(greeting.dataDir, 'keys', 'tls.crt'))),
    ...connectLines({ mcpUrl: `${greeting.publicUrl}/mcp`, token: 'YOUR_TOKEN' }),
  ];
  return [
    '',
    `  ${paint('bold', 'Countersign')} ${greeting.version}`,
    '',
    ...(greeting.setupLink === null
      ? [`  Dashboard   ${paint('cyan', greeting.publicUrl)}`]
      : [
          '  Open this link to make the first owner. It works once, for 15 minutes:',
          '',
          `  ${paint('cyan', greeting.setupLink)}`,
          '',
          paint('dim', '  (a new one: npm run -s cli -- setup --reset-link)'),
        ]),
    '',
    `  Agent       ${agentWords[greeting.localAgent]}`,
    `  Telegram    ${greeting.telegram ? 'on: pair your account on the dashboard' : 'off (set TELEGRAM_BOT_TOKEN to decide on your phone)'}`,
    `  Data        ${greeting.dataDir}`,
    ...(greeting.pin === null ? [] : [`  TLS key     ${greeting.pin} ${paint('dim', '(home-made certificate)')}`]),
    '',
    '  Connect an assistant. YOUR_TOKEN comes from the dashboard (Tokens), or from',
    '  npm run -s cli -- token create --name "my laptop"',
    '',
    ...connect.map((line) => `    ${line.startsWith('  ') ? line : paint('bold', line)}`),
    '',
    paint('dim', '  Ctrl-C stops. Server to add: npm run -s cli -- server add --name web-1'),
    '',
  ];
}
