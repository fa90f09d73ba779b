/** A form that sends by Enter and button alike, and shows why it could not. */
import type { FormEvent, ReactNode } from 'react';
import { FaultNotice } from './fault-notice.tsx';

interface FormProps {
  onSubmit: () => void;
  error?: unknown;
  children: ReactNode;
  className?: string;
  label?: string;
}

export function Form({ onSubmit, error, children, className = 'space-y-4', label }: FormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form onSubmit={submit} className={className} aria-label={label} noValidate={false}>
      {children}
      <FaultNotice error={error} />
    </form>
  );
}
