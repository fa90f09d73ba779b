#!/usr/bin/python3
"""A stand-in for kubectl: keeps a small cluster in a file, writes down each argv that it is asked, and answers with kubectl's JSON.

It knows what the agent asks and nothing else: whatever it does not know ends with exit code 64. /srv/kube/state.json holds
`pods`, `deployments`, `horizontalpodautoscalers`, `poddisruptionbudgets` (lists of objects as the API gives them), `events`
(lines), `rollout`: what new pods do (`fine`, or `crash` some 1.5 s after they became available), and `fails_later`: a pod that is there 1.5 s
after others were deleted.
"""
import fcntl
import json
import os
import sys
import time

FOLDER = '/srv/kube'
STATE = FOLDER + '/state.json'


def fail(code, words):
    sys.stderr.write(words + '\n')
    sys.exit(code)


def main(argv):
    with open(FOLDER + '/record', 'a') as record:
        record.write(json.dumps({'argv': argv, 'home': os.environ.get('HOME')}) + '\n')
    with open(FOLDER + '/lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(STATE) as file:
            state = json.load(file)
        age(state)
        answer(state, argv)
        with open(STATE + '.new', 'w') as file:
            json.dump(state, file)
        os.rename(STATE + '.new', STATE)


def answer(state, argv):
    options = {}
    words = []
    for at, word in enumerate(argv):
        if word == '--':
            words += argv[at + 1:]
            break
        if word.startswith('--'):
            name, _, value = word[2:].partition('=')
            options[name] = value
        else:
            words.append(word)
    verb = ' '.join(words[:2]) if words[0] == 'rollout' else words[0]
    if verb == 'version':
        return print(json.dumps({'serverVersion': {'gitVersion': 'v1.31.0'}}))
    if verb == 'get':
        return get(state, words[1:], options)
    if verb == 'logs':
        return print('panic: no route to the database')
    if verb == 'delete' and words[1] == 'pod':
        gone = [pod for pod in state['pods'] if fits(pod, options) and pod['metadata']['name'] in words[2:]]
        state['pods'] = [pod for pod in state['pods'] if pod not in gone]
        state['fails_at'] = time.time() + 1.5
        return [print('pod "%s" deleted' % pod['metadata']['name']) for pod in gone]
    deployment = find(state, options, words[-1].replace('deployment/', ''))
    if verb == 'scale':
        if int(options['current-replicas']) != deployment['spec']['replicas']:
            fail(1, 'error: Expected replicas to be %s, was %d' % (options['current-replicas'], deployment['spec']['replicas']))
        deployment['spec']['replicas'] = int(options['replicas'])
        return settle(state, deployment, revision=None)
    if verb == 'rollout restart':
        return settle(state, deployment, revision=revision_of(deployment) + 1)
    if verb == 'rollout undo':
        state['rollout'] = 'fine'
        return settle(state, deployment, revision=revision_of(deployment) + 1)
    if verb == 'rollout status':
        return print('deployment "%s" successfully rolled out' % deployment['metadata']['name'])
    fail(64, 'the stand-in does not know: %s' % ' '.join(argv))


def get(state, words, options):
    if options.get('output', '').startswith('custom-columns'):
        return print('\n'.join(state.get('events', [])))
    if options.get('output') != 'json':
        fail(64, 'the stand-in answers in JSON only')
    if words[0] == 'deployment':
        return print(json.dumps(find(state, options, words[1])))
    items = [item for item in state.get(words[0], []) if fits(item, options)]
    print(json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': items}))


def fits(item, options):
    return 'all-namespaces' in options or item['metadata']['namespace'] == options.get('namespace')


def find(state, options, name):
    for deployment in state['deployments']:
        if fits(deployment, options) and deployment['metadata']['name'] == name:
            return deployment
    if 'ignore-not-found' in options:
        sys.exit(0)
    fail(1, 'Error from server (NotFound): deployments.apps "%s" not found' % name)


def revision_of(deployment):
    return int(deployment['metadata']['annotations']['deployment.kubernetes.io/revision'])


def settle(state, deployment, revision):
    """As if the controller had done its work at once: so many pods as are wanted, all available."""
    meta, wanted = deployment['metadata'], deployment['spec']['replicas']
    meta['generation'] += 1
    old = [pod for pod in state['pods'] if belongs(pod, deployment)]
    if revision is not None:
        meta['annotations']['deployment.kubernetes.io/revision'] = str(revision)
        kept = []
    else:
        kept = [pod for pod in old if pod['status']['phase'] == 'Running'][:wanted]
    others = [pod for pod in state['pods'] if pod not in old]
    made = [make_pod(deployment, at) for at in range(wanted - len(kept))]
    state['pods'] = others + kept + made
    deployment['status'] = {'observedGeneration': meta['generation'], 'replicas': wanted, 'updatedReplicas': wanted, 'availableReplicas': wanted}
    if state.get('rollout') == 'crash':
        state['crash_at'] = time.time() + 1.5
        state['crash'] = meta['name']
    print('deployment.apps/%s changed' % meta['name'])


def belongs(pod, deployment):
    labels = deployment['spec']['selector']['matchLabels']
    return all(pod['metadata'].get('labels', {}).get(key) == value for key, value in labels.items())


def make_pod(deployment, at):
    name = '%s-%d-%d' % (deployment['metadata']['name'], deployment['metadata']['generation'], at)
    return {
        'metadata': {
            'name': name,
            'namespace': deployment['metadata']['namespace'],
            'uid': 'uid-' + name,
            'creationTimestamp': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
            'labels': dict(deployment['spec']['selector']['matchLabels']),
            'ownerReferences': [{'kind': 'ReplicaSet', 'name': 'rs'}],
        },
        'status': {'phase': 'Running', 'containerStatuses': [{'name': 'app', 'restartCount': 0, 'ready': True, 'state': {'running': {}}}]},
    }


def age(state):
    """What goes wrong with time: a rollout whose pods crash after all, a pod that fails again."""
    if state.get('crash_at', 1e12) < time.time():
        deployment = [each for each in state['deployments'] if each['metadata']['name'] == state['crash']][0]
        for pod in state['pods']:
            if belongs(pod, deployment):
                waiting = {'waiting': {'reason': 'CrashLoopBackOff'}}
                pod['status']['containerStatuses'] = [{'name': 'app', 'restartCount': 2, 'ready': False, 'state': waiting}]
        deployment['status']['availableReplicas'] = 0
        del state['crash_at']
    if 'fails_later' in state and state.get('fails_at', 1e12) < time.time():
        state['pods'].append(state.pop('fails_later'))


main(sys.argv[1:])
