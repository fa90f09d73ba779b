/** A command that policy allows, on a real agent: known beforehand it crosses once, and what the server's owner changes meanwhile still counts. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../world/eventually.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import { startWorld } from '../world/world.ts';

const policy = 'format: countersign-policy/1\nrules:\n  - { name: free, when: { risk: [high] }, allow: true }\n';

test('when the owner of a server forbids commands after one was foretold, the server refuses the next, and the caller is told why', async () => {
  await using world = await startWorld({ policy });
  await using agent = await startLocalAgent(world, 'box', { policy: 'mode: act\ncommands: true\n' });
  const assistant = world.as(await world.token());
  const run = async (...argv: string[]) => {
    const { action } = await assistant('runCommand', { server: 'box', argv });
    const id = action?.id ?? assert.fail('no action was made');
    return eventually(`the end of ${argv.join(' ')}`, async () => {
      const seen = await assistant('getAction', { action: id, wait_s: 5 });
      return ['succeeded', 'failed', 'refused'].includes(seen.state) ? seen : undefined;
    });
  };
  const asked = await run('echo', 'one');
  const foretold = await run('echo', 'two');
  assert.deepEqual([asked.state, foretold.state, foretold.untrusted_output], ['succeeded', 'succeeded', 'two\n']);
  assert.deepEqual(
    foretold.plan.preview,
    { ...asked.plan.preview, steps: [{ ...asked.plan.preview.steps[0], argv: [['echo', 'two']] }] },
    'as the server itself words it',
  );
  const commands = (are: boolean) => writeFile(join(agent.stateDir, 'policy.yaml'), `mode: act\ncommands: ${are}\n`);
  // With its next heartbeat the server tells of its new policy. Where that comes first, nothing is foretold, and it is tried again.
  const refused = await eventually('a command to be foretold that the server forbids by now', async () => {
    await commands(true);
    await run('echo', 'before');
    await commands(false);
    return run('echo', 'three');
  });
  assert.deepEqual([refused.state, refused.error?.code], ['refused', 'commands_disabled']);
  // A refusal ends what was known: the server is asked, and says so before there is an action.
  await assert.rejects(assistant('runCommand', { server: 'box', argv: ['echo', 'four'] }), {
    code: 'commands_disabled',
  });
});
