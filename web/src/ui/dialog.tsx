/** A dialog over the page: on a phone it comes from below, within reach of the thumb. */
import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { type ReactNode, type RefObject, useEffect, useState } from 'react';
import { IconButton } from './button.tsx';
import { cx } from './cx.ts';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  wide?: boolean;
  /** What comes next is shown here and nowhere else, such as a secret that is told once: until then, or for a minute, it cannot be closed. */
  stays?: boolean;
  /** Nothing in it takes the focus, so that its text must be reachable by keyboard itself. */
  textOnly?: boolean;
  initialFocus?: RefObject<HTMLElement | null>;
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  wide = false,
  stays = false,
  textOnly = false,
  initialFocus,
}: DialogProps) {
  useFocusKept(open);
  const held = useHeld(stays);
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && !held && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-shade transition-opacity duration-150 data-[ending-style]:opacity-0 data-[starting-style]:opacity-0" />
        <Base.Popup
          {...(initialFocus ? { initialFocus } : {})}
          className={cx(
            'fixed inset-x-0 bottom-0 z-50 flex max-h-[92dvh] flex-col rounded-t-2xl bg-surface pb-[env(safe-area-inset-bottom)] shadow-float transition duration-150 ease-out',
            'data-[ending-style]:translate-y-4 data-[ending-style]:opacity-0 data-[starting-style]:translate-y-4 data-[starting-style]:opacity-0',
            'sm:inset-x-auto sm:top-[8vh] sm:bottom-auto sm:left-1/2 sm:max-h-[84vh] sm:-translate-x-1/2 sm:rounded-2xl sm:pb-0',
            wide ? 'sm:w-[min(44rem,calc(100vw-3rem))]' : 'sm:w-[min(29rem,calc(100vw-3rem))]',
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-4 pb-1">
            <div className="min-w-0 flex-1 pt-1">
              <Base.Title className="text-base font-semibold">{title}</Base.Title>
              {description && <Base.Description className="mt-1 text-sm text-dim">{description}</Base.Description>}
            </div>
            <Base.Close disabled={held} render={<IconButton icon={X} label="Close" className="-mr-2" />} />
          </div>
          <div
            {...(textOnly ? { tabIndex: 0 } : {})}
            className="min-h-0 overflow-y-auto px-5 pt-2 pb-5 -outline-offset-2"
          >
            {children}
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** Longest that a dialog stays: an answer may never come, and nobody is to be caught in it. */
const HELD_MS = 60_000;

/** Whether the dialog stays now. */
function useHeld(stays: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!stays) return;
    const timer = setTimeout(() => setLate(true), HELD_MS);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [stays]);
  return stays && !late;
}

/**
 * The focus goes back to what opened the dialog. Where that is gone, as the row of what was removed, it goes to the heading of the
 * page: on nothing, a keyboard would begin at the top again and a screen reader would say nothing.
 */
function useFocusKept(open: boolean): void {
  useEffect(() => {
    if (!open) return;
    return () => {
      // Once the dialog itself has given it back.
      requestAnimationFrame(() => {
        if (document.activeElement !== document.body) return;
        const heading = document.querySelector<HTMLElement>('main h1');
        heading?.setAttribute('tabindex', '-1');
        // Where a press gives no focus, as in Safari, this is each time: the page stays where it was read.
        heading?.focus({ preventScroll: true });
      });
    };
  }, [open]);
}

/** The row of buttons at the end of a dialog or a form. The first is nearest to the thumb on a phone. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return (
    <div className="sticky -bottom-5 z-10 -mx-5 -mb-5 flex flex-col-reverse gap-2 rounded-b-2xl bg-surface px-5 pt-3 pb-5 sm:flex-row sm:justify-end">
      {children}
    </div>
  );
}
