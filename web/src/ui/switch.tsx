/** A switch with its label: on or off, at once. */
import { Switch as Base } from '@base-ui/react/switch';
import { type ReactNode, useId } from 'react';

interface SwitchProps {
  label: ReactNode;
  hint?: ReactNode;
  on: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
}

export function Switch({ label, hint, on, onChange, disabled = false }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-6">
      <div className="min-w-0">
        <span id={id} className="text-sm font-medium">
          {label}
        </span>
        {hint && <p className="mt-0.5 max-w-prose text-sm text-dim">{hint}</p>}
      </div>
      <Base.Root
        aria-labelledby={id}
        checked={on}
        onCheckedChange={onChange}
        disabled={disabled}
        className="mt-0.5 flex h-6 w-10 shrink-0 cursor-pointer rounded-full border border-control bg-sunken p-0.5 transition-colors data-[checked]:border-accent data-[checked]:bg-accent data-[disabled]:opacity-50"
      >
        <Base.Thumb className="aspect-square h-full rounded-full bg-control transition-transform data-[checked]:translate-x-4 data-[checked]:bg-on-accent" />
      </Base.Root>
    </div>
  );
}
