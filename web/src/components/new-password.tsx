/** A password to be chosen. */
import { PasswordField } from '../ui/field.tsx';

export const PASSWORD_MIN = 12;

export function NewPassword({ value, onChange }: { value: string; onChange: (password: string) => void }) {
  const short = value !== '' && value.length < PASSWORD_MIN;
  return (
    <PasswordField
      hint={short ? `${PASSWORD_MIN - value.length} more characters` : 'At least 12 characters; a few words are best.'}
      minLength={PASSWORD_MIN}
      maxLength={200}
      autoComplete="new-password"
      value={value}
      onChange={onChange}
    />
  );
}
