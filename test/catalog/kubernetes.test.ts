import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { type Ground, openGround } from './ground.ts';
import {
  changeCluster,
  changingCalls,
  clusterNow,
  crashing,
  deployment,
  installKubectl,
  pod,
  setCluster,
} from './kubectl-stand-in.ts';
import { prove } from './prove.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('kubernetes');
  await installKubectl(ground.host);
  // What is installed the agent tells when it connects.
  await ground.host.exec(['systemctl', 'restart', 'countersign-link']);
  await eventually('the control plane to know of kubectl', async () => {
    const { playbooks } = await ground.assistant('listPlaybooks', { server: ground.name });
    return playbooks.find(({ id }) => id === 'k8s.scale')?.fits === true || undefined;
  });
});
after(async () => ground?.[Symbol.asyncDispose]());

prove(() => ground, {
  playbook: 'k8s.rollout_restart',
  when: 'both pods of a deployment crash again and again',
  breakIt: (host) =>
    setCluster(host, {
      deployments: [deployment(2, 0)],
      pods: [pod('web-4-0', 'Running', crashing(7)), pod('web-4-1', 'Running', crashing(6))],
    }),
  sees: { diagnostic: 'k8s', kind: 'k8s.crash_loop' },
  parameters: { watch: '1s' },
  mended: async (host) =>
    assert.deepEqual(await changingCalls(host), ['/root rollout restart --namespace=shop deployment/web']),
  spoil: {
    how: 'the new pods crash while they are watched',
    breakIt: (host) => changeCluster(host, { rollout: 'crash' }),
    parameters: { namespace: 'shop', deployment: 'web', watch: '2s' },
    undo: 'done',
    undone: async (host) =>
      assert.deepEqual(await changingCalls(host), [
        '/root rollout restart --namespace=shop deployment/web',
        '/root rollout restart --namespace=shop deployment/web',
        '/root rollout undo --namespace=shop --to-revision=5 deployment/web',
      ]),
  },
});

const NO_ROOM = {
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/2 nodes are available: 2 Insufficient memory.',
    },
  ],
};

prove(() => ground, {
  playbook: 'k8s.scale',
  when: 'a pod of a deployment finds no room on any node',
  breakIt: (host) =>
    setCluster(host, {
      deployments: [deployment(3, 2)],
      pods: [pod('web-4-0', 'Running'), pod('web-4-1', 'Running'), pod('web-4-2', 'Pending', NO_ROOM)],
    }),
  sees: { diagnostic: 'k8s', kind: 'k8s.no_room' },
  parameters: { watch: '1s' },
  async mended(host) {
    const { deployments, pods } = await clusterNow(host);
    assert.equal(deployments[0]?.spec.replicas, 2);
    assert.deepEqual(pods.map(({ metadata }) => metadata.name).sort(), ['web-4-0', 'web-4-1']);
  },
  spoil: {
    how: 'the pod that it adds crashes while it is watched',
    breakIt: (host) => changeCluster(host, { rollout: 'crash' }),
    parameters: { namespace: 'shop', deployment: 'web', delta: 1, watch: '2s' },
    undo: 'done',
    undone: async (host) =>
      assert.deepEqual(await changingCalls(host), [
        '/root scale --namespace=shop --current-replicas=3 --replicas=2 deployment/web',
        '/root scale --namespace=shop --current-replicas=2 --replicas=3 deployment/web',
        '/root scale --namespace=shop --current-replicas=3 --replicas=2 deployment/web',
      ]),
  },
});

const evicted = (name: string) => pod(name, 'Failed', { reason: 'Evicted' });

prove(() => ground, {
  playbook: 'k8s.delete_failed_pods',
  when: 'pods were evicted and lie about',
  breakIt: (host) =>
    setCluster(host, {
      deployments: [deployment(1)],
      pods: [pod('web-4-0', 'Running'), evicted('job-b'), evicted('job-a')],
    }),
  sees: { diagnostic: 'k8s', kind: 'k8s.failed_pods' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.deepEqual(await changingCalls(host), [
      '/root delete pod --namespace=shop --ignore-not-found -- job-a job-b',
    ]);
    assert.deepEqual(
      (await clusterNow(host)).pods.map(({ metadata }) => metadata.name),
      ['web-4-0'],
    );
  },
  spoil: {
    how: 'another pod fails while they are watched',
    breakIt: (host) => setCluster(host, { pods: [evicted('job-c')], fails_later: evicted('job-d') }),
    parameters: { namespace: 'shop', watch: '2s' },
    undo: 'impossible',
    undone: async (host) =>
      assert.deepEqual(await changingCalls(host), ['/root delete pod --namespace=shop --ignore-not-found -- job-c']),
  },
});

const scaler = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' } },
};
const budget = {
  metadata: { name: 'keep', namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'web' } } },
  status: { disruptionsAllowed: 0 },
};

hostTest(
  'when a deployment may not be changed now, it is not even asked for, and kubectl changes nothing',
  async () => {
    const { host, assistant, name: server } = ground;
    const why = async (playbook: string, more: object = {}) => {
      const parameters = { namespace: 'shop', deployment: 'web', ...more };
      const asked = assistant('runPlaybook', { server, playbook, parameters, reason: 'It is slow.' });
      return asked.then(
        () => 'asked',
        (error: Error) => error.message,
      );
    };
    await setCluster(host, { deployments: [deployment(1)] });
    assert.match(await why('k8s.rollout_restart'), /desired is 1|has 1 replica, and 2 have to be/);
    assert.match(await why('k8s.scale', { delta: -1 }), /one has to stay/);
    assert.match(await why('k8s.scale', { delta: 1, deployment: 'none' }), /there is no deployment none/);
    assert.match(
      await why('k8s.scale', { delta: 1, namespace: 'kube-system' }),
      /does not allow namespace kube-system/,
    );
    await setCluster(host, { deployments: [deployment(3)], horizontalpodautoscalers: [scaler] });
    assert.match(await why('k8s.scale', { delta: 1 }), /the autoscaler web sets how many pods/);
    await setCluster(host, { deployments: [deployment(3)], poddisruptionbudgets: [budget] });
    assert.match(await why('k8s.rollout_restart'), /the disruption budget keep lets no pod go now/);
    assert.deepEqual(await changingCalls(host), []);
  },
);

hostTest(
  'when the cluster does not answer or says nonsense, or kubectl is not there, that is a finding and no crash',
  async () => {
    const { host, assistant, name: server } = ground;
    const said = async () =>
      JSON.stringify((await assistant('runDiagnostic', { server, diagnostics: ['k8s'] })).findings);
    const answerWith = (script: string) => host.writeFile('/usr/local/bin/kubectl', `#!/bin/sh\n${script}\n`, '0755');
    try {
      await answerWith('echo connection refused >&2; exit 1');
      assert.match(await said(), /k8s\.no_cluster/);
      await answerWith('echo "{\\"items\\": [null, 7, {\\"metadata\\": {}}]}"');
      assert.match(await said(), /k8s\.calm/);
      await answerWith('echo what');
      assert.match(await said(), /Pods could not be seen: kubectl printed no JSON/);
      await host.exec(['rm', '/usr/local/bin/kubectl']);
      assert.match(await said(), /k8s\.not_installed/);
    } finally {
      await installKubectl(host);
    }
  },
);
