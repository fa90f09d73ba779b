/** A password to be chosen. */
import { Field, PasswordInput } from '../ui/field.tsx';

export const PASSWORD_MIN = 12;

export function NewPassword({ value, onChange }: { value: string; onChange: (password: string) => void }) {
  const short = value !== '' && value.length < PASSWORD_MIN;
  return (
    <Field
      label="Password"
      hint={short ? `${PASSWORD_MIN - value.length} more characters` : 'At least 12 characters; a few words are best.'}
    >
      {(props) => (
        <PasswordInput
          {...props}
          required
          minLength={PASSWORD_MIN}
          maxLength={200}
          autoComplete="new-password"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
