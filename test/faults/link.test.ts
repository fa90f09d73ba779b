/** As `runner.test.ts`, with the link and with the program that enrols a server. */
import { test } from 'node:test';
import { killAll, placesOf } from './agent-kills.ts';
import { agentWork, killEnrolment } from './agent-work.ts';
import { killsEach } from './kills.ts';

test('F7, T11: when the link is killed anywhere between control plane and runner, nothing is lost and nothing comes twice', async (context) => {
  await using work = await agentWork('link');
  await killAll(work, placesOf('link'));
  context.diagnostic(`\n${work.table()}`);
});

test('when enrolling is killed anywhere, the server can be enrolled afterwards', async (context) => {
  context.diagnostic(`\n${await killEnrolment(placesOf('enrolment'), killsEach())}`);
});
