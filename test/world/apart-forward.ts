/** Runs in Chromium's own network (`chromium-apart.sh`): hands each connection on to the socket file by which it leaves that network. */
import { connect, createServer } from 'node:net';
import { APART_PORT, joined, READY } from './apart.ts';

const [exit = ''] = process.argv.slice(2);
createServer((inner) => joined(inner, connect(exit))).listen(APART_PORT, '127.0.0.1', () => {
  // Stands as long as the test is there.
  const sign = connect(exit, () => sign.write(READY));
  sign.on('error', () => undefined).on('close', () => process.exit());
});
