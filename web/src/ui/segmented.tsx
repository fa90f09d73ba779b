/** One of a few, all in sight: filters, themes. */
import type { ReactNode } from 'react';

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [id: T, label: ReactNode])[];
  onChange: (id: T) => void;
}

export function Segmented<T extends string>({ label, value, options, onChange }: SegmentedProps<T>) {
  return (
    <fieldset className="flex w-fit max-w-full overflow-x-auto rounded-lg border border-line bg-sunken p-0.5">
      <legend className="sr-only">{label}</legend>
      {options.map(([id, name]) => (
        <label
          key={id}
          className="flex min-h-10 cursor-pointer items-center gap-1.5 whitespace-nowrap rounded-md px-2.5 text-sm text-dim has-checked:bg-surface has-checked:font-medium has-checked:text-ink has-checked:shadow-lift has-focus-visible:outline-2 has-focus-visible:outline-accent sm:min-h-7"
        >
          <input
            type="radio"
            name={label}
            value={id}
            checked={id === value}
            onChange={() => onChange(id)}
            className="sr-only"
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
