/** An approver's key as people compare it: what kind it is, and its fingerprint, the same as on the command line. */
import { useEffect, useState } from 'react';
import { canDigest, keyFingerprint } from '../api/signing.ts';

export function KeyName({ value }: { value: string }) {
  const [print, setPrint] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    const keep = (text: string) => !gone && setPrint(text);
    if (canDigest()) void keyFingerprint(value).then(keep, () => keep(value));
    else keep(value);
    return () => {
      gone = true;
    };
  }, [value]);
  return (
    <span>
      {value.startsWith('passkey:') ? 'passkey' : 'key'}{' '}
      <span className="font-mono text-2xs [overflow-wrap:anywhere]">{print ?? '…'}</span>
    </span>
  );
}
