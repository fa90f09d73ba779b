/** The playbooks of the library, read once for all tests of a file: nobody changes them, and reading them takes longer than most tests. */
import { loadLibrary, type Playbook } from '@countersign/playbooks';

const library = loadLibrary();

export async function builtIn(): Promise<ReadonlyMap<string, Playbook>> {
  return (await library).playbooks;
}
