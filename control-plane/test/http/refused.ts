import assert from 'node:assert/strict';
import { Fault } from '@countersign/protocol';

/** For `assert.rejects`: that it was refused with one of these codes. */
export const codes =
  (...expected: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof Fault, String(error));
    assert.ok(expected.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  };
