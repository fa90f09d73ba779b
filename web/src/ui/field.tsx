/** Labelled inputs. */
import { ChevronDown, Eye, EyeOff } from 'lucide-react';
import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
  useState,
} from 'react';
import { cx } from './cx.ts';

const box =
  'w-full rounded-lg border border-control bg-surface text-ink placeholder:text-faint text-base max-sm:text-[1rem] shadow-lift disabled:opacity-60 aria-invalid:border-crit';

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  /** Shown beside the label, such as `optional`. */
  note?: ReactNode;
  children: (props: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': true | undefined;
  }) => ReactNode;
}

export function Field({ label, hint, error, note, children }: FieldProps) {
  const id = useId();
  const about = hint || error ? `${id}-about` : undefined;
  return (
    <div>
      <div className="mb-1 flex items-baseline justify-between gap-3">
        <label htmlFor={id} className="text-sm font-medium">
          {label}
        </label>
        {note && <span className="text-xs text-faint">{note}</span>}
      </div>
      {children({ id, 'aria-describedby': about, 'aria-invalid': error ? true : undefined })}
      {about && (
        <p id={about} className={cx('mt-1 text-sm', error ? 'text-crit' : 'text-dim')}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export function Input({
  mono = false,
  className,
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { mono?: boolean; ref?: Ref<HTMLInputElement> }) {
  return (
    <input autoComplete="off" {...rest} className={cx(box, 'tap h-9 px-2.5', mono && 'font-mono text-sm', className)} />
  );
}

export function Textarea({
  mono = false,
  className,
  ...rest
}: TextareaHTMLAttributes<HTMLTextAreaElement> & { mono?: boolean }) {
  return <textarea rows={3} {...rest} className={cx(box, 'px-2.5 py-1.5', mono && 'font-mono text-sm', className)} />;
}

export function Select({ className, children, ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <span className={cx('relative inline-flex', className)}>
      <select {...rest} className={cx(box, 'tap h-9 appearance-none py-0 pr-8 pl-2.5')}>
        {children}
      </select>
      <ChevronDown
        aria-hidden
        className="pointer-events-none absolute top-1/2 right-2.5 size-4 -translate-y-1/2 text-dim"
      />
    </span>
  );
}

type Labelled = Omit<FieldProps, 'children'>;

interface TextFieldProps extends Labelled, Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> {
  value: string;
  onChange: (text: string) => void;
  mono?: boolean;
}

/** A labelled line of text. */
export function TextField({ label, hint, error, note, value, onChange, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} note={note}>
      {(props) => <Input {...rest} {...props} value={value} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
}

/** What something, or somebody, is called. */
export function NameField({ label = 'Name', ...rest }: Omit<TextFieldProps, 'label'> & { label?: ReactNode }) {
  return <TextField label={label} required maxLength={100} {...rest} />;
}

/** Six digits of an authenticator app. */
export function CodeField({ required = true, onChange, ...rest }: TextFieldProps) {
  return (
    <TextField
      mono
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern="\d{6}"
      maxLength={6}
      required={required}
      onChange={(text) => onChange(text.replace(/\D/g, ''))}
      {...rest}
    />
  );
}

interface SelectFieldProps<T extends string> extends Labelled {
  value: T;
  onChange: (value: T) => void;
  /** Value → words, in the order shown. */
  options: Readonly<Record<T, string>>;
  autoFocus?: boolean;
}

/** A labelled choice of one. */
export function SelectField<T extends string>({
  value,
  onChange,
  options,
  autoFocus,
  ...labelled
}: SelectFieldProps<T>) {
  return (
    <Field {...labelled}>
      {(props) => (
        <Select
          {...props}
          autoFocus={autoFocus}
          className="w-full"
          value={value}
          onChange={(event) => onChange(event.target.value as T)}
        >
          {Object.entries<string>(options).map(([id, words]) => (
            <option key={id} value={id}>
              {words}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

/** A labelled password: the one in force, unless told. */
export function PasswordField({
  label = 'Password',
  hint,
  value,
  onChange,
  ...rest
}: Omit<TextFieldProps, 'label' | 'mono'> & { label?: ReactNode }) {
  return (
    <Field label={label} hint={hint}>
      {(props) => (
        <PasswordInput
          required
          autoComplete="current-password"
          {...rest}
          {...props}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

/** A password that can be looked at. */
export function PasswordInput(props: InputHTMLAttributes<HTMLInputElement>) {
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <span className="relative block">
      <Input {...props} type={shown ? 'text' : 'password'} className="pr-11" spellCheck={false} autoCapitalize="off" />
      <button
        type="button"
        aria-pressed={shown}
        aria-label="Show the password"
        onClick={() => setShown(!shown)}
        className="absolute inset-y-0 right-0 flex w-10 items-center justify-center rounded-lg text-dim hover:text-ink"
      >
        <Icon aria-hidden className="size-4" />
      </button>
    </span>
  );
}

interface CheckProps extends InputHTMLAttributes<HTMLInputElement> {
  label: ReactNode;
  hint?: ReactNode;
}

/** A choice that is on or off. */
export function Check({ label, hint, ...rest }: CheckProps) {
  return (
    <label className="flex min-h-6 gap-2.5 text-sm">
      <input type="checkbox" {...rest} className="mt-0.5 size-4 shrink-0 accent-(--accent)" />
      <span>
        <span className="font-medium">{label}</span>
        {hint && <span className="block text-dim">{hint}</span>}
      </span>
    </label>
  );
}
