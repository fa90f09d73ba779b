/** Files that hold keys and passwords are the same for both sides. */
export { secretBecause } from '@countersign/protocol/secret-files';
