/** Tabs below a heading. */
import { Tabs as Base } from '@base-ui/react/tabs';
import { type ReactNode, useEffect, useRef } from 'react';

export interface TabItem<T extends string> {
  readonly id: T;
  readonly label: ReactNode;
  readonly content: () => ReactNode;
}

interface TabsProps<T extends string> {
  label: string;
  items: readonly TabItem<T>[];
  value: T;
  onChange: (id: T) => void;
}

export function Tabs<T extends string>({ label, items, value, onChange }: TabsProps<T>) {
  const list = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab is the reason
  useEffect(() => {
    list.current?.querySelector('[data-active]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [value]);
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(next as T)}>
      <div className="-mx-4 mb-5 overflow-x-auto border-b border-line px-4 sm:mx-0 sm:px-0">
        <Base.List ref={list} aria-label={label} className="flex w-max gap-1">
          {items.map(({ id, label: name }) => (
            <Base.Tab
              key={id}
              value={id}
              className="tap -mb-px flex h-9 items-center gap-1.5 border-b-2 border-transparent px-2.5 text-sm font-medium text-dim -outline-offset-2 hover:text-ink data-[active]:border-accent data-[active]:text-ink"
            >
              {name}
            </Base.Tab>
          ))}
        </Base.List>
      </div>
      {items.map(({ id, content }) => (
        <Base.Panel key={id} value={id} className="-outline-offset-1">
          {id === value && content()}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
