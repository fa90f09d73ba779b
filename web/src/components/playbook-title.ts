/** The title of a playbook as a form of words: `Restart ‹unit›`. */
export function playbookTitle(title: string): string {
  return title.replace(/\{\{(\w+)\}\}/g, '‹$1›');
}
